"""The usage page's chart: stacked days in one unit, and the figures behind it as rows of a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from kit.charts import Stack, Stacks, stacks, unit_for
from kit.money import shown as money

from lines.queries.breakdown import SERIES, Breakdown, Sums
from lines.queries.named import Named
from lines.usage_asked import Asked

REST = "rest"


@dataclass(frozen=True, slots=True)
class Day:
    """A row of the table behind the chart: its cells are in the chart's unit, in the order of its series.

    Each is what is shown and, of data, the exact bytes.
    """

    day: dt.date
    cells: list[tuple[str, str]]
    total: tuple[str, str]
    before: tuple[str, str]
    href: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """`series`: kind and name; `kinds`: the kind of each key that is one of them. `unit`: GB, MB, kB, bytes or $."""

    chart: Stacks
    series: list[tuple[str, str]]
    kinds: dict[str, str]
    days: list[Day]
    unit: str


def drawing_of(asked: Asked, found: Breakdown, names: Mapping[str, Named], *, today: dt.date) -> Drawing:
    """Of the keys that have most, and the rest together."""
    top = [row.key for row in found.rows[:SERIES]]
    kinds = {key: f"s{number}" for number, key in enumerate(top, 1)}
    series = [(kinds[key], names[key].label if key in names else key) for key in top]
    if found.keys > len(top):
        series.append((REST, "All others"))
    keys: list[str | None] = [*top, *([None] if found.keys > len(top) else [])]
    table = [[_value(asked, found.days.get(day, {}).get(key)) for key in keys] for day in asked.days]
    largest = max((sum(row) for row in table), default=0.0)
    unit, size = ("$", 1.0) if asked.in_money else unit_for(largest)
    drawn, days = [], []
    for number, (day, row) in enumerate(zip(asked.days, table, strict=True)):
        scaled = [value / size for value in row]
        drawn.append(
            Stack(
                [(kind, value) for (kind, _), value in zip(series, scaled, strict=True)],
                title=f"{day:%-d %B}: {_shown(sum(scaled), unit)}",
                tick=_tick(day, number, len(asked.days), today),
            )
        )
        days.append(_day(asked, found, day, number, row, unit, size))
    return Drawing(stacks(drawn, unit=unit), series, kinds, days, unit)


def _day(asked: Asked, found: Breakdown, day: dt.date, number: int, row: list[float], unit: str, size: float) -> Day:
    def cell(value: float) -> tuple[str, str]:
        return _digits(value / size, unit), "" if unit == "$" else f"{value:,.0f} bytes"

    before = ("", "")
    if asked.compare:
        start, end = asked.before
        other = start + dt.timedelta(days=number)
        if other <= end and other in found.days:
            before = cell(sum(_value(asked, one) for one in found.days[other].values()))
    href = f"{reverse('explain')}?day={day.isoformat()}#day"
    return Day(day, [cell(value) for value in row], cell(sum(row)), before, href)


def _value(asked: Asked, sums: Sums | None) -> float:
    return 0.0 if sums is None else float(sums.cost if asked.in_money else sums.used)


def _digits(value: float, unit: str) -> str:
    if unit == "$":
        return money(Decimal(str(round(value, 6))))
    return f"{value:,.{0 if unit == 'bytes' else 2 if value < 10 else 1 if value < 1000 else 0}f}"


def _shown(value: float, unit: str) -> str:
    return _digits(value, unit) if unit == "$" else f"{_digits(value, unit)} {unit}"


def _tick(day: dt.date, number: int, count: int, today: dt.date) -> str:
    every = 1 if count <= 7 else 7 if count <= 31 else 14
    if (count - 1 - number) % every:
        return ""
    return "today" if day == today else day.strftime("%-d %b")
