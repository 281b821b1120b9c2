"""Lines that rules watch are looked at first, by the day's spare calls, and the rule says how long that takes."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from random import Random

import pytest
from django.db import connection

from automation import words
from automation.policy import Trigger
from automation.work import rules
from lines.commands import devices
from lines.commands.drives import confirm
from lines.commands.wishes import deactivate
from lines.models import Carrier, CarrierHealth, LineDevice, LineState, WatchedLine
from lines.policy.looks import expected_delay, spare_calls
from lines.queries.looks import Delay, delays
from tests.automation.ruled import MIA, Ruled
from tests.fleets import ON


@pytest.mark.parametrize(
    ("used", "left", "spare"),
    [
        (0, 86_400.0, 4_000 - 1_440 - 250),  # five pages each 300 s, a twentieth for other lines
        (2_000, 43_200.0, 4_000 - 2_000 - 720 - 125),
        (3_900, 43_200.0, 0),  # what is left is kept for switching
        (5_000, 1.0, 0),
    ],
)
def test_spare_calls_are_never_those_of_reading_or_switching(used: int, left: float, spare: float) -> None:
    found = spare_calls(calls_per_day=5_000, calls_today=used, calls_of_a_pass=5, interval=300, left=left)
    assert found == pytest.approx(spare)


def test_the_delay_comes_from_lines_and_calls() -> None:
    assert expected_delay(lines=320, looks_a_day=2_560) == dt.timedelta(hours=3)
    assert expected_delay(lines=320, looks_a_day=0) is None
    said = words.delay(Delay("Simbase", 320, 5_000, dt.timedelta(hours=3), locks=True))
    assert said.startswith("Usually seen within 3 hours with Simbase: 320 lines, 5,000 calls a day.")
    assert "IMEI lock acts at once" in said
    assert words.delay(Delay("Simbase", 9, 10, None)).startswith("Never seen with Simbase")


def test_watched_lines_are_looked_at_before_others_the_longest_unseen_first(ruled: Ruled) -> None:
    others, watched = [ruled.line() for _ in range(3)], [ruled.line() for _ in range(2)]
    ruled.rule(name="imei", trigger=Trigger.IMEI, only_iccids=[line.iccid for line in watched])
    rules.watch_devices()
    assert set(WatchedLine.objects.values_list("line", flat=True)) == {line.pk for line in watched}
    carrier = Carrier.objects.get(kind="simbase")
    LineDevice.objects.all().delete()
    Carrier.objects.filter(pk=carrier.pk).update(calls_per_day=5_000)
    carrier.refresh_from_db()
    CarrierHealth.objects.filter(pk=carrier.pk).update(day=ruled.now.date(), calls_today=0)
    assert devices.plan_looks(carrier=carrier, seconds=60) >= 2
    due = set(LineDevice.objects.filter(is_due=True).values_list("line", flat=True))
    assert {line.pk for line in watched} <= due
    assert len(due & {line.pk for line in others}) <= 1


def test_a_rule_that_is_off_watches_nobody(ruled: Ruled) -> None:
    line = ruled.line()
    rule = ruled.rule(name="imei", trigger=Trigger.IMEI)
    rules.watch_devices()
    assert WatchedLine.objects.get().line == line
    type(rule).objects.update(is_on=False)
    rules.watch_devices()
    assert not WatchedLine.objects.exists()


def test_a_lines_first_imei_is_asked_for_when_it_is_activated(ruled: Ruled) -> None:
    line = ruled.line()
    deactivate(line=line, by=MIA)
    LineDevice.objects.all().delete()
    confirm(line_id=line.pk, status=ON, asked_at=ruled.now, on=True)
    assert LineDevice.objects.get().is_due
    confirm(line_id=line.pk, status=ON, asked_at=ruled.now, on=True)
    assert LineDevice.objects.count() == 1


@pytest.mark.parametrize(("watched", "hours"), [(1_200, 13), (270, 3)])
def test_a_long_run_finds_a_change_within_what_the_rule_says(
    ruled: Ruled, monkeypatch: pytest.MonkeyPatch, watched: int, hours: int
) -> None:
    """1,200 lines that all move, 5,000 calls a day, two days on a moved clock, a round of looks each five minutes.

    Whenever a device changes, it is found within what the rule's page says.
    """
    monkeypatch.setattr("lines.commands.devices.random.random", Random(7).random)  # which spreads what is no whole look
    carrier = Carrier.objects.get(kind="simbase")
    lines = ruled.fleet.lines(ruled.account, 1_200)
    Carrier.objects.filter(pk=carrier.pk).update(calls_per_day=5_000, read_every=300)
    carrier.refresh_from_db()
    LineState.objects.update(cycle=ruled.now.date().replace(day=1), counter=1)
    devices.watch_lines(line_ids=[line.pk for line in lines[:watched]])
    (delay,) = delays([line.pk for line in lines[:watched]])
    assert delay.usually is not None
    assert delay.usually <= dt.timedelta(hours=hours)
    assert words.delay(delay).startswith(f"Usually seen within {hours} hours with simbase: {watched:,} lines")
    looked: dict[int, list[dt.datetime]] = {line.pk: [] for line in lines[:watched]}
    begin, at_once, round_ = ruled.now.replace(hour=0), 5, dt.timedelta(minutes=5)
    for number in range(2 * 288):
        now = begin + number * round_
        if number % 24 == 0:
            _analyse()
        ruled.clock(now.isoformat())
        _spend(carrier, now, at_once)  # the pages of a pass
        devices.plan_looks(carrier=carrier, seconds=round_.total_seconds())
        due = list(LineDevice.objects.filter(carrier=carrier, is_due=True).values_list("pk", flat=True))
        _spend(carrier, now, len(due))
        LineDevice.objects.filter(pk__in=due).update(is_due=False, asked_at=now, counter=0)  # it has moved since
        for pk in due:
            if pk in looked:
                looked[pk].append(now)
    end = begin + 2 * 288 * round_
    longest = max(
        after - before for seen in looked.values() for before, after in pairwise([begin, *seen, max([*seen, end])])
    )
    assert longest <= dt.timedelta(hours=hours)
    assert CarrierHealth.objects.get(pk=carrier.pk).calls_today <= 4_000  # a fifth is kept for switching


def _analyse() -> None:
    """As autovacuum does once these rows are committed: without it statements are planned for tables of no rows."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lines_line, lines_linestate, lines_linedevice, lines_watchedline")


def _spend(carrier: Carrier, now: dt.datetime, calls: int) -> None:
    row = CarrierHealth.objects.get(pk=carrier.pk)
    before = row.calls_today if row.day == now.date() else 0
    CarrierHealth.objects.filter(pk=carrier.pk).update(day=now.date(), calls_today=before + calls)
