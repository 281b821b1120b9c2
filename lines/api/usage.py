"""What a line used, by day and cycle (observed API: daily_statistics, usage_summary, bill_cycle_list)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

import msgspec
from kit import clock
from kit.endpoints import Input, Linked, endpoint, kilobytes, megabytes
from kit.paging import Page, Paging, listed

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import Month, cycle_of, line_of
from lines.policy import cycle_end
from lines.queries import cards as lists
from lines.queries.usage import usage_of

GROUP = "Usage"


class OfCycle(Input):
    billing_cycle: Annotated[Month | None, msgspec.Meta(description="From bill_cycle_list; default: current")] = None


class DayUsed(msgspec.Struct):
    """Bytes of a day in kB of 1,024."""

    date: str
    usage_kb: Decimal


@endpoint(
    "sim_card/{iccid}/daily_statistics",
    right=Right.SEE_LINES,
    is_observed=True,
    sample=[DayUsed("2026-11-01", Decimal("1536.000000")), DayUsed("2026-11-02", Decimal("812.500000"))],
)
def daily_statistics(caller: Caller, iccid: str, asked: OfCycle) -> list[DayUsed]:
    """What a line used on each day of a cycle that has begun"""
    line, today = line_of(caller, iccid), clock.today()
    start = cycle_of(line, asked.billing_cycle)
    used = lists.days_in_cycle(caller, line, start)
    length = (min(cycle_end(start), today) - start).days + 1
    days = [start + dt.timedelta(days=number) for number in range(length)]
    return [DayUsed(day.isoformat(), kilobytes(used.get(day, 0))) for day in days]


class CycleUsed(Linked):
    """A cycle's usage in MB of 1,048,576 bytes, and what it cost with the line's fees in USD."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
        "days": "sim_card/{iccid}/daily_statistics?billing_cycle={billing_cycle}",
        "sessions": "sim_card/{iccid}/sessions?billing_cycle={billing_cycle}",
    }

    billing_cycle: str
    start_date: str
    end_date: str
    usage_mb: Decimal
    cost: Annotated[Decimal | None, msgspec.Meta(description="null for a sub-account")]


@endpoint(
    "sim_card/{iccid}/usage_summary",
    right=Right.SEE_LINES,
    is_observed=True,
    sample=[CycleUsed("2026-11", "2026-11-01", "2026-11-30", Decimal("34.250000"), Decimal("0.342500"))],
)
def usage_summary(caller: Caller, iccid: str, asked: Paging) -> Page[CycleUsed]:
    """What a line used in each of the last twelve cycles, the current first"""
    line, today = line_of(caller, iccid), clock.today()
    usage = usage_of(caller, iccid, cycle=line.carrier.cycle_of(today), today=today)
    return listed(
        asked,
        [
            CycleUsed(
                f"{month.start:%Y-%m}",
                month.start.isoformat(),
                cycle_end(month.start).isoformat(),
                megabytes(month.used),
                month.cost,
            )
            for month in reversed(usage.months)
        ],
    )


class BillCycle(Linked):
    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
        "days": "sim_card/{iccid}/daily_statistics?billing_cycle={billing_cycle}",
        "sessions": "sim_card/{iccid}/sessions?billing_cycle={billing_cycle}",
        "destinations": "sim_card/{iccid}/destination_log?billing_cycle={billing_cycle}",
    }

    billing_cycle: str
    start_date: str
    end_date: str


@endpoint(
    "sim_card/{iccid}/bill_cycle_list",
    right=Right.SEE_LINES,
    is_observed=True,
    sample=[BillCycle("2026-11", "2026-11-01", "2026-11-30")],
)
def bill_cycle_list(caller: Caller, iccid: str, asked: Paging) -> Page[BillCycle]:
    """The cycles that daily_statistics knows of a line, the current first"""
    starts = lists.cycles_of(caller, line_of(caller, iccid), today=clock.today())
    return listed(
        asked, [BillCycle(f"{start:%Y-%m}", start.isoformat(), cycle_end(start).isoformat()) for start in starts]
    )


ENDPOINTS = (daily_statistics, usage_summary, bill_cycle_list)
