"""Telling owners: written down with what happened, mailed later."""

from __future__ import annotations

from django.db import transaction
from kit import clock

from billing.models import Invoice, Notice
from billing.words import Told

MOST_TRIES = 8


def tell(*, account_id: int, key: str, told: Told, invoice: Invoice | None = None) -> bool:
    """Once for each key. Call it in the transaction of what happened."""
    _, is_new = Notice.objects.get_or_create(
        key=key, defaults={"account_id": account_id, "subject": told.subject, "text": told.text, "invoice": invoice}
    )
    return is_new


@transaction.atomic
def claim_notice() -> Notice | None:
    """The oldest one that waits, its try counted before it is mailed: a mail that kills its worker is not for ever."""
    notice = (
        Notice.objects.select_for_update(skip_locked=True)
        .filter(mailed_at=None, tries__lt=MOST_TRIES)
        .order_by("tries", "id")
        .first()
    )
    if notice is not None:
        notice.tries += 1
        notice.save(update_fields=["tries"])
    return notice


def mark_mailed(*, notice_id: int) -> None:
    Notice.objects.filter(pk=notice_id, mailed_at=None).update(mailed_at=clock.now())
