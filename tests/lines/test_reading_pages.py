"""A carrier's list: what it says of its own length is doubted, and an odd record costs itself alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import connection, connections
from kit import clock

from accounts.policy import OPERATOR
from lines import policy
from lines.carriers.base import Malformed, Odd, Page, Reading, Unreachable
from lines.carriers.simbase import Simbase
from lines.commands import passes
from lines.commands.drives import claim_drives, postpone
from lines.commands.wishes import activate
from lines.models import Chunk, Drive, Line, Quarantine, ReadingPass
from lines.work import reading
from lines.work.reading import Read, Reader
from tests.fleets import MB, OFF, ON, Fleet, at, reading_of, state, used

CYCLE = dt.date(2026, 11, 1)


@pytest.mark.parametrize(
    ("page", "told", "is_full", "lines", "upto"),
    [
        (1, 1, False, 3, 1),
        (1, 3, True, 600, 3),
        (1, 4000, True, 1_000_000, 4000),  # ours reach so far: all at once
        (1, 3000, True, 500, 4),
        (4, 3000, True, 500, 8),  # as far again as there were answers
        (1, 2**31 - 1, True, 0, 4),
        (1, 1, True, 600, 2),  # it says one page, and ours are three
        (2, 1, True, 600, 3),
        (3, 1, False, 600, 1),
        (1, 0, False, 600, 0),
    ],
)
def test_how_far_a_list_is_asked_for(page: int, told: int, is_full: bool, lines: int, upto: int) -> None:
    assert policy.pages_after(page=page, told=told, is_full=is_full, lines=lines) == upto


class Lister:
    """A carrier whose list has these pages of one SIM each, and answers as `lie` says."""

    abilities = Simbase.abilities

    def __init__(self, lines: list[Line], lie: Callable[[int, list[Page]], Page]) -> None:
        self.pages = [
            Page(number, len(lines), (Reading(line.iccid, number * 1000, CYCLE, OFF),), is_full=True)
            for number, line in enumerate(lines, 1)
        ]
        self.lie, self.asked = lie, list[int]()

    def read_page(self, number: int, *, now: dt.datetime) -> Page:
        self.asked.append(number)
        return self.lie(number, self.pages)


def told(page: Page, total: int, number: int | None = None) -> Page:
    return Page(number or page.number, total, page.readings, page.odd, page.is_full)


def read(lister: Lister, line: Line, monkeypatch: pytest.MonkeyPatch) -> tuple[Read, ReadingPass]:
    monkeypatch.setattr(reading, "client_for", lambda *_given, **_named: lister)
    monkeypatch.setattr(policy, "PAGE_LINES", 1)
    passes.plan_pass(carrier=line.carrier, by_page=True)
    done = Reader(line.carrier, patience=1.0, stop=lambda: False, in_place=True).run()
    assert not Chunk.objects.exists()
    last = ReadingPass.objects.order_by("-pk")[0]
    assert last.finished_at is not None
    return done, last


@pytest.fixture
def three(fleet: Fleet) -> list[Line]:
    return fleet.lines(fleet.account(), 3)


LIES: dict[str, Callable[[int, list[Page]], Page]] = {
    "past the end comes the last page by its own number": lambda n, p: told(p[min(n, 3) - 1], 3000),
    "past the end comes the last page as the one asked for": lambda n, p: told(p[min(n, 3) - 1], 3000, n),
    "past the end comes nothing": lambda n, p: told(p[n - 1], 3000) if n <= 3 else Page(n, 3000, ()),
    "there are two billion pages": lambda n, p: told(p[min(n, 3) - 1], 2**31 - 1, n),
    "it jumps": lambda n, p: told(p[min(n, 3) - 1], 3 if n == 1 else 5000, n),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_list_ends_where_its_answers_end(
    three: list[Line], monkeypatch: pytest.MonkeyPatch, lie: Callable[[int, list[Page]], Page]
) -> None:
    lister = Lister(three, lie)
    done, last = read(lister, three[0], monkeypatch)
    assert set(lister.asked) >= {1, 2, 3}
    assert len(lister.asked) <= 8
    assert (done.failed, last.lost, last.readings >= 3) == (0, 0, True)
    assert last.pages <= 8
    assert all(state(line).read_at is not None for line in three)


def test_a_list_that_says_it_is_shorter_than_our_lines_is_read_on(
    three: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    lister = Lister(three, lambda n, p: told(p[n - 1], 1))
    _, last = read(lister, three[0], monkeypatch)
    assert (lister.asked, last.readings) == ([1, 2, 3], 3)


def test_a_page_answered_with_an_earlier_one_is_asked_for_again(
    three: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = iter([1])
    lister = Lister(three, lambda n, p: p[next(odd, n) - 1] if n == 2 else p[n - 1])
    done, last = read(lister, three[0], monkeypatch)
    assert lister.asked.count(2) == 2
    assert (done.failed, last.lost) == (0, 0)
    assert all(state(line).read_at is not None for line in three)


def test_a_page_that_never_comes_makes_its_pass_no_whole_one(
    three: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    lister = Lister(three, lambda n, p: p[n - 1])

    def broken(number: int, *, now: dt.datetime) -> Page:
        if number == 2:
            raise Unreachable("it does not answer")
        return lister.lie(number, lister.pages)

    monkeypatch.setattr(lister, "read_page", broken)
    monkeypatch.setattr("lines.work.reading.time.sleep", lambda _seconds: None)
    done, last = read(lister, three[0], monkeypatch)
    assert (done.failed, last.failed, last.lost, last.readings) == (1, 1, 1, 2)


def test_an_odd_record_is_kept_with_its_reason_and_a_strangers_costs_nothing(
    three: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Odd(three[1].iccid, "Expected `int`, got `null` - at `$.usage_data`", b'{"usage_data": null}')
    strangers = [
        Odd("8988239000000777777", "there is no such time", b"{}"),
        Odd(None, "Expected `str` matching regex - at `$.iccid`", b'{"iccid": "898600D21018F0012345"}'),
    ]
    lister = Lister(three[:1], lambda n, p: Page(1, 1, p[0].readings, (mine, *strangers)))
    for times in (1, 2):
        done, last = read(lister, three[0], monkeypatch)
        assert (done.failed, last.failed, last.lost) == (1, 1, 0)
        assert [(row.line_id, row.times) for row in Quarantine.objects.order_by("pk")] == [
            (three[1].pk, times),
            (None, times),
            (None, times),
        ]
    row = Quarantine.objects.get(line=three[1])
    assert (row.error, bytes(row.body), row.call) == (mine.why, mine.body, f"record of {mine.iccid}")


def test_a_reading_of_the_list_settles_what_a_call_left_unknown(
    three: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line's own page cannot be read and its switch got lost: the list says that nothing was done."""
    line = three[0]
    activate(line=line, by=OPERATOR)
    Drive.objects.exclude(line=line).delete()
    claim_drives(carrier=line.carrier, limit=1)
    postpone(line_id=line.pk, error=str(Malformed("odd", body=b"{}")), outcome_unknown=True)
    assert claim_drives(carrier=line.carrier, limit=1) == []
    read(Lister(three, lambda n, p: p[n - 1]), line, monkeypatch)
    (drive,) = claim_drives(carrier=line.carrier, limit=1)
    assert (drive.line_id, drive.ask_first) == (line.pk, False)
    postpone(line_id=line.pk, error="lost again", outcome_unknown=True)
    on = Lister(three, lambda n, p: Page(n, 3, (Reading(p[n - 1].readings[0].iccid, 9000, CYCLE, ON),)))
    read(on, line, monkeypatch)
    assert not Drive.objects.filter(line=line).exists()
    assert state(line).reported_word == ON.word


