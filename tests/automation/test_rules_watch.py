"""Lines that rules watch are looked at first, by the day's spare calls, and the rule says how long that takes."""

from __future__ import annotations

import datetime as dt

import pytest

from automation import words
from automation.policy import Trigger
from automation.work import rules
from lines.commands import devices
from lines.commands.drives import confirm
from lines.commands.wishes import deactivate
from lines.models import Carrier, CarrierHealth, LineDevice, WatchedLine
from lines.policy.looks import expected_delay, spare_calls
from lines.queries.looks import Delay
from tests.automation.ruled import MIA, Ruled
from tests.fleets import ON


@pytest.mark.parametrize(
    ("used", "left", "spare"),
    [
        (0, 86_400.0, 4_000 - 1_440),  # five pages each 300 s
        (2_000, 43_200.0, 4_000 - 2_000 - 720),
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
