"""The rules about rules as tables, without a database: what may be saved, what is done, and when it is undone."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from automation.policy import (
    BACK_OFF,
    CALM,
    MOST_CHANGES,
    MOST_HOURS,
    Action,
    Changes,
    LineDayUsed,
    LineNow,
    Outcome,
    Period,
    Then,
    Trigger,
    Unit,
    calm_from,
    free_from,
    is_longer,
    judge,
    lifts_at,
    midnight,
    period_ends,
    problems,
    restraint,
    retry_at,
    says,
    would_have_been_abroad,
    would_have_been_silent,
    would_have_fired,
)
from lines.policy import MEGABYTE

DAY = dt.date(2026, 11, 20)
CYCLE = dt.date(2026, 11, 1)
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
TOMORROW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)

GOOD: dict[str, Any] = {
    "name": "Too much",
    "trigger": Trigger.USAGE,
    "period": "day",
    "unit": "mb",
    "limit": Decimal(500),
    "hours": None,
    "word": "",
    "countries": (),
    "action": Action.DEACTIVATE,
    "then": Then.NEVER,
    "then_hours": None,
    "tells": 0,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, set()),
        ({"name": "  "}, {"name"}),
        ({"name": "x" * 100}, set()),
        ({"name": "x" * 101}, {"name"}),
        ({"period": "week"}, {"period"}),
        ({"unit": "kb"}, {"unit"}),
        ({"trigger": Trigger.COST, "unit": ""}, set()),
        ({"trigger": Trigger.COST, "period": ""}, {"period"}),
        ({"limit": None}, {"limit"}),
        ({"limit": Decimal(0)}, {"limit"}),
        ({"limit": Decimal("NaN")}, {"limit"}),
        ({"limit": Decimal("0.000001")}, set()),
        ({"limit": Decimal("0.0000001")}, {"limit"}),
        ({"limit": Decimal(999_999_999)}, set()),
        ({"limit": Decimal(1_000_000_000)}, {"limit"}),
        ({"trigger": Trigger.SILENCE}, {"hours"}),
        ({"trigger": Trigger.SILENCE, "hours": 0}, {"hours"}),
        ({"trigger": Trigger.SILENCE, "hours": MOST_HOURS}, set()),
        ({"trigger": Trigger.SILENCE, "hours": MOST_HOURS + 1}, {"hours"}),
        ({"trigger": Trigger.SMS, "word": " "}, {"word"}),
        ({"trigger": Trigger.SMS, "word": "x" * 70}, set()),
        ({"trigger": Trigger.SMS, "word": "x" * 71}, {"word"}),
        ({"trigger": Trigger.COUNTRY}, {"countries"}),
        ({"trigger": Trigger.COUNTRY, "countries": ("NL",)}, set()),
        ({"trigger": Trigger.IMEI, "limit": None, "period": ""}, set()),
        ({"action": Action.TELL}, {"tells"}),
        ({"action": Action.TELL, "tells": 1, "then": Then.HOURS}, set()),
        ({"action": Action.THROTTLE, "kbps": 64, "speeds": (128,)}, {"kbps"}),
        ({"action": Action.THROTTLE, "kbps": 128, "speeds": (128,)}, set()),
        ({"action": Action.PLAN}, {"to_plan"}),
        ({"action": Action.PLAN, "has_plan": True}, set()),
        ({"then": Then.HOURS}, {"then_hours"}),
        ({"then": Then.HOURS, "then_hours": 1}, set()),
        ({"name": "", "limit": None, "action": Action.PLAN}, {"name", "limit", "to_plan"}),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_rule_is_told_what_is_wrong_with_it_field_by_field(changed: dict[str, Any], wrong: set[str]) -> None:
    assert problems(**GOOD | changed).keys() == wrong


@pytest.mark.parametrize(
    ("last", "today", "kept", "free"),
    [
        (None, 0, None, NOW),
        (NOW - CALM, 1, None, NOW),
        (NOW - CALM + MINUTE, 1, Outcome.WAITS, NOW + MINUTE),
        (NOW, MOST_CHANGES - 1, Outcome.WAITS, NOW + CALM),
        (NOW - HOUR, MOST_CHANGES, Outcome.LEFT, TOMORROW),
        (NOW, MOST_CHANGES, Outcome.LEFT, TOMORROW),
    ],
)
def test_a_line_is_changed_at_most_so_often(
    last: dt.datetime | None, today: int, kept: Outcome | None, free: dt.datetime
) -> None:
    changes = Changes(last, today)
    assert restraint(changes, NOW) == kept
    assert free_from(changes, NOW) == free


def test_calm_that_reaches_into_tomorrow_outlasts_the_days_count() -> None:
    late = TOMORROW - MINUTE
    assert free_from(Changes(late, MOST_CHANGES), late) == late + CALM
    assert calm_from(None, late) == late
    assert calm_from(late - HOUR, late) == late


ON, OFF, GONE = LineNow(is_off=False), LineNow(is_off=True), LineNow(is_off=True, is_gone=True)
HELD_FOR_GOOD = LineNow(is_off=True, is_held=True)
HELD = LineNow(is_off=True, is_held=True, held_until=TOMORROW)
CHANGED = LineNow(is_off=False, changes=Changes(NOW))


@pytest.mark.parametrize(
    ("line", "until", "stands_by", "outcome"),
    [
        (ON, None, False, Outcome.DEACTIVATED),
        (ON, TOMORROW, False, Outcome.DEACTIVATED),
        (ON, NOW, False, Outcome.OVER),
        (OFF, NOW - MINUTE, True, Outcome.OVER),
        (OFF, TOMORROW, False, Outcome.ALREADY_OFF),
        (OFF, TOMORROW, True, Outcome.STANDS_BY),
        (GONE, TOMORROW, True, Outcome.ALREADY_OFF),
        (HELD, TOMORROW, True, Outcome.ALREADY_OFF),
        (HELD, TOMORROW + MINUTE, False, Outcome.DEACTIVATED),
        (HELD, None, False, Outcome.DEACTIVATED),
        (HELD_FOR_GOOD, None, False, Outcome.ALREADY_OFF),
        (CHANGED, None, False, Outcome.WAITS),
        (LineNow(is_off=False, changes=Changes(None, MOST_CHANGES)), None, False, Outcome.LEFT),
    ],
)
def test_what_becomes_of_a_line_that_a_rule_wants_off(
    line: LineNow, until: dt.datetime | None, stands_by: bool, outcome: Outcome
) -> None:
    assert judge(line, lifts_at=until, now=NOW, stands_by=stands_by) == outcome


def test_a_hold_for_good_is_the_longest() -> None:
    assert is_longer(None, NOW)
    assert is_longer(NOW + MINUTE, NOW)
    assert not is_longer(NOW, NOW)
    assert not is_longer(None, None)
    assert not is_longer(NOW, None)


@pytest.mark.parametrize(
    ("then", "hours", "at"),
    [
        (Then.NEVER, None, None),
        (Then.HOURS, 5, NOW + 5 * HOUR),
        (Then.NEXT_DAY, None, TOMORROW),
        (Then.NEXT_MONTH, None, dt.datetime(2026, 12, 1, tzinfo=dt.UTC)),
    ],
)
def test_when_a_line_is_given_back(then: Then, hours: int | None, at: dt.datetime | None) -> None:
    month_ends = dt.date(2026, 12, 1)
    assert lifts_at(then, hours=hours, fired_at=NOW, day=DAY, month_ends=month_ends) == at


def test_days_begin_at_midnight_utc_and_periods_end_with_their_last_day() -> None:
    assert midnight(DAY) == dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    assert period_ends("day:2026-11-30") == dt.date(2026, 12, 1)
    assert period_ends("month:2026-11-01") == dt.date(2026, 12, 1)
    assert period_ends("month:2026-11-15") == dt.date(2026, 12, 15)


def used(*megabytes: int, usd: str = "1") -> list[LineDayUsed]:
    """Days in a row from the cycle's first, each of which cost the same."""
    return [
        LineDayUsed(7, CYCLE + dt.timedelta(days=number), CYCLE, mb * MEGABYTE, Decimal(usd))
        for number, mb in enumerate(megabytes)
    ]


