"""Days that a carrier tells, as readings at their own ends."""

from __future__ import annotations

import datetime as dt

import pytest

from lines.policy.days import days_told
from tests.fleets import at

DAYS = [(dt.date(2026, 11, day), used) for day, used in ((1, 5), (3, 10), (4, 0), (5, 20))]


@pytest.mark.parametrize(
    ("since", "until", "counter", "found"),
    [
        # as often as lines are read: nothing, and where a day begins its beginning
        ("2026-11-05T10:00", "2026-11-05T10:05", 30, []),
        ("2026-11-04T23:58", "2026-11-05T00:03", 15, [("2026-11-05T00:00:00", 15)]),
        # days without a reading: each day with usage, up to its end
        (
            "2026-11-03T09:00",
            "2026-11-05T12:00",
            7,
            [("2026-11-03T23:59:59", 15), ("2026-11-05T00:00:00", 15)],
        ),
        (
            "2026-10-31T18:00",
            "2026-11-05T12:00",
            0,
            [
                ("2026-11-01T00:00:00", 0),
                ("2026-11-01T23:59:59", 5),
                ("2026-11-03T00:00:00", 5),
                ("2026-11-03T23:59:59", 15),
                ("2026-11-05T00:00:00", 15),
            ],
        ),
        # a day that was dated anew is under what is charged: it is left to the reading itself
        ("2026-11-03T09:00", "2026-11-05T12:00", 16, []),
    ],
)
def test_days_are_told_between_two_readings(since: str, until: str, counter: int, found: list[tuple[str, int]]) -> None:
    told = days_told(reversed(DAYS), since=at(since), until=at(until), counter=counter)
    assert told == [(at(moment), total) for moment, total in found]
