"""Telling people: written down with what happened, mailed later."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence

from django.db import transaction
from kit import clock, posting
from kit.errors import Invalid

from accounts.commands import record
from accounts.models import Account, Membership
from accounts.policy import SYSTEM, Actor
from billing import queries, words
from billing.commands.ledger import lock_wallets
from billing.models import AutoRefill, Invoice, Notice, Wallet
from billing.policy import KEEPS_WATCH
from billing.policy.notices import Kind, Mailing
from billing.queries.notices import recipients_of
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
    about: str = "",
    kind: Kind = Kind.MONEY,
) -> bool:
    """Once for each key: to these mail addresses, or to the owner, and to who else hears of this kind as each chose.
    Call it in the transaction of what happened.

    `about` names what may go back and forth, such as one webhook endpoint: its first turn is told at once, those
    within the hour after it are one notice at its end, with the last state.
    """
    said = {"subject": told.subject, "text": told.text, "invoice": invoice, "to": list(to), "page": page, "kind": kind}
    if not about:
        return Notice.objects.get_or_create(key=key, defaults={"account_id": account_id, **said})[1]
    now, turns = clock.now(), Notice.objects.filter(account_id=account_id, about=about)
    if (waiting := _waiting(account_id, about)) is not None:
        return _replace(waiting, key, told, page)
    last = turns.order_by("-pk").first()
    due_at = (last.due_at or last.created_at) + FLAPPING if last is not None else now
    more = {"about": about, "due_at": due_at if due_at > now else None}
    return Notice.objects.get_or_create(key=key, defaults={"account_id": account_id, **said, **more})[1]


FLAPPING = dt.timedelta(hours=1)
SEVERAL_TURNS = "This changed several times within an hour. This is the last state."


def _waiting(account_id: int, about: str) -> Notice | None:
    """The notice at the end of the hour, as long as nobody was told it."""
    turns = Notice.objects.select_for_update().filter(account_id=account_id, about=about, is_shown=False)
    return turns.filter(mailed_at=None, handed_at=None, due_at__gt=clock.now()).order_by("-pk").first()


def _replace(waiting: Notice, key: str, told: Told, page: str) -> bool:
    if waiting.key == key:
        return False
    if not Notice.objects.filter(key=key).exists():
        waiting.key = key
    waiting.subject, waiting.text, waiting.page = told.subject, f"{told.text}\n\n{SEVERAL_TURNS}", page
    waiting.save(update_fields=["key", "subject", "text", "page"])
    return True


def take_back(*, account_id: int, about: str) -> None:
    """What waits for the end of its hour is no longer so, and nothing else is to be said: it is not mailed."""
    if (waiting := _waiting(account_id, about)) is not None:
        waiting.delete()


def tell_turn(*, account_id: int, suspended: int = 0, back: int = 0) -> None:
    """That so many lines stopped for the balance, or start again. Call it in the transaction in which they do."""
    if not suspended and not back:
        return
    balance = queries.balance_of(Account.objects.get(pk=account_id), today=clock.today())
    if suspended:
        told = words.lines_suspended(lines=suspended, available=balance.available, minimum=balance.minimum)
    else:
        told = words.lines_back(lines=back, available=balance.available)
    tell(account_id=account_id, key=f"turn:{account_id}:{clock.now().isoformat()}", told=told, about="turn")


def tell_wallet_turn(*, holder: Account, is_red: bool, lines: int) -> None:
    """That so many lines of a sub-account stopped for its own balance, or start again: to its account's owner, and to
    its own people. Call it in the transaction in which they do."""
    if not lines:
        return
    balance = queries.balance_of(holder, today=clock.today())
    if is_red:
        told = words.wallet_suspended(
            name=holder.name, lines=lines, available=balance.available, minimum=balance.minimum
        )
    else:
        told = words.wallet_back(name=holder.name, lines=lines, available=balance.available)
    _tell_both(holder, told, about="turn", key=f"wallet-turn:{holder.pk}:{clock.now().isoformat()}")


def _tell_both(holder: Account, told: Told, *, about: str, key: str) -> bool:
    assert holder.parent_id is not None
    page = f"/subaccounts/{holder.uuid.hex}/"
    tell(account_id=holder.parent_id, key=key, told=told, page=page, about=f"{about}:{holder.uuid.hex}")
    places = Membership.objects.filter(account=holder, is_active=True).order_by("pk")
    if people := list(places.values_list("user__email", flat=True)):
        tell(account_id=holder.pk, key=f"{key}:own", told=told, to=people, page="/wallet/", about=about)
    return True


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
    account = Account.objects.get(pk=account_id)
    what = "wallet" if account.is_subaccount else "balance"
    record(by=SYSTEM, verb=f"{what}.{'low' if is_low else 'good'}", account_id=account_id)
    if not is_low:
        take_back(account_id=account_id, about="low")
    refilled = AutoRefill.objects.filter(pk=account_id, state__in=sorted(KEEPS_WATCH)).exists()
    balance = queries.balance_of(account, today=today)
    if not is_low or refilled or balance.runway_days is None or balance.runway_days < 0:
        return False
    key = f"low:{account_id}:{clock.now().isoformat()}"
    if account.is_subaccount:
        told = words.wallet_low(name=account.name, available=balance.available, days=balance.runway_days)
        return _tell_both(account, told, about="low", key=key)
    told = words.low(available=balance.available, days=balance.runway_days)
    return tell(account_id=account_id, key=key, told=told, about="low")


@transaction.atomic
def claim_notice() -> Notice | None:
    """The one that is due the longest, its next try set before this one is made."""
    now = clock.now()
    waiting = Notice.objects.select_for_update(skip_locked=True, of=["self"]).select_related("account", "invoice")
    waiting = waiting.exclude(account__is_test=True)  # what happens in one is shown there, and told to nobody outside
    while True:
        notice: Notice | None = posting.due(waiting.exclude(due_at__gt=now), now).first()
        if notice is None:
            return None
        if recipients_of(notice):
            posting.claimed(notice, now)
            return notice
        notice.mailing, notice.mailed_at = Mailing.NOBODY, now  # there is nothing to send
        notice.save(update_fields=["mailing", "mailed_at"])


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
    posting.begin_again(notice, clock.now())
    record(by=by, verb="notice.sent_again", account_id=notice.account_id, subject=f"notice:{notice.pk}")
    return notice