def test_what_a_clock_that_stood_wrong_put_into_tomorrow_is_not_waited_for(three: list[Line]) -> None:
    carrier, tomorrow = three[0].carrier, clock.now() + dt.timedelta(days=1)
    ReadingPass.objects.create(carrier=carrier, started_at=tomorrow, finished_at=tomorrow, readings=3)
    assert passes.plan_due_passes(by_page=frozenset({"simbase"})) >= 1
    assert passes.plan_due_passes(by_page=frozenset({"simbase"})) == 0
    Chunk.objects.update(due_at=clock.now() + dt.timedelta(minutes=30))
    assert passes.claim_chunks(carrier=carrier, limit=4) == []
    Chunk.objects.update(due_at=tomorrow)
    assert len(passes.claim_chunks(carrier=carrier, limit=4)) == 1
    Drive.objects.update(due_at=clock.now() + dt.timedelta(minutes=30))
    assert claim_drives(carrier=carrier, limit=9) == []
    Drive.objects.update(due_at=tomorrow)
    assert len(claim_drives(carrier=carrier, limit=9)) == 3


@pytest.mark.django_db(transaction=True)
def test_readings_whose_session_was_ended_while_the_carrier_answered_are_applied_on_a_new_one(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    reader = Reader(fleet.carriers["simbase"], patience=1.0, stop=lambda: False)
    reader._apply([reading_of(line, 0, "2026-11-01")], at("2026-11-20T08:00"))
    other = connections.create_connection("default")
    try:
        with connection.cursor() as mine, other.cursor() as theirs:
            mine.execute("SELECT pg_backend_pid()")
            theirs.execute("SELECT pg_terminate_backend(%s, 5000)", mine.fetchone())
    finally:
        other.close()
    reader._apply([reading_of(line, MB, "2026-11-01")], at("2026-11-20T08:01"))
    assert used(line) == MB
    assert reader.read.applied.readings == 2
