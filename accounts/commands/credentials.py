"""What happens to the key that a client signs with."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from kit import clock, crypto
from kit.errors import Invalid, NotFound, Refusal

from accounts.commands.events import record
from accounts.models import Account, ApiCredential
from accounts.policy import KEY_OVERLAPS, Actor


class FormerKeyWorks(Refusal):
    """The key before the present one has not ended yet."""


class RotatedMeanwhile(Refusal):
    """Somebody else rotated the key, or the same click came twice."""


@transaction.atomic
def show_key(*, account: Account, by: Actor) -> str:
    """The shared key, and that it was looked at. Raises NotFound, CannotDecrypt."""
    row = _live(account)
    _note(row, "api.key_shown", by=by)
    return crypto.decrypt(row.shared_key, row=f"credential:{row.user_uuid}")


@transaction.atomic
def rotate_key(*, account: Account, overlap_hours: int, last: dt.datetime | None, by: Actor) -> str:
    """A new shared key; the one before works on for the overlap. `last` is when it was rotated before, as the person
    saw it: the same click twice rotates once.

    Raises Invalid, NotFound, RotatedMeanwhile, FormerKeyWorks.
    """
    if overlap_hours not in KEY_OVERLAPS:
        raise Invalid("Choose how long the present key still works.")
    row, now = _live(account), clock.now()
    if row.rotated_at != last:
        raise RotatedMeanwhile("The key was rotated a moment ago; look at the new one before you rotate it again.")
    if row.former_until and row.former_until > now:
        raise FormerKeyWorks("The former key still works; end it first, or wait until it ends.")
    key = crypto.new_hex()
    row.former_key = row.shared_key if overlap_hours else ""
    row.former_until = now + dt.timedelta(hours=overlap_hours) if overlap_hours else None
    row.shared_key, row.rotated_at = crypto.encrypt(key, row=f"credential:{row.user_uuid}"), now
    row.save(update_fields=["former_key", "former_until", "shared_key", "rotated_at"])
    _note(row, "api.key_rotated", by=by, former_works_for_hours=overlap_hours)
    return key


@transaction.atomic
def end_former_key(*, account: Account, by: Actor) -> None:
    """The key before the present one works no longer. Harmless twice. Raises NotFound."""
    row = _live(account)
    if row.former_key:
        row.former_key, row.former_until = "", None
        row.save(update_fields=["former_key", "former_until"])
        _note(row, "api.former_key_ended", by=by)


def _live(account: Account) -> ApiCredential:
    row = ApiCredential.objects.select_for_update().filter(account=account, revoked_at=None).first()
    if row is None:
        raise NotFound(f"{account.name} has no live API credential.")
    return row


def _note(row: ApiCredential, verb: str, *, by: Actor, **detail: int) -> None:
    record(by=by, verb=verb, account_id=row.account_id, subject=f"credential:{row.user_uuid}", detail=detail)
