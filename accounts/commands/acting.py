"""Somebody of the back office acts for an account: written down in that account's own log."""

from __future__ import annotations

from django.db import transaction
from kit.errors import Invalid

from accounts.commands.events import record
from accounts.models import Account, Event
from accounts.policy import Actor


@transaction.atomic
def begin(*, account: Account, reason: str, by: Actor) -> Event:
    """Raises Invalid without a reason, or where the account is closed."""
    if not reason.strip():
        raise Invalid("Say why you act for this account; its people read it")
    if not account.is_active or (account.parent is not None and not account.parent.is_active):
        raise Invalid(f"{account.name} is closed; nobody acts in it")
    subject, detail = f"account:{account.uuid.hex}", {"reason": reason.strip()[:300]}
    return record(by=by, verb="back_office.acts", account_id=account.pk, subject=subject, detail=detail)


@transaction.atomic
def end(*, account: Account, by: Actor) -> Event:
    subject = f"account:{account.uuid.hex}"
    return record(by=by, verb="back_office.left", account_id=account.pk, subject=subject)
