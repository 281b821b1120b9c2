"""How many of a carrier's calls may be spent on looks at devices."""

from __future__ import annotations

import datetime as dt

DAY = 86_400
KEPT_FOR_SWITCHING = 0.2  # of the day's calls: what reading leaves, and what cannot wait needs
LOOKS_SHARE = 0.05  # of the calls, for looks that nothing hangs on
TOLD_SHARE = 0.05  # of the day's calls, for lines of which carriers tell by calling us
TOLD_SHARE_OF_SECOND = 0.25  # of the calls a second, where the day has no limit


def spare_calls(*, calls_per_day: int, calls_today: int, calls_of_a_pass: int, interval: int, left: float) -> float:
    """What is left of a day's calls beside those that reading and looks at other lines need in its last `left` seconds
    and those that are kept for switching: never under 0."""
    reading = calls_of_a_pass * left / max(1, interval)
    others = calls_per_day * LOOKS_SHARE * left / DAY
    return max(0.0, calls_per_day * (1 - KEPT_FOR_SWITCHING) - calls_today - reading - others)


def seconds_left(now: dt.datetime) -> float:
    """Of the day, UTC, at least one."""
    return max(1.0, DAY - (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds())


def expected_delay(*, lines: int, looks_a_day: float) -> dt.timedelta | None:
    """How long a change of device may stay unseen where so many lines are looked at in turn; None: never seen."""
    return None if looks_a_day <= 0 else dt.timedelta(seconds=DAY * lines / looks_a_day)


def told_in(*, per_second: float, per_day: int | None, seconds: float) -> float:
    """How many lines that a carrier has told of may be read in so many seconds: whoever makes it tell much, all others
    are read as before."""
    if per_day is None:
        return per_second * TOLD_SHARE_OF_SECOND * seconds
    return min(per_second * TOLD_SHARE_OF_SECOND * seconds, per_day * TOLD_SHARE * seconds / DAY)
