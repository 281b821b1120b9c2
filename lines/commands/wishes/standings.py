"""Where requests bring locked lines: their standing, and the date on which they are to be deactivated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from kit import clock

from accounts.commands import Happened, record_many
from accounts.models import Account
from accounts.policy import ASKING, Actor
from accounts.queries import is_unconfirmed
from billing.models import Wallet
from lines.commands.wishes.caps import note_caps
from lines.commands.wishes.changing import BY_IDS, change_wishes
from lines.models import Line, LineState
from lines.policy import Wanted, Why
from lines.policy.judging import Facts
from lines.policy.precedence import (
    DATE_AFTER,
    PRECEDENCE,
    DateAfter,
    Request,
    Result,
    Standing,
    settled,
    standing_of,
    wish_of,
)
from lines.queries.caps import full_caps_over
from lines.rules import is_confirmed_on

VERBS = {Wanted.ACTIVE: "line.activated", Wanted.DEACTIVATED: "line.deactivated", Wanted.SUSPENDED: "line.suspended"}


def standing(*, state: LineState) -> Standing:
    return standing_of(state.wanted, state.why)


def wallets_red(*, holders: Iterable[int | None]) -> set[int]:
    """Which of these holders are sub-accounts whose own balance with their account is below its minimum."""
    red = Wallet.objects.filter(pk__in=[pk for pk in holders if pk], is_red=True, account__parent__isnull=False)
    return set(red.values_list("pk", flat=True))


def ready_standing(*, holder: Account) -> Standing:
    """Where a line that may run is with this holder: on, or off by what does not let it. Its payer has a wallet."""
    is_red, wallet_red = Wallet.objects.get(pk=holder.payer_id).is_red, bool(wallets_red(holders=[holder.pk]))
    to = settled(Result.ON, is_red=is_red, holder_off=not holder.is_active, wallet_red=wallet_red)
    return to or Standing.ON


def facts_of(
    *, states: Sequence[LineState], by: Actor, date: dt.date | None = None, by_holder: bool = False
) -> dict[int, Facts]:
    """What decisions about locked lines depend on, where `by` asks. `date` is one that is to be set."""
    payers = {state.line.payer_id for state in states if state.line.payer_id}
    red = set(Wallet.objects.filter(pk__in=payers, is_red=True).values_list("pk", flat=True))
    unconfirmed = {pk for pk in payers if by.kind in ASKING and is_unconfirmed(payer_id=pk)}
    holders = {state.line.account_id for state in states if state.line.account_id}
    red_wallets = wallets_red(holders=holders)
    capped = full_caps_over([state.pk for state in states], today=clock.today())
    off = set(Account.objects.filter(pk__in=holders, is_active=False).values_list("pk", flat=True))
    return {
        state.pk: Facts(
            standing=standing(state=state),
            confirmed_on=is_confirmed_on(state.reported, blocked=state.blocked),
            has_date=state.line.deactivation_date is not None,
            is_red=state.line.payer_id in red,
            holder_off=state.line.account_id in off,
            wallet_red=state.line.account_id in red_wallets,
            cap_full=state.pk in capped,
            is_so=date is not None and state.line.deactivation_date == date,
            by_holder=by_holder,
            unconfirmed=state.line.payer_id in unconfirmed,
        )
        for state in states
    }


def set_many(
    *, states: Sequence[LineState], request: Request, to: Standing, by: Actor, at: dt.datetime | None = None
) -> None:
    """Brings lines whose states are locked, with their lines, where a request led them; one event for each, and one
    for each date that the request takes away."""
    if not states:
        return
    wanted, why = wish_of(to)
    who = by.name if why in (None, Why.PERSON, Why.RULE) else ""
    change_wishes(
        which=BY_IDS,
        ids=[state.pk for state in states],
        to=to,
        instead_of=list(Standing),
        who=who,
        at=at,
    )
    if to is Standing.CAP:
        note_caps(which=BY_IDS, ids=[state.pk for state in states])
    record_many(
        by=by,
        verb=VERBS[wanted],
        things=[
            Happened(
                state.line.account_id,
                f"line:{state.line.iccid}",
                {"before": Wanted(state.wanted).name, "after": wanted.name},
            )
            for state in states
        ],
    )
    _after_dates(states, request, by=by)


def _after_dates(states: Sequence[LineState], request: Request, *, by: Actor) -> None:
    """Takes dates away where the request does. A date that has come is not taken away: it is fulfilled."""
    if DATE_AFTER[request] is not DateAfter.KEPT and request is not Request.DATE_COMES:
        set_dates(states=[state for state in states if state.line.deactivation_date], date=None, by=by)


def bring(*, due: Sequence[LineState], request: Request, to: Standing, by: Actor) -> None:
    """Lines whose standing the request changes come to this one; of the others only the dates change."""
    turning = [state for state in due if PRECEDENCE[standing(state=state), request] is not Result.STAYS]
    set_many(states=turning, request=request, to=to, by=by)
    turned = set(turning)
    _after_dates([state for state in due if state not in turned], request, by=by)


def set_dates(*, states: Sequence[LineState], date: dt.date | None, by: Actor) -> None:
    """States must be locked, with their lines."""
    if not states:
        return
    Line.objects.filter(pk__in=[state.pk for state in states]).update(
        deactivation_date=date, deactivation_by=by.name if date else ""
    )
    record_many(
        by=by,
        verb="line.deactivation_date_set" if date else "line.deactivation_date_removed",
        things=[
            Happened(
                state.line.account_id,
                f"line:{state.line.iccid}",
                {"before": _iso(state.line.deactivation_date), "after": _iso(date)},
            )
            for state in states
        ],
    )


def _iso(date: dt.date | None) -> str | None:
    return date.isoformat() if date else None
