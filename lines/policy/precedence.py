"""Who wins over whom about a line: one table of persons, dates, rules, balance, sub-account and carrier.

Every command that changes what is wanted of lines asks it; docs/precedence.md is drawn from it.
"""

from __future__ import annotations

import enum

from lines.policy import Wanted, Why


class Standing(enum.StrEnum):
    """What holds a line where it is: nothing, or the reason why it is off (lines.policy.Why)."""

    ON = "on"
    BALANCE = Why.BALANCE.value
    RULE = Why.RULE.value
    SUBACCOUNT = Why.SUBACCOUNT.value
    PERSON = Why.PERSON.value
    CARRIER = Why.CARRIER.value
    NEW = Why.NEW.value


def standing_of(wanted: Wanted | int, why: str) -> Standing:
    """The standing of a line of this wish (in SQL: queries.scope.STANDING, and in commands/wishes/changing.py)."""
    return Standing.ON if wanted == Wanted.ACTIVE else Standing(why)


class Request(enum.StrEnum):
    """What somebody or something asks of a line."""

    ACTIVATE = "a person activates it"
    HOLDER_ACTIVATES = "its sub-account's people activate it"
    DEACTIVATE_NEXT_DAY = "a person deactivates it from the next day on"
    DEACTIVATE = "a person deactivates it at once"
    SET_DATE = "a person sets a deactivation date"
    REMOVE_DATE = "a person removes the date"
    DATE_COMES = "the date comes"
    RULE_HOLDS = "a rule deactivates it"
    RULE_RETURNS = "the rule's follow-up activates it"
    BALANCE_RED = "the balance falls below the minimum"
    BALANCE_BACK = "the balance recovers"
    HOLDER_OFF = "its sub-account is switched off"
    HOLDER_ON = "its sub-account is switched on"
    CARRIER_LOCKS = "the carrier's IMEI lock switches it off"


class Result(enum.StrEnum):
    """What comes of a request. ON: on, if sub-account and balance allow it (see `settled`)."""

    STAYS = "-"
    ON = "on"
    BALANCE = "balance"
    RULE = "rule"
    SUBACCOUNT = "sub-account"
    PERSON = "person"
    CARRIER = "carrier"
    DATED = "gets the date"
    REFUSED = "refused"


class DateAfter(enum.StrEnum):
    """What becomes of a deactivation date that the line has."""

    KEPT = "kept"
    REMOVED = "removed"
    REPLACED = "replaced"


_STAYS, _ON, _RULE, _PERSON, _DATED = Result.STAYS, Result.ON, Result.RULE, Result.PERSON, Result.DATED
_REFUSED = Result.REFUSED

# Each row: the date, then what comes of the request where the line is on, or off by balance, a rule, its sub-account,
# a person, its carrier's lock, or never activated. A person's order outlives a rule, a rule outlives a balance that
# recovers, and only who switched a line off, or a person, switches it on.
_ROWS: dict[Request, tuple[DateAfter, tuple[Result, Result, Result, Result, Result, Result, Result]]] = {
    Request.ACTIVATE: (DateAfter.REMOVED, (_STAYS, _ON, _ON, _ON, _ON, _ON, _ON)),
    Request.HOLDER_ACTIVATES: (DateAfter.KEPT, (_STAYS, _ON, _ON, _ON, _ON, _ON, _ON)),
    Request.DEACTIVATE_NEXT_DAY: (
        DateAfter.REPLACED,
        (_DATED, _PERSON, _PERSON, _PERSON, _REFUSED, _REFUSED, _REFUSED),
    ),
    Request.DEACTIVATE: (DateAfter.REMOVED, (_PERSON, _PERSON, _PERSON, _PERSON, _STAYS, _STAYS, _STAYS)),
    Request.SET_DATE: (DateAfter.REPLACED, (_DATED, _DATED, _DATED, _DATED, _REFUSED, _REFUSED, _REFUSED)),
    Request.REMOVE_DATE: (DateAfter.REMOVED, (_STAYS,) * 7),
    Request.DATE_COMES: (DateAfter.REMOVED, (_PERSON, _PERSON, _PERSON, _PERSON, _STAYS, _STAYS, _STAYS)),
    Request.RULE_HOLDS: (DateAfter.KEPT, (_RULE, _RULE, _RULE, _STAYS, _STAYS, _STAYS, _STAYS)),
    Request.RULE_RETURNS: (DateAfter.KEPT, (_STAYS, _STAYS, _ON, _STAYS, _STAYS, _STAYS, _STAYS)),
    Request.BALANCE_RED: (DateAfter.KEPT, (Result.BALANCE, *(_STAYS,) * 6)),
    Request.BALANCE_BACK: (DateAfter.KEPT, (_STAYS, _ON, *(_STAYS,) * 5)),
    Request.HOLDER_OFF: (DateAfter.KEPT, (Result.SUBACCOUNT, Result.SUBACCOUNT, *(_STAYS,) * 5)),
    Request.HOLDER_ON: (DateAfter.KEPT, (_STAYS, _STAYS, _STAYS, _ON, _STAYS, _STAYS, _STAYS)),
    Request.CARRIER_LOCKS: (DateAfter.KEPT, (Result.CARRIER, *(_STAYS,) * 6)),
}
DATE_AFTER = {request: date for request, (date, _) in _ROWS.items()}
PRECEDENCE: dict[tuple[Standing, Request], Result] = {
    (standing, request): result
    for request, (_, results) in _ROWS.items()
    for standing, result in zip(Standing, results, strict=True)
}


def leads_to(request: Request, result: Result) -> frozenset[Standing]:
    """The standings from which a request comes to this."""
    return frozenset(standing for standing in Standing if PRECEDENCE[standing, request] is result)


def settled(result: Result, *, is_red: bool, holder_off: bool) -> Standing | None:
    """Where a line is that comes to this: a line that may run again is held by its sub-account or balance where they
    do not let it. None: its standing does not change."""
    if result is Result.ON and holder_off:
        return Standing.SUBACCOUNT
    if result is Result.ON and is_red:
        return Standing.BALANCE
    return None if result in (Result.STAYS, Result.DATED, Result.REFUSED) else Standing(result.value)


def wish_of(standing: Standing) -> tuple[Wanted, Why | None]:
    """What is wanted of a line of this standing, and why."""
    if standing is Standing.ON:
        return Wanted.ACTIVE, None
    return Wanted.SUSPENDED if standing is Standing.BALANCE else Wanted.DEACTIVATED, Why(standing.value)


def drawn() -> str:
    """The table as Markdown, for docs/precedence.md."""
    heads = ["on", *(f"off: {standing}" for standing in Standing if standing is not Standing.ON)]
    rows = [
        [request.value, *(PRECEDENCE[standing, request].value for standing in Standing), DATE_AFTER[request].value]
        for request in Request
    ]
    table = [["asked", *heads, "its date"], ["---"] * (len(heads) + 2), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in table) + "\n"
