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
    WALLET = Why.WALLET.value
    RULE = Why.RULE.value
    CAP = Why.CAP.value
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
    WALLET_RED = "its sub-account's wallet falls below the minimum"
    WALLET_BACK = "the wallet recovers"
    CAP_FULL = "a cap over it is full"
    CAP_OPENS = "its caps have room again"
    HOLDER_OFF = "its sub-account is switched off"
    HOLDER_ON = "its sub-account is switched on"
    CARRIER_LOCKS = "the carrier's IMEI lock switches it off"


class Result(enum.StrEnum):
    """What comes of a request. ON: on, if sub-account and balance allow it (see `settled`)."""

    STAYS = "-"
    ON = "on"
    BALANCE = "balance"
    WALLET = "wallet"
    RULE = "rule"
    CAP = "cap"
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

_EVERY = len(Standing)

# Each row: the date, then what comes of the request where the line is on, or off by balance, its sub-account's wallet,
# a rule, a full cap, its sub-account, a person, its carrier's lock, or never activated. A person's order outlives a
# rule, a rule outlives a balance that recovers, and only who switched a line off, or a person, switches it on.
_ROWS: dict[Request, tuple[DateAfter, tuple[Result, ...]]] = {
    Request.ACTIVATE: (DateAfter.REMOVED, (_STAYS, *(_ON,) * 8)),
    Request.HOLDER_ACTIVATES: (DateAfter.KEPT, (_STAYS, *(_ON,) * 8)),
    Request.DEACTIVATE_NEXT_DAY: (DateAfter.REPLACED, (_DATED, *(_PERSON,) * 5, *(_REFUSED,) * 3)),
    Request.DEACTIVATE: (DateAfter.REMOVED, (*(_PERSON,) * 6, *(_STAYS,) * 3)),
    Request.SET_DATE: (DateAfter.REPLACED, (*(_DATED,) * 6, *(_REFUSED,) * 3)),
    Request.REMOVE_DATE: (DateAfter.REMOVED, (_STAYS,) * _EVERY),
    Request.DATE_COMES: (DateAfter.REMOVED, (*(_PERSON,) * 6, *(_STAYS,) * 3)),
    Request.RULE_HOLDS: (DateAfter.KEPT, (*(_RULE,) * 4, *(_STAYS,) * 5)),
    Request.RULE_RETURNS: (DateAfter.KEPT, (*(_STAYS,) * 3, _ON, *(_STAYS,) * 5)),
    Request.BALANCE_RED: (DateAfter.KEPT, (Result.BALANCE, *(_STAYS,) * 8)),
    Request.BALANCE_BACK: (DateAfter.KEPT, (_STAYS, _ON, *(_STAYS,) * 7)),
    Request.WALLET_RED: (DateAfter.KEPT, (Result.WALLET, *(_STAYS,) * 8)),
    Request.WALLET_BACK: (DateAfter.KEPT, (_STAYS, _STAYS, _ON, *(_STAYS,) * 6)),
    Request.CAP_FULL: (DateAfter.KEPT, (Result.CAP, *(_STAYS,) * 8)),
    Request.CAP_OPENS: (DateAfter.KEPT, (*(_STAYS,) * 4, _ON, *(_STAYS,) * 4)),
    Request.HOLDER_OFF: (DateAfter.KEPT, (*(Result.SUBACCOUNT,) * 3, *(_STAYS,) * 6)),
    Request.HOLDER_ON: (DateAfter.KEPT, (*(_STAYS,) * 5, _ON, *(_STAYS,) * 3)),
    Request.CARRIER_LOCKS: (DateAfter.KEPT, (Result.CARRIER, *(_STAYS,) * 8)),
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


def settled(
    result: Result, *, is_red: bool, holder_off: bool, wallet_red: bool = False, cap_full: bool = False
) -> Standing | None:
    """Where a line is that comes to this: a line that may run again is held by its sub-account, the balance, the
    sub-account's wallet or a full cap where they do not let it. None: its standing does not change."""
    if result is Result.ON and holder_off:
        return Standing.SUBACCOUNT
    if result is Result.ON and is_red:
        return Standing.BALANCE
    if result is Result.ON and wallet_red:
        return Standing.WALLET
    if result is Result.ON and cap_full:
        return Standing.CAP
    return None if result in (Result.STAYS, Result.DATED, Result.REFUSED) else Standing(result.value)


def wish_of(standing: Standing) -> tuple[Wanted, Why | None]:
    """What is wanted of a line of this standing, and why."""
    if standing is Standing.ON:
        return Wanted.ACTIVE, None
    by_money = standing in (Standing.BALANCE, Standing.WALLET)
    return Wanted.SUSPENDED if by_money else Wanted.DEACTIVATED, Why(standing.value)


def drawn() -> str:
    """The table as Markdown, for docs/precedence.md."""
    heads = ["on", *(f"off: {standing}" for standing in Standing if standing is not Standing.ON)]
    rows = [
        [request.value, *(PRECEDENCE[standing, request].value for standing in Standing), DATE_AFTER[request].value]
        for request in Request
    ]
    table = [["asked", *heads, "its date"], ["---"] * (len(heads) + 2), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in table) + "\n"
