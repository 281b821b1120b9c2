"""What people are told, pure: of which kind it is, who hears of it, and whom it is mailed to."""

from __future__ import annotations

import enum
from collections.abc import Collection

from accounts.policy import Right, Role, rights


class Kind(enum.StrEnum):
    """What a notice is about."""

    MONEY = "money"
    RULES = "rules"
    JOBS = "jobs"  # and orders, and messages to devices
    CARRIERS = "carriers"
    INVITATIONS = "invitations"


class Mailing(enum.StrEnum):
    """Whether a notice is mailed to whom it is addressed."""

    USUAL = "usual"  # to those who did not say otherwise
    CHOSEN = "chosen"  # to nobody but those who chose all of its kind
    NOBODY = "nobody"  # found to be wanted by mail by nobody


class Wish(enum.StrEnum):
    """What a person wants of a kind by mail."""

    USUAL = "usual"  # what is addressed to them, as far as it is mailed at all
    ALL = "all"
    NONE = "none"


# Who hears of a kind beside those whom a notice is addressed to; None: nobody.
RIGHT_OF: dict[Kind, Right | None] = {
    Kind.MONEY: Right.SEE_MONEY,
    Kind.RULES: Right.SEE_AUDIT,
    Kind.JOBS: None,
    Kind.CARRIERS: Right.SEE_MONEY,  # a sub-account's people never meet carriers
    Kind.INVITATIONS: Right.MANAGE_PEOPLE,
}
# What a sub-account's people may be told of.
OF_SUBACCOUNTS = (Kind.MONEY, Kind.RULES, Kind.JOBS)


def hears(kind: Kind, *, is_addressed: bool, granted: Collection[Right]) -> bool:
    """Whether somebody with these rights in an account hears of its notice."""
    return is_addressed or RIGHT_OF[kind] in granted


def hearers() -> list[tuple[Kind, Role, bool, bool]]:
    """Kind, role, in a sub-account or not, in a test account or not: who hears of what is addressed to others."""
    either = (False, True)
    return [
        (kind, role, is_subaccount, is_test)
        for kind in Kind
        for role in Role
        for is_subaccount in either
        for is_test in either
        if hears(kind, is_addressed=False, granted=rights(role, is_subaccount=is_subaccount, is_test=is_test))
    ]


def kinds_for(granted: Collection[Right], *, is_subaccount: bool) -> list[Kind]:
    """The kinds that somebody with these rights may ever be told of."""
    if is_subaccount:
        return list(OF_SUBACCOUNTS)
    return [kind for kind in Kind if RIGHT_OF[kind] is None or RIGHT_OF[kind] in granted]


def wishes_for(kind: Kind) -> tuple[Wish, ...]:
    """What may be chosen for it by mail: of what is never mailed unless it is chosen, there is no usual."""
    never = (Kind.CARRIERS, Kind.INVITATIONS)
    return (Wish.NONE, Wish.ALL) if kind in never else (Wish.USUAL, Wish.ALL, Wish.NONE)


def is_mailed(wish: Wish, mailing: Mailing, *, is_addressed: bool, is_heard: bool) -> bool:
    """Whether one person gets a notice by mail."""
    if wish is Wish.USUAL:
        return is_addressed and mailing is Mailing.USUAL
    return wish is Wish.ALL and is_heard
