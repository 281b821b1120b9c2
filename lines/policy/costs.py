"""What a carrier says that a line cost beside what we make of it."""

from __future__ import annotations

import enum
from decimal import Decimal

CENT = Decimal("0.01")


class Compared(enum.StrEnum):
    """How a carrier's figure stands to ours."""

    WAITS = "waits"  # for the carrier
    AGREES = "agrees"
    DIFFERS = "differs"
    NOT = "not"  # nothing to compare it with: no cost is known here, it is another currency, or it is not told
    SETTLED = "settled"  # somebody looked at it


def compare(*, theirs: Decimal | None, ours: Decimal | None, currency: str, kept: str) -> Compared:
    """Amounts that are less than a cent apart are one: carriers round each part by itself.

    `currency` is the carrier's, empty where nobody knows it; `kept` is the installation's.
    """
    if theirs is None or ours is None or currency != kept:
        return Compared.NOT
    return Compared.AGREES if abs(theirs - ours) < CENT else Compared.DIFFERS
