"""Telling people: written down with what happened, mailed later."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence

from django.db import transaction
from kit import clock, posting
from kit.errors import Invalid

from accounts.commands import record
from accounts.models import Account
from accounts.policy import SYSTEM, Actor
from billing import queries, words
from billing.commands.ledger import lock_wallets
from billing.models import AutoRefill, Invoice, Notice, Wallet
from billing.policy import KEEPS_WATCH
from billing.words import Told

log = logging.getLogger(__name__)


def tell(
    *,
    account_id: int,
    key: str,
    told: Told,
    invoice: Invoice | None = None,
    to: Sequence[str] = (),
    page: str = "/billing/",
) -> bool:
    """Once for each key: to these mail addresses, or to the owner. Call it in the transaction of what happened."""
    said = {"subject": told.subject, "text": told.text, "invoice": invoice, "to": list(to), "page": page}
    _, is_new = Notice.objects.get_or_create(key=key, defaults={"account_id": account_id, **said})
    return is_new


def tell_turn(*, account_id: int, suspended: int = 0, back: int = 0) -> None:
    """That so many lines stopped for the balance, or start again. Call it in the transaction in which they do."""
    if not suspended and not back:
        return
    balance = queries.balance_of(Account.objects.get(pk=account_id), today=clock.today())
    if suspended:
        told = words.lines_suspended(lines=suspended, available=balance.available, minimum=balance.minimum)
    else:
        told = words.lines_back(lines=back, available=balance.available)
    _tell_last(account_id, told)


FLAPPING = dt.timedelta(hours=1)


def _tell_last(account_id: int, told: Told) -> None:
    """The first turn is told at once; those within the hour after it are one mail at its end, with the last state."""
    now, turns = clock.now(), Notice.objects.filter(account=account_id, key__startswith=f"turn:{account_id}:")
    waiting = turns.select_for_update().filter(mailed_at=None, due_at__gt=now).order_by("-pk").first()
    if waiting is not None:
        waiting.subject, waiting.text = told.subject, f"{told.text}\n\n{SEVERAL_TURNS}"
        waiting.save(update_fields=["subject", "text"])
        return
    last = turns.order_by("-pk").first()
    due_at = (last.due_at or last.created_at) + FLAPPING if last is not None else now
    key = f"turn:{account_id}:{now.isoformat()}"
    if tell(account_id=account_id, key=key, told=told) and due_at > now:
        Notice.objects.filter(key=key).update(due_at=due_at)


SEVERAL_TURNS = "The balance crossed its minimum several times within an hour. This is the last state."


def tell_low(*, today: dt.date) -> int:
    """Tells owners whose balance turned orange, once until it has been green again, and not where auto-refill acts.

    One that turned red is told of its lines instead. Harmless twice: what is told is written on the wallet. An account
    that cannot be told stops no other.
    """
    told = 0
    for account_id in queries.low_changes(today=today):
        try:
            told += _tell_low(account_id, today)
        except Exception:
            log.exception("account %s cannot be told of its balance", account_id)
    return told


@transaction.atomic
def _tell_low(account_id: int, today: dt.date) -> bool:
    lock_wallets(account_ids=[account_id])
    is_low = queries.low_changes(today=today, account_ids=[account_id]).get(account_id)
    if is_low is None:
        return False
    Wallet.objects.filter(pk=account_id).update(low_since=clock.now() if is_low else None)
    if is_low:
        record(by=SYSTEM, verb="balance.low", account_id=account_id)
    refilled = AutoRefill.objects.filter(pk=account_id, state__in=sorted(KEEPS_WATCH)).exists()
    balance = queries.balance_of(Account.objects.get(pk=account_id), today=today)
    if not is_low or refilled or balance.runway_days is None or balance.runway_days < 0:
        return False
    key = f"low:{account_id}:{clock.now().isoformat()}"
    return tell(account_id=account_id, key=key, told=words.low(available=balance.available, days=balance.runway_days))


@transaction.atomic
def claim_notice() -> Notice | None:
    """The one that is due the longest, its next try set before this one is made."""
    now = clock.now()
    waiting = Notice.objects.select_for_update(skip_locked=True, of=["self"]).select_related("account", "invoice")
    notice: Notice | None = posting.due(waiting.exclude(due_at__gt=now), now).first()
    if notice is not None:
        posting.claimed(notice, now)
    return notice


def save_posted(*, notice: posting.Posted, fields: list[str]) -> None:
    """What became of a try."""
    notice.save(update_fields=fields)


def doubt_old_notices() -> int:
    """Those whose worker died as it handed them over: somebody of the back office decides."""
    return posting.doubt_old(Notice.objects.all(), clock.now())


@transaction.atomic
def send_again(*, notice_id: int, by: Actor) -> Notice:
    """One that failed is tried for three days more. Raises Invalid where it was mailed or still is being tried."""
    notice = Notice.objects.select_for_update().get(pk=notice_id)
    if notice.failed_at is None:
        raise Invalid("This email was sent, or is still being tried")
    notice.failed_at = notice.handed_at = None
    notice.tries, notice.why = 0, ""
    notice.mail_since = notice.mail_after = clock.now()
    notice.save()
    record(by=by, verb="notice.sent_again", account_id=notice.account_id, subject=f"notice:{notice.pk}")
    return notice
