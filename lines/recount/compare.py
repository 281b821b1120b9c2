"""Where the two sets of books differ, and in what: rows of line, payer, day and price beside each other."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import numpy as np

from lines.recount import bulk, source
from lines.recount.bulk import Days, Marks, Numbers
from lines.recount.calendars import BY_MONTH
from lines.recount.rules import fees
from lines.recount.source import LineFacts, Market

Row = tuple[int, int, int, int]  # line, payer, day, price
Sums = tuple[int, int, int]  # bytes, cost, fee


class Owed:
    """Rows of the second books, as columns: line, payer, day, price, bytes and fee."""

    def __init__(self, lines: list[LineFacts], market: Market) -> None:
        self.lines, self.market = lines, market
        self.columns: list[Numbers] = [np.empty((6, 0), dtype=np.int64)]
        self.rows: list[tuple[int, int, int, int, int, int]] = []
        self.failed: dict[int, str] = {}  # lines that cannot be computed, and why
        self.payer = np.array(
            [next((one.payer for one in line.holdings[::-1] if one.payer is not None), 0) for line in lines],
            dtype=np.int64,
        )

    def add(self, place: int, payer: int, day: int, price: int, used: int = 0, fee: int = 0) -> None:
        self.rows.append((place, payer, day, price, used, fee))

    def add_days(self, days: Days) -> None:
        nothing = np.zeros(len(days.line), dtype=np.int64)
        self.columns.append(np.vstack((days.line, self.payer[days.line], days.day, days.price, days.used, nothing)))

    def add_given(self, odd: Marks) -> None:
        """What the days of ordinary lines had when their readings began to be kept; the others have it already."""
        for place, line in enumerate(self.lines):
            if line.given and not odd[place]:
                for (payer, day, price), used in line.given.items():
                    self.add(place, payer, source.as_day(day), price, used)

    def add_fees(self, today: dt.date, odd: Marks) -> None:
        """Fees through today: of the ordinary lines at once, of the others one by one."""
        tariffs, until = self.market.fees, today + dt.timedelta(days=1)
        owing = [place for place, line in enumerate(self.lines) if any(time.plan in tariffs for time, _ in line.times)]
        for place in owing:
            if odd[place]:
                self._add_fees_of(place, until)
        times = source.times(self.lines, [place for place in owing if not odd[place]])
        line, payer, day, price = bulk.fees(times, tariffs, source.as_day(until))
        fee = bulk.fee_of(self._fees(price), day, self._cycle_days()[line], day == self._first_days(times)[line])
        off_from = [bulk.NEVER if one.off_from is None else source.as_day(one.off_from) for one in self.lines]
        rows = np.vstack((line, payer, day, price, np.zeros_like(line), fee))
        rows = rows[:, day < np.array(off_from, dtype=np.int64)[line]]
        elsewhere = {(n, source.as_day(one)) for n, facts in enumerate(self.lines) for one in facts.paid_elsewhere}
        if elsewhere:
            rows = rows[:, [(n, one) not in elsewhere for n, one in zip(rows[0], rows[2], strict=True)]]
        self.columns.append(rows)

    def _add_fees_of(self, place: int, until: dt.date) -> None:
        line = self.lines[place]
        calendar = self.market.calendars.get(line.carrier, BY_MONTH)
        owed = fees([time for time, _ in line.times], self.market.prices, until, calendar)
        for (payer, day, price), fee in owed.items():
            if day not in line.paid_elsewhere and (line.off_from is None or day < line.off_from):
                self.add(place, payer, source.as_day(day), price, 0, source.exactly(fee))

    def _fees(self, price: Numbers) -> Numbers:
        """Of each price the fee a day, the fee a month and the activation's."""
        numbers, place = np.unique(price, return_inverse=True)
        known = [self.market.by_number[int(number)] for number in numbers]
        sums = [[source.exactly(fee) for fee in (one.per_day, one.per_month, one.activation)] for one in known]
        return np.array(sums, dtype=np.int64).reshape(-1, 3).T[:, place]

    def _cycle_days(self) -> Numbers:
        calendars = self.market.calendars
        days = [calendars.get(line.carrier, BY_MONTH).turns[0].cycle_day for line in self.lines]
        return np.array(days, dtype=np.int64)

    def _first_days(self, times: bulk.Times) -> Numbers:
        """The very first day on which each line was on."""
        first = np.full(len(self.lines), bulk.NEVER, dtype=np.int64)
        np.minimum.at(first, times.line, times.started // bulk.DAY)
        return first

    def is_unsettled(self, row: Row) -> bool:
        """Whether the line's fee of this day may not be charged yet."""
        line, payer, day, _ = row
        settled = ((time, due) for time, due in self.lines[line].times if time.payer == payer)
        return any(due is not None and source.as_day(due) <= day for _, due in settled)

    def summed(self) -> Numbers:
        more = np.array(self.rows, dtype=np.int64).reshape(-1, 6).T
        return _summed(np.hstack((*self.columns, more)))


def _summed(rows: Numbers) -> Numbers:
    """One column for each line, payer, day and price, in this order."""
    order = np.lexsort(rows[3::-1])
    rows = rows[:, order]
    begins = np.ones(rows.shape[1], dtype=bool)
    begins[1:] = (rows[:4, 1:] != rows[:4, :-1]).any(axis=0)
    places = np.flatnonzero(begins)
    if not len(places):
        return rows
    return np.vstack((rows[:4, places], np.add.reduceat(rows[4:], places, axis=1)))


def _cost(used: Numbers, price: Numbers, market: Market) -> Numbers:
    """Millionths of a USD: bytes x price / 1,048,576, half up, in whole numbers of any size."""
    numbers = np.unique(price)
    per_mb = np.array([source.exactly(market.by_number[int(n)].per_mb) for n in numbers], dtype=np.int64)
    factor = per_mb[np.searchsorted(numbers, price)]
    is_large = used.astype(np.float64) * factor >= 2.0**62
    cost: Numbers = (used * np.where(is_large, 0, factor) + (1 << 19)) >> 20
    for n in np.flatnonzero(is_large):
        cost[n] = (int(used[n]) * int(factor[n]) + (1 << 19)) >> 20
    return cost


def compare(owed: Owed, booked: list[Numbers], since: dt.date) -> tuple[int, list[dict[str, Any]]]:
    """How many rows were compared, and each that differs, from where on each line can be computed."""
    floors = np.array([source.as_day(max(since, owed.market.floor(line))) for line in owed.lines], dtype=np.int64)
    second = owed.summed()
    second = second[:, second[2] >= floors[second[0]]]
    second = np.vstack((second[:5], _cost(second[4], second[3], owed.market)[None], second[5:]))
    second = second[:, (second[4:] != 0).any(axis=0)]
    first = np.vstack(booked)
    first = first[:, (first[2] >= floors[first[0]]) & (first[4:] != 0).any(axis=0)]
    first = first[:, np.lexsort(first[3::-1])]
    differences = [
        {"iccid": owed.lines[place].iccid, "says": f"cannot be computed: {why}"} for place, why in owed.failed.items()
    ]
    if first.shape != second.shape or (first != second).any():
        differences += _differences(owed, _rows(first), _rows(second))
    return max(first.shape[1], second.shape[1]), differences


def _rows(columns: Numbers) -> dict[Row, Sums]:
    return {
        (line, payer, day, price): (used, cost, fee) for line, payer, day, price, used, cost, fee in columns.T.tolist()
    }


def _differences(owed: Owed, first: dict[Row, Sums], second: dict[Row, Sums]) -> list[dict[str, Any]]:
    plans: dict[tuple[int, int], set[str]] = defaultdict(set)  # that a line was charged by on a day, as it should be
    for line, _, day, price in second:
        plans[line, day].add(owed.market.plan_of_price.get(price, ""))
    found = []
    for row in sorted(first.keys() | second.keys()):
        charged, right = first.get(row, (0, 0, 0)), second.get(row, (0, 0, 0))
        if charged == right or (charged[:2] == right[:2] and not _fee_differs(owed, row, charged[2], right[2])):
            continue
        found.append(_named(owed, row, charged, right, plans[row[0], row[2]]))
    return found


def _fee_differs(owed: Owed, row: Row, charged: int, right: int) -> bool:
    """Not where the day is not settled yet, nor where the line was there before its times were written down."""
    if charged == 0 and owed.is_unsettled(row):
        return False
    opened = owed.lines[row[0]].openings
    is_before = bool(opened) and not opened[0].after and row[2] <= source.as_day(opened[0].at.date())
    return charged != right and not is_before


def _named(owed: Owed, row: Row, charged: Sums, right: Sums, plans: set[str]) -> dict[str, Any]:
    line, payer, day, price = row
    plan = owed.market.plan_of_price.get(price, "")
    return {
        "iccid": owed.lines[line].iccid,
        "payer": payer,
        "day": source.as_date(day).isoformat(),
        "plan": plan,
        "price": price,
        "says": _what(charged, right, plan, plans),
        "charged": _shown(charged),
        "recomputed": _shown(right),
    }


def _what(charged: Sums, right: Sums, plan: str, plans: set[str]) -> str:
    if charged[:2] == right[:2]:
        return "a fee for a day off, or none for a day on"
    if charged[0] == right[0]:
        return "the bytes agree, their cost does not"
    if right[0]:
        return "the bytes differ" if charged[0] else "used and not charged"
    if not plans:
        return "charged for a day without usage"
    return "charged at another price of its plan" if plan in plans else "charged for a plan that it did not have then"


def _shown(row: Sums) -> dict[str, int | str]:
    used, cost, fee = row
    return {"bytes": used, "cost": _usd(cost), "fee": _usd(fee)}


def _usd(millionths: int) -> str:
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06}"
