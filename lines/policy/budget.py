"""How a carrier's calls of a day are shared: among kinds of calls, and among the accounts that ask for some. Pure."""

from __future__ import annotations

import enum
from collections.abc import Sequence

# Of the day's calls. What is left of all is kept for switching lines off: no click, no reading and no activation
# comes near it, so whoever uses up everything else stops nobody's deactivation.
KEPT_FOR_OFF = 0.10
SHARES = {
    "reading": 0.80,
    "totals": 0.50,
    "messages": 0.10,
    "devices": 0.10,
    "settings": 0.05,
    "funds": 0.01,
}
ASKED_SHARE = (
    0.05  # of the day's calls, for what people ask of a line's device; looks that nobody asked for take as many
)
ASKED_A_MINUTE = 12  # by one account, whatever the day allows


MINUTE = 61  # seconds whose calls are counted, so that no 60 seconds have more, wherever they begin


def free_in(calls: Sequence[int], *, age: int, most: int) -> int:
    """In how many seconds one more call is allowed, where a minute has so many at the most. `calls` of each second, the
    last one first, which is `age` seconds ago."""
    wait = 0
    while sum(count for second, count in enumerate(calls, age) if second + wait < MINUTE) >= most:
        wait += 1
    return wait


def most_of_all(per_day: int, *, off: bool) -> int:
    """How many calls of a day may be made in all before one of these waits for tomorrow."""
    return per_day if off else max(1, int(per_day * (1 - KEPT_FOR_OFF)))


def most_of_kind(kind: str, per_day: int) -> int:
    """How many calls of a day may be of this kind."""
    return per_day if kind not in SHARES else max(1, int(per_day * SHARES[kind]))


def share_of_asking(per_day: int, *, lines: int, all_lines: int, accounts: int) -> int:
    """How often an account with so many of a carrier's lines may ask in a day: half of what there is goes by lines,

    half in equal parts, so that the sum over all accounts is no more than there is, and everybody may ask once.
    """
    pool = per_day * ASKED_SHARE / 2
    return max(1, int(pool * lines / max(1, all_lines) + pool / max(1, accounts)))


class Costly(enum.StrEnum):
    """What an account may do so many times on a day, since each is a carrier's call."""

    SMS = "sms"
    ACTIVATION = "activation"
    SETTING = "setting"


LEAST_LINES = 10  # an account that begins may do as much as one of so many lines


def allowed_a_day(a_line: int, *, lines: int) -> int:
    """How often an account of so many lines may do a costly thing on one day."""
    return a_line * max(LEAST_LINES, lines)
