"""The rows of `manage.py bench` about pools: pages of lines whose plans pool their data, beside the same pages at plain
prices, and what it takes to count the pools, which a worker does every ten seconds."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from decimal import Decimal

from bench.fleet import NOW, Fleet
from bench.report import Row
from bench.rounds import MOVED, PAGE
from bench.ways import Page, by_hot_path, sims_of
from lines.commands.bundles import charge_bundles
from lines.models import Price, RatePlan

PAGES = 20
EVERY = 10.0  # seconds, as the schedule has it
WIDE, NARROW = 1_000_000, 1  # MB a line and month: never used up, and used up at once
HOUR = dt.timedelta(hours=1)


def rows(fleet: Fleet, rounds: int) -> list[Row]:
    """Lines a second, and the seconds of one count; `times` is what lines of pools take as a multiple of plain ones."""
    plain, _ = _applied(fleet, rounds, NOW + HOUR)
    _pool(fleet, since=NOW + 2 * HOUR, included_mb=WIDE)
    pooled, counted = _applied(fleet, rounds, NOW + 3 * HOUR)
    _pool(fleet, since=NOW + 4 * HOUR, included_mb=NARROW)
    beyond, counted_beyond = _applied(fleet, rounds, NOW + 5 * HOUR)
    return [
        Row("pool: lines a second at plain prices", plain, "lines/s"),
        Row("pool: lines a second", pooled, "lines/s"),
        Row("pool: times the plain path, with counting", plain / pooled * (EVERY + counted) / EVERY, "times"),
        Row(f"pool: counting {fleet.lines:,} lines", counted, "s"),
        Row("pool: lines a second, used up", beyond, "lines/s"),
        Row(f"pool: counting {fleet.lines:,} lines, used up", counted_beyond, "s"),
    ]


def _pool(fleet: Fleet, *, since: dt.datetime, included_mb: int) -> None:
    """All plans of the fleet pool their data from then on."""
    Price.objects.bulk_create(
        Price(
            plan=plan,
            valid_from=since,
            per_mb=Decimal(0),
            included_mb=included_mb,
            is_pooled=True,
            per_mb_beyond=Decimal("0.01"),
        )
        for plan in RatePlan.objects.filter(carrier=fleet.carrier)
    )


def _applied(fleet: Fleet, rounds: int, at: dt.datetime) -> tuple[float, float]:
    """Medians of lines a second and of the seconds of a count after each round; the first round does not count."""
    rates, counts = [], []
    for number in range(rounds + 1):
        spent = 0.0
        for place in range(PAGES):
            start = 1 + place * PAGE % max(fleet.lines - PAGE, 1)
            page = Page(fleet.carrier, sims_of(range(start, start + PAGE)), at + dt.timedelta(seconds=number), MOVED)
            for sim in page.sims:
                sim.counter += page.moved
            readings = page.readings()
            began = time.perf_counter()
            by_hot_path(page, readings)
            spent += time.perf_counter() - began
        rates.append(PAGES * PAGE / spent)
        began = time.perf_counter()
        charge_bundles(today=at.date())
        counts.append(time.perf_counter() - began)
    return statistics.median(rates[1:]), statistics.median(counts[1:])
