"""The rules of lines as tables, without a database."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from lines.policy import (
    JOB_MOVES,
    NO_DATE,
    PAGE_LINES,
    SMS_MOVES,
    Action,
    JobMove,
    JobState,
    SmsState,
    Status,
    Verdict,
    Wanted,
    balance_subject,
    calls_a_pass,
    cycle_end,
    cycle_start,
    data_cost,
    finals_today,
    is_other_device,
    late_after,
    pages_after,
    read_interval,
    retry_after,
    sms_follow_after,
    sms_length,
    status,
    undoing,
    wallet_subject,
)
from lines.policy.budget import allowed_a_day, free_in, most_of_all, most_of_kind, share_of_asking
from lines.policy.funds import Left, lasts, warning
from lines.policy.judging import Facts, judge
from lines.policy.looks import expected_delay, seconds_left, spare_calls, told_in
from lines.policy.precedence import (
    PRECEDENCE,
    Request,
    Result,
    Standing,
    drawn,
    leads_to,
    settled,
    standing_of,
    wish_of,
)
from lines.policy.resale import is_below_cost, resale_price

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SECOND, MINUTE, HOUR, DAY = (dt.timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


@pytest.mark.parametrize(
    ("wanted", "confirmed_on", "expected", "word"),
    [
        (Wanted.ACTIVE, True, Status.ACTIVATED, "Activated"),
        (Wanted.ACTIVE, False, Status.ACTIVATION_READY, "Activation Ready"),
        (Wanted.SUSPENDED, True, Status.SUSPENDED, "Suspended"),
        (Wanted.DEACTIVATED, False, Status.DEACTIVATED, "Deactivated"),
    ],
)
def test_what_a_person_reads(wanted: Wanted, confirmed_on: bool, expected: Status, word: str) -> None:
    assert status(wanted, confirmed_on=confirmed_on) is expected
    assert expected.word == word


@pytest.mark.parametrize(
    ("used", "per_mb", "cost"),
    [
        (0, "0.01", "0.000000"),
        (1_048_576, "0.01", "0.010000"),
        (1, "0.01", "0.000000"),
        (53, "0.01", "0.000001"),  # 0.000000505, up
        (52, "0.01", "0.000000"),  # 0.000000496, down
        (5 * 2**30, "0.008", "40.960000"),
    ],
)
def test_what_bytes_cost(used: int, per_mb: str, cost: str) -> None:
    assert str(data_cost(used, Decimal(per_mb))) == cost


@pytest.mark.parametrize(
    ("day", "cycle_day", "start", "end"),
    [
        ("2026-11-20", 1, "2026-11-01", "2026-11-30"),
        ("2026-11-20", 20, "2026-11-20", "2026-12-19"),
        ("2026-11-20", 21, "2026-10-21", "2026-11-20"),
        ("2027-01-05", 28, "2026-12-28", "2027-01-27"),
        ("2028-02-29", 1, "2028-02-01", "2028-02-29"),
    ],
)
def test_a_cycle_begins_and_ends(day: str, cycle_day: int, start: str, end: str) -> None:
    found = cycle_start(dt.date.fromisoformat(day), cycle_day)
    assert (found.isoformat(), cycle_end(found).isoformat()) == (start, end)


@pytest.mark.parametrize(("tries", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (9, 1280), (10, 1800), (60, 1800)])
def test_a_carrier_is_left_alone_longer_each_time(tries: int, seconds: int) -> None:
    waits = [retry_after(tries) for _ in range(20)]
    assert 0.8 * seconds * SECOND <= min(waits) <= max(waits) <= 1.2 * seconds * SECOND
    assert len(set(waits)) > 1  # spread


def test_calls_and_pages() -> None:
    assert [calls_a_pass(lines, by_page=True) for lines in (0, 1, 250, 251)] == [1, 1, 1, 2]
    assert [calls_a_pass(lines, by_page=False) for lines in (0, 1, 250)] == [1, 1, 250]
    assert read_interval(300, 5, None) == 300
    assert read_interval(300, 5, 5_000) == 300
    assert read_interval(10, 5, 5_000) == 108  # four fifths of 5,000 calls
    assert read_interval(10, 5, 5_000, finals=9_999) == 216  # half the day's calls go to final totals
    assert [finals_today(waiting, 100) for waiting in (0, 49, 50, 51)] == [0, 49, 50, 50]


@pytest.mark.parametrize(
    ("page", "told", "is_full", "lines", "until"),
    [
        (1, 3, True, 3 * PAGE_LINES, 3),
        (1, 1, True, 3 * PAGE_LINES, 2),  # it says one page, which is full, and we have lines on three
        (1, 1, False, 3 * PAGE_LINES, 1),
        (3, 3, True, 3 * PAGE_LINES, 3),
        (1, 900, True, PAGE_LINES, 4),  # a total that nobody believes
        (4, 900, True, PAGE_LINES, 8),
    ],
)
def test_how_far_a_list_is_asked_for(page: int, told: int, is_full: bool, lines: int, until: int) -> None:
    assert pages_after(page=page, told=told, is_full=is_full, lines=lines) == until


def test_devices_messages_and_what_events_are_about() -> None:
    assert is_other_device("35209900176148" + "1", "35209900176149" + "1")
    assert not is_other_device("352099001761481", "3520990017614823")  # another version of its software
    assert not is_other_device("", "352099001761481")
    assert [sms_length(text) for text in ("", "abc", "é", "🙂")] == [0, 3, 1, 2]
    assert [sms_follow_after(age) for age in (SECOND, MINUTE, DAY)] == [5 * SECOND, 30 * SECOND, HOUR]
    assert balance_subject(uuid.UUID(int=1)) == f"balance:{1:032x}"
    assert wallet_subject(uuid.UUID(int=1)) == f"wallet:{1:032x}"


def test_states_move_by_their_tables() -> None:
    assert set(SMS_MOVES) == set(SmsState)
    assert {to for moves in SMS_MOVES.values() for to in moves} <= set(SmsState)
    assert {state for state, _ in JOB_MOVES} == set(JobState)
    assert {move for _, move in JOB_MOVES} == set(JobMove)
    assert (JobState.CANCELLED, JobMove.RESUME) not in JOB_MOVES


@pytest.mark.parametrize(
    ("action", "before", "has_come", "expected"),
    [
        (Action.ACTIVATE, "", False, None),
        (Action.ACTIVATE, "DEACTIVATED", False, (Action.DEACTIVATE, {})),
        (Action.ACTIVATE, "SUSPENDED", False, None),
        (Action.ACTIVATE, "2026-12-01", False, (Action.DEACTIVATE_ON, {"date": "2026-12-01"})),
        (Action.DEACTIVATE_NEXT_DAY, "ACTIVE", False, (Action.KEEP, {})),
        (Action.DEACTIVATE_NEXT_DAY, "ACTIVE", True, (Action.ACTIVATE, {})),
        (Action.DEACTIVATE, "ACTIVE", False, (Action.ACTIVATE, {})),
        (Action.DEACTIVATE, "DEACTIVATED", False, None),
        (Action.DEACTIVATE_ON, NO_DATE, False, (Action.KEEP, {})),
        (Action.DEACTIVATE_ON, NO_DATE, True, (Action.ACTIVATE, {})),
        (Action.DEACTIVATE_ON, "2026-12-01", False, (Action.DEACTIVATE_ON, {"date": "2026-12-01"})),
        (Action.KEEP, "2026-12-01", False, (Action.DEACTIVATE_ON, {"date": "2026-12-01"})),
        (Action.TAG, "a,b", False, (Action.UNTAG, {"tags": ["a", "b"]})),
        (Action.UNTAG, "a", False, (Action.TAG, {"tags": ["a"]})),
        (Action.RESET_TAGS, "a", False, (Action.TAG, {"tags": ["a"]})),
        (Action.ASSIGN, "x", False, (Action.ASSIGN, {"account": "x"})),
        (Action.PLAN, "7", False, (Action.PLAN, {"plan": "7"})),
        (Action.FIELDS, "j", False, (Action.RESTORE_FIELDS, {"job": "j"})),
        (Action.RESTORE_FIELDS, "j", False, (Action.RESTORE_FIELDS, {"job": "j"})),
        (Action.SMS, "x", False, None),
    ],
)
def test_what_brings_a_line_back(action: Action, before: str, has_come: bool, expected: object) -> None:
    assert undoing(action, before, has_come=has_come) == expected


def test_how_old_a_reading_may_be() -> None:
    assert late_after(10, None) == 15 * MINUTE
    assert late_after(600, None) == 50 * MINUTE
    assert late_after(10, 5_000) == 6 * HOUR
    assert late_after(7_200, 5_000) == 10 * HOUR


ON = Facts(standing=Standing.ON, confirmed_on=True)


@pytest.mark.parametrize(
    ("action", "facts", "verdict"),
    [
        (Action.ACTIVATE, ON, Verdict.SAME),
        (Action.ACTIVATE, Facts(standing=Standing.ON, has_date=True), Verdict.DO),  # it takes the date away
        (Action.ACTIVATE, Facts(standing=Standing.ON, has_date=True, by_holder=True), Verdict.SAME),
        (Action.ACTIVATE, Facts(standing=Standing.PERSON), Verdict.DO),
        (Action.ACTIVATE, Facts(standing=Standing.PERSON, is_red=True), Verdict.RED),
        (Action.ACTIVATE, Facts(standing=Standing.PERSON, is_red=True, holder_off=True), Verdict.HOLDER_OFF),
        (Action.ACTIVATE, Facts(standing=Standing.PERSON, is_red=True, wallet_red=True), Verdict.RED),
        (Action.ACTIVATE, Facts(standing=Standing.PERSON, wallet_red=True), Verdict.WALLET_RED),
        (Action.ACTIVATE, Facts(standing=Standing.CAP, cap_full=True), Verdict.CAP_FULL),
        (Action.ACTIVATE, Facts(standing=Standing.CAP, wallet_red=True, cap_full=True), Verdict.WALLET_RED),
        (Action.ACTIVATE, Facts(standing=Standing.CAP), Verdict.DO),
        (Action.DEACTIVATE, ON, Verdict.DO),
        (Action.DEACTIVATE, Facts(standing=Standing.PERSON), Verdict.SAME),
        (Action.DEACTIVATE_NEXT_DAY, Facts(standing=Standing.PERSON), Verdict.DEACTIVATED),
        (Action.DEACTIVATE_ON, ON, Verdict.DO),
        (Action.DEACTIVATE_ON, Facts(standing=Standing.ON, is_so=True), Verdict.SAME),
        (Action.KEEP, Facts(standing=Standing.ON, has_date=True), Verdict.DO),
        (Action.KEEP, ON, Verdict.SAME),
        (Action.SMS, ON, Verdict.DO),
        (Action.SMS, Facts(standing=Standing.ON), Verdict.NOT_ON),
        (Action.SMS, Facts(standing=Standing.ON, confirmed_on=True, cannot=True), Verdict.CANNOT),
        (Action.SMS, Facts(standing=Standing.ON, confirmed_on=True, unconfirmed=True), Verdict.UNCONFIRMED),
        (Action.ACTIVATE, Facts(standing=Standing.PERSON, unconfirmed=True), Verdict.UNCONFIRMED),
        (Action.PLAN, Facts(standing=Standing.ON, unconfirmed=True), Verdict.UNCONFIRMED),
        (Action.PLAN, ON, Verdict.DO),
        (Action.PLAN, Facts(standing=Standing.ON, is_so=True), Verdict.SAME),
        (Action.PLAN, Facts(standing=Standing.ON, not_offered=True), Verdict.NOT_OFFERED),
        (Action.PLAN, Facts(standing=Standing.ON, other_carrier=True), Verdict.OTHER_CARRIER),
        (Action.FIELDS, ON, Verdict.DO),
        (Action.FIELDS, Facts(standing=Standing.ON, is_so=True), Verdict.SAME),
        (Action.RESTORE_FIELDS, Facts(standing=Standing.ON, is_so=True, no_field=True), Verdict.NO_FIELD),
    ],
)
def test_whether_an_action_may_be_done_to_a_line_now(action: Action, facts: Facts, verdict: Verdict) -> None:
    assert judge(action, facts) is verdict
    assert verdict.is_refusal is (verdict not in (Verdict.DO, Verdict.SAME))


def test_every_action_has_its_right() -> None:
    assert {action.right.name for action in Action} == {"STOP_LINES", "ACTIVATE_LINES", "MANAGE_LINES", "EDIT_NOTES"}


def test_who_wins_about_a_line() -> None:
    assert set(PRECEDENCE) == {(standing, request) for standing in Standing for request in Request}
    for standing in Standing:
        wanted, why = wish_of(standing)
        assert standing_of(wanted, why or "") is standing
    assert leads_to(Request.BALANCE_BACK, Result.ON) == {Standing.BALANCE}
    assert settled(Result.ON, is_red=False, holder_off=False) is Standing.ON
    assert settled(Result.ON, is_red=True, holder_off=False) is Standing.BALANCE
    assert settled(Result.ON, is_red=True, holder_off=True) is Standing.SUBACCOUNT
    assert settled(Result.ON, is_red=True, holder_off=False, wallet_red=True) is Standing.BALANCE
    assert settled(Result.ON, is_red=False, holder_off=False, wallet_red=True) is Standing.WALLET
    assert settled(Result.ON, is_red=False, holder_off=False, cap_full=True) is Standing.CAP
    assert settled(Result.ON, is_red=True, holder_off=False, cap_full=True) is Standing.BALANCE
    assert settled(Result.RULE, is_red=True, holder_off=True) is Standing.RULE
    assert settled(Result.REFUSED, is_red=False, holder_off=False) is None
    assert len(drawn().splitlines()) == len(Request) + 2


def test_how_calls_of_a_day_are_shared() -> None:
    assert (most_of_all(5_000, off=True), most_of_all(5_000, off=False), most_of_all(1, off=False)) == (5_000, 4_500, 1)
    assert (most_of_kind("switching", 5_000), most_of_kind("reading", 5_000), most_of_kind("funds", 10)) == (
        5_000,
        4_000,
        1,
    )
    assert share_of_asking(5_000, lines=9, all_lines=10, accounts=2) == 175
    assert [allowed_a_day(4, lines=lines) for lines in (0, 10, 11)] == [40, 40, 44]
    assert share_of_asking(10, lines=0, all_lines=0, accounts=0) == 1
    assert [free_in([3, 2], age=0, most=most) for most in (1, 2, 3, 4, 5, 6)] == [61, 61, 61, 60, 60, 0]
    assert [free_in([3], age=age, most=3) for age in (-2, 0, 60, 61)] == [63, 61, 1, 0]
    assert free_in([], age=0, most=1) == 0
    assert spare_calls(calls_per_day=5_000, calls_today=5_000, calls_of_a_pass=1, interval=0, left=1) == 0
    assert spare_calls(calls_per_day=1_000, calls_today=0, calls_of_a_pass=1, interval=864, left=86_400) == 650
    assert seconds_left(NOW) == 43_200
    assert seconds_left(NOW.replace(hour=23, minute=59, second=59, microsecond=999_999)) == 1
    assert expected_delay(lines=320, looks_a_day=2_560) == 3 * HOUR
    assert expected_delay(lines=320, looks_a_day=0) is None
    assert told_in(per_second=10, per_day=None, seconds=5) == 12.5
    assert told_in(per_second=10, per_day=86_400, seconds=5) == pytest.approx(0.25)
    assert told_in(per_second=1, per_day=10**9, seconds=4) == 1


def funds(*balances: str, threshold: str | None = None, is_auto: bool | None = None) -> list[Left]:
    """Read every six hours, the last one now."""
    limit = None if threshold is None else Decimal(threshold)
    count = len(balances)
    return [
        Left(NOW - (count - 1 - number) * 6 * HOUR, Decimal(balance), limit, is_auto)
        for number, balance in enumerate(balances)
    ]


@pytest.mark.parametrize(
    ("readings", "days", "said"),
    [
        ([], None, ""),
        (funds("100"), None, ""),
        (funds("100", "90"), None, ""),  # six hours are chance
        (funds("100", "95", "90"), Decimal("4.5"), "lasts about 4 days"),
        (funds("100", "50", "10"), Decimal(10) / 180, "lasts about a day"),
        (funds("100", "100", "100"), None, ""),
        (funds("90", "100", "99"), Decimal("49.5"), ""),  # what came in between is no spending
        (funds("10", "5", "0"), Decimal(0), "used up"),
        (funds("30", "25", "20", threshold="20"), Decimal(1), "under its threshold"),
        (funds("30", "25", "19", threshold="20", is_auto=True), Decimal(19) / 22, ""),  # it may be under way
        (funds("30", "19", "18", threshold="20", is_auto=True), Decimal("0.75"), "not topped up automatically"),
        (funds("19", "18", threshold="20", is_auto=True), None, "not topped up automatically"),
        (funds("95", "60", "30", threshold="20", is_auto=True), Decimal(30) / 130, ""),
    ],
)
def test_when_the_operator_is_told_of_funds(readings: list[Left], days: Decimal | None, said: str) -> None:
    rest = lasts(readings)
    assert (rest is None) == (days is None)
    if rest is not None and days is not None:
        assert rest.total_seconds() == pytest.approx(float(days) * 86_400)
    assert warning(readings, now=NOW) == said


def test_funds_that_are_not_read_are_said_to_be_so() -> None:
    assert warning(funds("100"), now=NOW + DAY + SECOND) == "not read for a day"
    assert warning(funds("100"), now=NOW + DAY) == ""


@pytest.mark.parametrize(
    ("price", "own", "percent", "places", "sold"),
    [
        ("0.01", None, "50", 6, "0.015000"),
        ("0.01", None, "0", 6, "0.010000"),
        ("0.01", None, "12.5", 3, "0.011000"),
        ("0.013579", None, "20", 4, "0.016300"),
        ("0.00005", None, "0", 4, "0.000100"),  # half up
        ("0.01", None, "-100", 6, "0.000000"),
        ("0.01", "0.0333", None, 6, "0.033300"),
        ("0.01", "0", None, 6, "0.000000"),
    ],
)
def test_a_price_of_a_list(price: str, own: str | None, percent: str | None, places: int, sold: str) -> None:
    own_price = None if own is None else Decimal(own)
    plus = None if percent is None else Decimal(percent)
    assert str(resale_price(Decimal(price), own_price, plus, places)) == sold
    assert is_below_cost(Decimal(sold), Decimal(price)) is (Decimal(sold) < Decimal(price))