def fires(days: list[LineDayUsed], **changed: Any) -> list[tuple[int, int, Decimal]]:
    """Day of the month, value, and what it would have saved."""
    asked: dict[str, Any] = {
        "period": Period.MONTH, "unit": Unit.MB, "limit": Decimal(100), "deactivates": True, "then": Then.NEVER,
        "hours": None, "since": CYCLE,
    }  # fmt: skip
    found = would_have_fired(days, **asked | changed)
    assert {one.line_id for one in found} <= {7}
    return [(one.day.day, int(one.value), one.saved) for one in found]


@pytest.mark.parametrize(
    ("days", "changed", "found"),
    [
        (used(50, 50), {}, []),  # its limit is not over it
        (used(50, 100), {}, [(2, 150, Decimal("0.5"))]),  # half of the second day came after it
        (used(50, 100, 80), {}, [(2, 150, Decimal("1.5"))]),  # and the third whole
        (used(50, 100, 80), {"deactivates": False}, [(2, 150, Decimal(0))]),
        (used(150, 150), {"period": Period.DAY, "then": Then.NEXT_DAY},
         [(1, 150, Decimal(50) / 150), (2, 150, Decimal(50) / 150)]),
        (used(200, 200, 200), {"period": Period.DAY, "then": Then.HOURS, "hours": 25}, [
            (1, 200, Decimal("1.5")), (3, 200, Decimal("0.5"))]),
        (used(50, 100), {"since": CYCLE + dt.timedelta(days=2)}, []),
        (used(1, 1, 1, usd="60"), {"unit": Unit.USD}, [(2, 120, Decimal(80))]),
        ([*used(200, 10), LineDayUsed(7, dt.date(2026, 12, 1), dt.date(2026, 12, 1), 300 * MEGABYTE, Decimal(3))],
         {"then": Then.NEXT_MONTH}, [(1, 200, Decimal("1.5")), (1, 300, Decimal(2))]),
    ],
)  # fmt: skip
def test_a_preview_says_when_a_rule_would_have_fired_and_what_it_saved(
    days: list[LineDayUsed], changed: dict[str, Any], found: list[tuple[int, int, Decimal]]
) -> None:
    assert fires(days, **changed) == found


