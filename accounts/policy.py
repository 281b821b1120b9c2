"""Who acts, and what each kind of person may do. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ActorKind(enum.StrEnum):
    PERSON = "person"
    KEY = "key"
    RULE = "rule"
    CARRIER = "carrier"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a change is by, as it is shown: a person's mail, a rule's name, `system`."""

    kind: ActorKind
    name: str


SYSTEM = Actor(ActorKind.SYSTEM, "Linekeeper")
OPERATOR = Actor(ActorKind.OPERATOR, "operator")


class Role(enum.StrEnum):
    OWNER = "owner"
    USER = "user"


class Right(enum.StrEnum):
    """What a page or a command asks for."""

    SEE_LINES = "see lines"
    SEE_MONEY = "see money"
    ACTIVATE_LINES = "activate lines, edit their notes"
    MANAGE_LINES = "manage lines"
    MANAGE_MONEY = "manage money"
    MANAGE_PEOPLE = "manage people"


_EVERYTHING = frozenset(Right)
_OF_ROLE = {
    Role.OWNER: _EVERYTHING,
    Role.USER: _EVERYTHING - {Right.MANAGE_MONEY, Right.MANAGE_PEOPLE},
}
_OF_SUBACCOUNT = frozenset({Right.SEE_LINES, Right.ACTIVATE_LINES})


def rights(role: Role, *, is_subaccount: bool) -> frozenset[Right]:
    """A sub-account's people see their own lines and no money, whatever their role there."""
    return _OF_SUBACCOUNT if is_subaccount else _OF_ROLE[role]
