"""The rules of usage once more, in plain Python and from the rules' text: what the books must say.

It knows nothing of the product: no Django, no SQL, none of its modules. Slow and simple on purpose.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext

from lines.recount.calendars import BEGINNING
from lines.recount.rules import Course, Dated, Price, Told

MB = 1_048_576
SIX = Decimal("0.000001")


def month_of(day: dt.date) -> dt.date:
    return dt.date(day.year, day.month, 1)


def next_month(month: dt.date) -> dt.date:
    return dt.date(month.year + month.month // 12, month.month % 12 + 1, 1)


def last_day(month: dt.date) -> dt.date:
    return next_month(month) - dt.timedelta(days=1)


def cost(used: int, per_mb: Decimal) -> Decimal:
    """round_half_up(bytes x price per MB / 1,048,576, 6)"""
    with localcontext() as exactly:
        exactly.prec = 80
        return (Decimal(used) * per_mb / MB).quantize(SIX, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Plan:
    """Prices per MB, each from a moment on; the first from the beginning (None)."""

    prices: tuple[tuple[dt.datetime | None, Decimal], ...]


class OracleLine:
    """One line of one payer. `timed`: the carrier says which month its counter belongs to (Simbase).

    What its readings cost is what the second books say, which share nothing with what charges.
    """

    def __init__(self, name: str, payer: str, plan: Plan, timed: bool) -> None:
        self.name, self.payer, self.timed = name, payer, timed
        self.fees: dict[dt.date, Decimal] = {}
        self.course = Course(0, Dated([(BEGINNING, 0)]), {})
        self.plan = plan

    @property
    def plan(self) -> Plan:
        return self._plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._plan = plan
        self.course.prices = {
            0: Dated((since or BEGINNING, Price(n, per_mb)) for n, (since, per_mb) in enumerate(plan.prices))
        }

    def read(self, at: dt.datetime, counter: int, month: dt.date | None = None) -> None:
        """A counter is seen. `month` is None where the carrier gives no time."""
        self.course.read(Told(at, counter, month, has_finals=self.timed))

    def final_total(self, at: dt.datetime, month: dt.date, total: int) -> None:
        """The carrier's last word on a finished month that was ours."""
        if self.course.since is not None and month >= self.course.since:
            self.course.read(Told(at, total, month, is_final=True, has_finals=True))

    def days(self) -> dict[tuple[dt.date, int], tuple[int, Decimal]]:
        """(day, number of its price) -> bytes and cost."""
        return {
            (day, number): (row.used, cost(row.used, self.plan.prices[number][1]))
            for (_, day, number), row in self.course.owed.items()
            if row.used
        }


@dataclass
class Oracle:
    """Accounts, their lines and their ledger."""

    lines: dict[str, OracleLine] = field(default_factory=dict)
    credits: dict[str, list[Decimal]] = field(default_factory=lambda: defaultdict(list))
    sealed: dict[tuple[str, dt.date], list[Decimal]] = field(default_factory=lambda: defaultdict(list))
    found: dict[tuple[str, dt.date], dt.date] = field(default_factory=dict)  # when what is not sealed yet was

    def add(self, name: str, *, payer: str, plan: Plan, timed: bool) -> OracleLine:
        self.lines[name] = OracleLine(name, payer, plan, timed)
        return self.lines[name]

    def usage(self) -> dict[tuple[str, dt.date], Decimal]:
        """(payer, day) -> what its lines' days cost."""
        sums: dict[tuple[str, dt.date], Decimal] = defaultdict(Decimal)
        for line in self.lines.values():
            for (day, _), (_, price) in line.days().items():
                sums[line.payer, day] += price
            for day, fee in line.fees.items():
                sums[line.payer, day] += fee
        return {key: amount for key, amount in sums.items() if amount}

    def seal(self, today: dt.date) -> None:
        """Days that are over become ledger rows; what is found after that, a row when the day of finding is over."""
        for (payer, day), amount in self.usage().items():
            missing = amount - sum(self.sealed.get((payer, day), []))
            if not missing:
                continue
            found = self.found.setdefault((payer, day), max(day, today))
            if found < today or (day < today and not self.sealed.get((payer, day))):
                self.sealed[payer, day].append(missing)
                del self.found[payer, day]

    def posted(self, payer: str) -> Decimal:
        rows = sum((sum(parts) for (who, _), parts in self.sealed.items() if who == payer), Decimal(0))
        return sum(self.credits[payer], Decimal(0)) - rows

    def available(self, payer: str) -> Decimal:
        used = sum((amount for (who, _), amount in self.usage().items() if who == payer), Decimal(0))
        return sum(self.credits[payer], Decimal(0)) - used

    def accrued(self, payer: str) -> Decimal:
        return self.posted(payer) - self.available(payer)

    def average_daily(self, payer: str, today: dt.date) -> Decimal:
        usage = {day: amount for (who, day), amount in self.usage().items() if who == payer}
        if not usage:
            return Decimal(0)
        window = [today - dt.timedelta(days=n) for n in range(1, 31)]
        counted = [day for day in window if day >= min(usage)]
        total = sum((usage.get(day, Decimal(0)) for day in window), Decimal(0))
        return (total / max(7, len(counted))).quantize(SIX, rounding=ROUND_HALF_UP)