@pytest.mark.parametrize(
    ("days", "hours", "since", "found"),
    [
        (used(1, 0, 0, 1), 48, CYCLE, [(3, 48)]),
        (used(1, 0, 0, 1), 49, CYCLE, []),
        (used(1, 0, 0), 24, CYCLE, [(2, 48)]),  # until the end, which is the 4th
        (used(1, 0, 0), 24, dt.date(2026, 11, 3), []),
        ([], 24, CYCLE, []),
    ],
)
def test_silence_is_whole_days_without_data(
    days: list[LineDayUsed], hours: int, since: dt.date, found: list[tuple[int, int]]
) -> None:
    silent = would_have_been_silent(days, hours=hours, since=since, end=dt.date(2026, 11, 4))
    assert [(one.day.day, int(one.value)) for one in silent] == found


@pytest.mark.parametrize(
    ("deactivates", "then", "hours", "found"),
    [
        (False, Then.NEVER, None, [(1, 0), (2, 0), (4, 0)]),
        (True, Then.NEVER, None, [(1, 4)]),
        (True, Then.NEXT_DAY, None, [(1, 0), (2, 0), (4, 0)]),
        (True, Then.HOURS, 49, [(1, 2), (4, 1)]),
        (True, Then.NEXT_MONTH, None, [(1, 4)]),
    ],
)
def test_days_abroad_are_found_and_whole_days_off_would_save(
    deactivates: bool, then: Then, hours: int | None, found: list[tuple[int, int]]
) -> None:
    days = [(CYCLE + dt.timedelta(days=number), CYCLE) for number in (0, 1, 3)]
    abroad = would_have_been_abroad(
        days, used(1, 1, 1, 1, 1), line_id=7, deactivates=deactivates, then=then, hours=hours
    )
    assert [(one.day.day, int(one.saved)) for one in abroad] == found


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("SOS now", "sos", True),
        ("SOSO now", "sos", False),
        ("a SOSO, SOS", "sos", True),
        ("stra\u00dfe", "STRASSE", True),
        ("caf\u00e9s", "cafe", False),
        ("\u7d27\u6025\u60c5\u51b5", "\u6025", True),  # written without spaces
        ("help", "", False),
        ("", "help", False),
        ("ki", "k", False),
        ("q\u0301", "q", False),  # the mark belongs to it
        ("one  two", "one two", True),
    ],
)
def test_a_message_says_a_word(text: str, word: str, found: bool) -> None:
    assert says(text, word) is found


def test_a_webhook_is_sent_again_until_three_days_are_over() -> None:
    assert retry_at(0, NOW) is None
    assert retry_at(1, NOW) == NOW + dt.timedelta(seconds=5)
    assert retry_at(1, NOW, asked=HOUR) == NOW + HOUR
    assert retry_at(len(BACK_OFF), NOW) == NOW + 20 * HOUR
    assert retry_at(len(BACK_OFF) + 1, NOW) is None
    assert sum(BACK_OFF) <= 3 * 86_400
