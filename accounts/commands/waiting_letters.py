"""Mails that are written down in the transaction of what they are about, and sent until the mail server takes them."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from kit import clock

from accounts.models import Account, WaitingLetter


def post(*, account: Account, to: str, subject: str, text: str, button: str = "") -> WaitingLetter:
    return WaitingLetter.objects.create(account=account, to=to, subject=subject[:300], text=text, button=button)


@transaction.atomic
def claim() -> WaitingLetter | None:
    """A mail that is due, the next try set before this one is made."""
    now = clock.now()
    rows = WaitingLetter.objects.select_for_update(skip_locked=True, of=("self",)).select_related("account__parent")
    letter = rows.filter(mail_after__lte=now).order_by("mail_after").first()
    if letter is not None:
        letter.mail_tries += 1
        letter.mail_after = now + dt.timedelta(minutes=2 ** min(letter.mail_tries, 8))
        letter.save(update_fields=["mail_tries", "mail_after"])
    return letter


def mark_sent(*, letter: WaitingLetter) -> None:
    WaitingLetter.objects.filter(pk=letter.pk).delete()
