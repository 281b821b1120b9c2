"""A line's usage as charts: one question each, in the unit of its size, the empty days too."""

from __future__ import annotations

from kit.charts import Bar, Chart, bars, unit_for
from kit.money import shown as money

from lines.queries import UsageOfLine, Used


def daily(usage: UsageOfLine) -> Chart:
    """Each day of the last and the current cycle."""
    unit, size = unit_for(max(day.used for day in usage.days))
    return bars(
        [
            _bar(
                day,
                day.start.strftime("%-d %B"),
                (unit, size),
                tick=_day_tick(day, usage),
                kind="" if day.start >= usage.cycle else "before",
            )
            for day in usage.days
        ],
        unit=unit,
    )


def monthly(usage: UsageOfLine) -> Chart:
    """Each cycle of the last year."""
    unit, size = unit_for(max(month.used for month in usage.months))
    return bars(
        [
            _bar(
                month,
                month.start.strftime("%B %Y"),
                (unit, size),
                tick=month.start.strftime("%b"),
                kind="" if month is usage.this_month else "before",
            )
            for month in usage.months
        ],
        unit=unit,
    )


def _day_tick(day: Used, usage: UsageOfLine) -> str:
    if day.start in (usage.days[0].start, usage.cycle):
        return day.start.strftime("%-d %b")
    month = usage.cycle if day.start > usage.cycle else usage.days[0].start
    is_close = 0 < (usage.cycle - day.start).days < 4  # to the next month's name
    return day.start.strftime("%-d") if (day.start - month).days % 7 == 0 and not is_close else ""


def _bar(used: Used, name: str, in_unit: tuple[str, float], *, tick: str, kind: str) -> Bar:
    unit, size = in_unit
    cost = f", {money(used.cost)}" if used.cost is not None else ""
    return Bar(used.used / size, title=f"{name}: {used.used / size:,.2f} {unit}{cost}", tick=tick, kind=kind)
