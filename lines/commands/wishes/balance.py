"""Lines that lose and regain the right to run as their payer's balance turns."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import transaction
from kit import clock

from accounts.commands import record
from accounts.models import Account
from accounts.policy import SYSTEM
from billing.commands import lock_wallets, mark_colours
from billing.commands.notices import tell_turn
from lines.commands.wishes.caps import let_run
from lines.commands.wishes.changing import change_wishes
from lines.commands.wishes.wallets import WALLET_IS_RED, Enforced, enforce_wallets
from lines.models import Line, LineState
from lines.policy import balance_subject
from lines.policy.precedence import Request, Result, Standing, leads_to
from lines.rules import NOT_MOVING

OF_PAYER = f"l.payer_id = ANY(%(ids)s::bigint[]) AND {NOT_MOVING}"


@transaction.atomic
def enforce(*, account_ids: Sequence[int] | None = None, today: dt.date | None = None) -> Enforced:
    """Suspends the lines of accounts that turned red and brings back those of accounts that recovered.

    Looks at these payers, or at all. Harmless twice: it acts only on a change of colour. Deactivated lines stay so.
    """
    turned = mark_colours(today=today or clock.today(), account_ids=account_ids)
    customers = set(
        Account.objects.filter(pk__in=[one.account_id for one in turned], parent__isnull=False).values_list(
            "pk", flat=True
        )
    )
    changes = [change for change in turned if change.account_id not in customers]
    red = [change.account_id for change in changes if change.is_red]
    back = [change.account_id for change in changes if not change.is_red]
    wallets = enforce_wallets(changes=[change for change in turned if change.account_id in customers])
    suspended = reactivated = {}
    if red:
        running = leads_to(Request.BALANCE_RED, Result.BALANCE)
        suspended = change_wishes(which=OF_PAYER, ids=red, to=Standing.BALANCE, instead_of=running)
    if back:
        waiting = leads_to(Request.BALANCE_BACK, Result.ON)
        held = f"{OF_PAYER} AND {WALLET_IS_RED}"
        change_wishes(which=held, ids=back, to=Standing.WALLET, instead_of=waiting)
        reactivated = let_run(which=OF_PAYER, ids=back, to=Standing.ON, instead_of=waiting)
    uuids = dict(Account.objects.filter(pk__in=[*red, *back]).values_list("pk", "uuid")) if changes else {}
    for account_id in red:
        _record_turn("balance.red", account_id, uuids[account_id], "suspended", suspended.get(account_id, 0))
        tell_turn(account_id=account_id, suspended=suspended.get(account_id, 0))
    for account_id in back:
        _record_turn("balance.recovered", account_id, uuids[account_id], "reactivated", reactivated.get(account_id, 0))
        tell_turn(account_id=account_id, back=reactivated.get(account_id, 0))
    return Enforced(
        suspended=sum(suspended.values()) + wallets.suspended,
        reactivated=sum(reactivated.values()) + wallets.reactivated,
    )


def _record_turn(verb: str, account_id: int, account: uuid.UUID, did: str, lines: int) -> None:
    """One event for all the lines of an account, found by its subject: each line's timeline shows it."""
    subject = balance_subject(account)
    record(by=SYSTEM, verb=verb, account_id=account_id, subject=subject, detail={f"lines_{did}": lines})


def lock_lines(*, line_ids: Sequence[int]) -> list[LineState]:
    """Locks these lines' payers and then their states, in order, for the rest of the transaction; answers the states
    with their lines, as their balances' colours want them. Lines in stock are left out."""
    ours = Line.objects.filter(pk__in=line_ids, payer__isnull=False)
    payers = [payer for payer in ours.order_by().values_list("payer_id", flat=True).distinct() if payer is not None]
    lock_wallets(account_ids=payers)
    enforce(account_ids=payers)
    states = LineState.objects.filter(line__in=ours).select_related("line").order_by("pk")
    return list(states.select_for_update(of=("self",)))
