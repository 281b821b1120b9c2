"""A line's usage as charts: one question each, in MB, the empty days too."""

from __future__ import annotations

from kit.charts import Bar, Chart, bars
from kit.money import shown as money

from lines.policy import MEGABYTE
from lines.queries import UsageOfLine, Used


def daily(usage: UsageOfLine) -> Chart:
    """Each day of the last and the current cycle."""
    return bars(
        [
            _bar(
                day,
                day.start.strftime("%-d %B"),
                tick=_day_tick(day, usage),
                kind="" if day.start >= usage.cycle else "before",
            )
            for day in usage.days
        ],
        unit="MB",
    )


def monthly(usage: UsageOfLine) -> Chart:
    """Each cycle of the last year."""
    return bars(
        [
            _bar(
                month,
                month.start.strftime("%B %Y"),
                tick=month.start.strftime("%b"),
                kind="" if month is usage.this_month else "before",
            )
            for month in usage.months
        ],
        unit="MB",
    )


def _day_tick(day: Used, usage: UsageOfLine) -> str:
    if day.start in (usage.days[0].start, usage.cycle):
        return day.start.strftime("%-d %b")
    month = usage.cycle if day.start > usage.cycle else usage.days[0].start
    is_close = 0 < (usage.cycle - day.start).days < 4  # to the next month's name
    return day.start.strftime("%-d") if (day.start - month).days % 7 == 0 and not is_close else ""


def _bar(used: Used, name: str, *, tick: str, kind: str) -> Bar:
    megabytes = used.used / MEGABYTE
    cost = f", {money(used.cost)}" if used.cost is not None else ""
    return Bar(megabytes, title=f"{name}: {megabytes:,.2f} MB{cost}", tick=tick, kind=kind)
