"""A fleet of a carrier that gives no time, asked line by line at 50 calls a second, over the boundary of its cycle.

600 lines in the suite; `make boundary N=100000` for a large one. The clock is moved, the tables are real.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import pytest
from django.db import connection

from lines.carriers.base import Reading
from lines.models import Line, LineState
from tests.fleets import MB, ON, Fleet, at, books_hold
from tests.lines.test_second_books import second_books

COUNT = int(os.environ.get("BOUNDARY_LINES", "600"))
A_SECOND = 50  # calls
AT_ONCE = 250  # lines of a chunk
MIDNIGHT = at("2026-12-01T00:00")
NOVEMBER, DECEMBER = Decimal("0.01"), Decimal("0.03")  # USD per MB
# Passes begin then. The second one is under way at midnight, whatever the fleet's size; the last but one is after 72 h.
BEGIN = ("2026-11-30T12:00", None, "2026-12-01T08:00", "2026-12-01T20:00", "2026-12-04T06:00", "2026-12-05T06:00")


@dataclass
class Sim:
    """Used evenly, `rate` bytes an hour. It is reset at midnight or up to six hours late; or it was put in use at noon
    and counts on from so little that nobody sees a reset."""

    line: Line
    rate: int
    before: int  # its counter at noon
    reset_at: dt.datetime | None
    baseline: int | None = None  # what it showed first
    shown: int = 0
    in_november: int = 0  # the most that it showed of the old cycle since then

    def counter(self, now: dt.datetime) -> int:
        if self.reset_at is None:  # small in November, and December's from midnight on
            return self.before if now < MIDNIGHT else self.before + self.used(MIDNIGHT, now)
        if now < self.reset_at:
            return self.before + self.used(at("2026-11-30T12:00"), now)
        return self.used(self.reset_at, now)

    def used(self, since: dt.datetime, now: dt.datetime) -> int:
        return max(0, int((now - since).total_seconds() * self.rate / 3600))


def _fleet(fleet: Fleet, count: int) -> list[Sim]:
    draw = Random(20261201)
    sims: list[Sim] = []
    for _ in range(0, count, 1000):
        account = fleet.account(credit="9000000")
        for line in fleet.lines(account, min(1000, count - len(sims)), "iotportal"):
            late = draw.choice((0, 0, 0, 0, draw.randrange(1, 21_600)))
            reset = None if draw.random() < 0.02 else MIDNIGHT + dt.timedelta(seconds=late)
            before = draw.randrange(2 * MB) if reset is None else draw.randrange(900 * MB, 2000 * MB)
            sims.append(Sim(line, draw.randrange(MB, 20 * MB), before, reset))
    return sims


def _pass(fleet: Fleet, sims: list[Sim], begins: dt.datetime) -> None:
    for first in range(0, len(sims), AT_ONCE):
        page = []
        for number, sim in enumerate(sims[first : first + AT_ONCE], first):
            asked = begins + dt.timedelta(seconds=number / A_SECOND)
            sim.shown = sim.counter(asked)
            sim.baseline = sim.shown if sim.baseline is None else sim.baseline
            if sim.reset_at is not None and asked < sim.reset_at:
                sim.in_november = sim.shown - sim.baseline
            page.append(Reading(sim.line.iccid, sim.shown, None, ON, asked_at=asked))
        fleet.apply("iotportal", begins + dt.timedelta(seconds=first / A_SECOND), page)


CHARGED = """
SELECT line_id, coalesce(sum(used) FILTER (WHERE day < '2026-12-01'), 0)::bigint,
       coalesce(sum(used) FILTER (WHERE day >= '2026-12-01'), 0)::bigint,
       bool_and((p.per_mb = %s) = (day < '2026-12-01'))
  FROM lines_lineday d JOIN lines_price p ON p.id = d.price_id WHERE used > 0 GROUP BY line_id
"""


@pytest.mark.django_db
@pytest.mark.timeout(7200)
def test_each_line_pays_for_december_at_decembers_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the reading lies across midnight: what each carrier's counter had in a cycle is charged in it, once."""
    fleet = Fleet(per_mb=str(NOVEMBER))
    fleet.price("iotportal", "2026-12-01T00:00", str(DECEMBER))
    sims = _fleet(fleet, COUNT)
    across = MIDNIGHT - dt.timedelta(seconds=len(sims) / A_SECOND / 2)
    for begins in (across if text is None else at(text) for text in BEGIN):
        monkeypatch.setenv("LINEKEEPER_NOW", (begins + dt.timedelta(seconds=len(sims) / A_SECOND)).isoformat())
        _pass(fleet, sims, begins)
    with connection.cursor() as cursor:
        cursor.execute(CHARGED, [NOVEMBER])
        charged = {line: (november, december, is_right) for line, november, december, is_right in cursor.fetchall()}
    nothing = (0, 0, True)
    wrong = [
        (sim, charged.get(sim.line.pk, nothing))
        for sim in sims
        if charged.get(sim.line.pk, nothing) != (sim.in_november, sim.shown, True)
    ]
    assert not wrong, (len(wrong), wrong[:3])
    assert set(LineState.objects.values_list("cycle", flat=True)) == {MIDNIGHT.date()}
    assert books_hold()
    found = second_books(dt.date(2026, 12, 5))
    assert (found.lines, found.differences) == (len(sims), 0), found.first
