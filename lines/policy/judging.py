"""Whether an action may be done to a line now: what persons ask, judged by the table of precedence."""

from __future__ import annotations

from dataclasses import dataclass

from lines.policy import Action, Verdict
from lines.policy.precedence import DATE_AFTER, PRECEDENCE, DateAfter, Request, Result, Standing

REQUESTS = {
    Action.ACTIVATE: Request.ACTIVATE,
    Action.DEACTIVATE_NEXT_DAY: Request.DEACTIVATE_NEXT_DAY,
    Action.DEACTIVATE: Request.DEACTIVATE,
    Action.DEACTIVATE_ON: Request.SET_DATE,
    Action.KEEP: Request.REMOVE_DATE,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What an action depends on. `is_so`: the line has the plan, the holder, the tags or the deactivation date already,
    or none to take away."""

    standing: Standing
    confirmed_on: bool = False
    has_date: bool = False
    is_red: bool = False
    holder_off: bool = False
    wallet_red: bool = False  # the sub-account has a balance of its own, and it is below its minimum
    cap_full: bool = False  # a cap over it that stops its lines is full
    is_so: bool = False
    by_holder: bool = False  # a sub-account's people ask
    other_carrier: bool = False
    not_offered: bool = False
    cannot: bool = False
    no_field: bool = False  # a custom field that it is to have a value in is gone, or the choice
    unconfirmed: bool = False  # its payer, where people, keys or rules ask


def judge(action: Action, facts: Facts) -> Verdict:
    """Whether this may be done to a line of these facts."""
    if action in REQUESTS:
        by_holder = action is Action.ACTIVATE and facts.by_holder
        return _judged(Request.HOLDER_ACTIVATES if by_holder else REQUESTS[action], facts)
    if action is Action.SMS:
        if facts.cannot:
            return Verdict.CANNOT
        if facts.unconfirmed:
            return Verdict.UNCONFIRMED
        return Verdict.DO if facts.standing is Standing.ON and facts.confirmed_on else Verdict.NOT_ON
    if facts.no_field:
        return Verdict.NO_FIELD
    if facts.is_so:
        return Verdict.SAME
    if facts.unconfirmed and action is Action.PLAN:
        return Verdict.UNCONFIRMED
    if facts.not_offered:
        return Verdict.NOT_OFFERED
    return Verdict.OTHER_CARRIER if facts.other_carrier else Verdict.DO


def _judged(request: Request, facts: Facts) -> Verdict:
    result = PRECEDENCE[facts.standing, request]
    if result is Result.REFUSED:
        return Verdict.DEACTIVATED
    if result is Result.ON and facts.unconfirmed:
        return Verdict.UNCONFIRMED
    if result is Result.ON and facts.holder_off:
        return Verdict.HOLDER_OFF
    if result is Result.ON and facts.is_red:
        return Verdict.RED
    if result is Result.ON and facts.wallet_red:
        return Verdict.WALLET_RED
    if result is Result.ON and facts.cap_full:
        return Verdict.CAP_FULL
    if result is Result.DATED:
        return Verdict.SAME if facts.is_so else Verdict.DO
    takes_a_date = facts.has_date and DATE_AFTER[request] is DateAfter.REMOVED
    return Verdict.SAME if result is Result.STAYS and not takes_a_date else Verdict.DO
