"""What sub-accounts owe their accounts, once more: from booked day rows, cuts, holdings and messages, in whole numbers.

It shares no function and no SQL with what charges them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from lines.recount.found import MILLION, DaysFound, usd

Day = dt.date


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row of a price list; amounts in millionths, the percentage in thousandths."""

    number: int
    plan: int | None
    zone: int | None
    since: Day | None
    percent: int | None
    places: int
    per_mb: int
    per_sms: int
    per_day: int


def _rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _exactly(amount: Any) -> int:
    whole: int = 0 if amount is None else int(amount * MILLION)
    return whole


def _plus(price: int, row: ListRow, own: int) -> int:
    """A price of the list in millionths: half up to its decimals where it is a percentage."""
    if row.percent is None:
        return own
    step = 10 ** (6 - row.places)
    whole = price * (100_000 + row.percent)  # of 100,000 millionths
    rounded: int = (2 * whole + 100_000 * step) // (2 * 100_000 * step) * step
    return rounded


def _data(used: int, per_mb: int) -> int:
    return (used * per_mb + (1 << 19)) >> 20


class Book:
    """The terms and lists of one account, and what they say of a day."""

    def __init__(self, payer: int) -> None:
        self.payer = payer
        self.terms: dict[int, list[tuple[Day, int, int | None]]] = defaultdict(list)
        for account, since, number, price_list in _rows(
            "SELECT account_id, since, id, price_list_id FROM lines_resaleterms WHERE payer_id = %s", payer
        ):
            self.terms[account].append((since, number, price_list))
        self.lists: dict[int, list[ListRow]] = defaultdict(list)
        for price_list, *row in _rows(
            "SELECT p.price_list_id, p.id, p.plan_id, p.zone_id, p.since, (p.percent * 1000)::bigint, p.places,"
            " p.per_mb, p.per_sms, p.per_day FROM lines_listprice p JOIN lines_pricelist l ON l.id = p.price_list_id"
            " WHERE l.account_id = %s",
            payer,
        ):
            self.lists[price_list].append(ListRow(*row[:6], *(map(_exactly, row[6:]))))
        self.prices = {
            number: (plan, zone, _exactly(per_mb))
            for number, plan, zone, per_mb in _rows("SELECT id, plan_id, zone_id, per_mb FROM lines_price")
        }

    @property
    def first(self) -> Day:
        return min(since for rows in self.terms.values() for since, *_ in rows)

    def row(self, account: int, day: Day, plan: int, zone: int | None = None) -> ListRow | None:
        """The row of the list that this sub-account is charged by, its zone's first; None: its account pays."""
        begun = [term for term in self.terms.get(account, ()) if term[0] <= day]
        price_list = max(begun, key=lambda term: term[:2])[2] if begun else None
        if price_list is None:
            return None
        rows = [row for row in self.lists[price_list] if row.since is None or row.since <= day]
        of_zone = [row for row in rows if row.plan == plan and zone is not None and row.zone == zone]
        everywhere = [row for row in rows if row.zone is None]
        of_plan = (
            of_zone
            or [row for row in everywhere if row.plan == plan]
            or [row for row in everywhere if row.plan is None]
        )
        return max(of_plan, key=lambda row: (row.since or Day.min, row.number))


def recount_resale(*, since: Day | None = None) -> DaysFound:
    """Each day of each sub-account that was ever charged, from the first or from this day on."""
    found = DaysFound()
    for (payer,) in _rows("SELECT DISTINCT payer_id FROM lines_resaleterms ORDER BY 1"):
        book = Book(payer)
        _compare(book, max(book.first, since or Day.min), found)
    return found


def _compare(book: Book, since: Day, found: DaysFound) -> None:
    owed, used, cost = _owed(book, since)
    messages = _add_messages(book, since, owed)
    settled = {
        day: (seen_used, _exactly(seen_cost), sent)
        for day, seen_used, seen_cost, sent in _rows(
            "SELECT day, used, cost, messages FROM lines_resaleseen WHERE payer_id = %s AND day >= %s",
            book.payer,
            since,
        )
    }
    charged = {
        (account, day): _exactly(usage)
        for account, day, usage in _rows(
            "SELECT account_id, day, usage FROM billing_usageday WHERE account_id = ANY(%s) AND day >= %s",
            list(book.terms),
            since,
        )
    }
    for account, day in sorted(owed.keys() | charged.keys()):
        found.days += 1
        if settled.get(day) != (used[day], cost[day], messages[day]):
            found.waiting += 1
            continue
        one, two = charged.get((account, day), 0), owed.get((account, day), 0)
        if one != two:
            said = {"account": account, "day": day.isoformat(), "charged": usd(one), "recomputed": usd(two)}
            found.differences.append(said)


Sums = tuple[dict[tuple[int, Day], int], dict[Day, int], dict[Day, int]]


def _owed(book: Book, since: Day) -> Sums:
    """What data and fees come to by sub-account and day, and each day's bytes and cost of the whole account."""
    cuts: dict[tuple[int, Day, int], list[tuple[int, int]]] = defaultdict(list)
    for line, day, price, account, used in _rows(
        "SELECT line_id, day, price_id, account_id, used FROM lines_holdercut"
        " WHERE payer_id = %s AND day >= %s ORDER BY id",
        book.payer,
        since,
    ):
        cuts[line, day, price].append((account, used))
    owed: dict[tuple[int, Day], int] = defaultdict(int)
    all_used: dict[Day, int] = defaultdict(int)
    all_cost: dict[Day, int] = defaultdict(int)
    rows = _rows(
        "SELECT line_id, day, price_id, account_id, used, cost, fee FROM lines_lineday"
        " WHERE payer_id = %s AND day >= %s",
        book.payer,
        since,
    )
    first = _first_holders(book.payer, {(line, day) for line, day, *_, fee in rows if fee})
    for line, day, price, account, used, cost, fee in rows:
        all_used[day] += used
        all_cost[day] += _exactly(cost) + _exactly(fee)
        plan, zone, per_mb = book.prices[price]
        for holder, part in _parts(cuts.get((line, day, price), ()), account, used):
            if (row := book.row(holder, day, plan, zone)) is not None and part:
                owed[holder, day] += _data(part, _plus(per_mb, row, row.per_mb))
        if fee:
            holder = first.get((line, day), account)
            if (row := book.row(holder, day, plan)) is not None:
                owed[holder, day] += _plus(_exactly(fee), row, row.per_day)
    _add_overage(book, since, owed, all_cost)
    return owed, all_used, all_cost


def _add_overage(book: Book, since: Day, owed: dict[tuple[int, Day], int], all_cost: dict[Day, int]) -> None:
    """Data beyond bundles: of a line's own it is passed on where a percentage is; of a pool it stays the account's."""
    for line, day, plan, account, cost in _rows(
        "SELECT line_id, day, plan_id, account_id, cost FROM lines_overage WHERE payer_id = %s AND day >= %s",
        book.payer,
        since,
    ):
        all_cost[day] += _exactly(cost)
        row = book.row(account, day, plan) if line is not None else None
        if row is not None and row.percent is not None:
            owed[account, day] += _plus(_exactly(cost), row, 0)


def _parts(cuts: Iterable[tuple[int, int]], last: int, used: int) -> list[tuple[int, int]]:
    """Who used how much of a row's bytes, between the moments at which it changed hands."""
    found, done = [], 0
    for holder, mark in cuts:
        until = min(used, mark)
        found.append((holder, until - done))
        done = until
    return [*found, (last, used - done)]


def _first_holders(payer: int, wanted: set[tuple[int, Day]]) -> dict[tuple[int, Day], int]:
    """Who held a line of this payer first on a day."""
    held: dict[int, list[tuple[dt.datetime, int | None, int | None]]] = defaultdict(list)
    for line, since, paid_by, account in _rows(
        "SELECT line_id, since, payer_id, account_id FROM lines_lineholding WHERE line_id = ANY(%s) ORDER BY since, id",
        sorted({line for line, _ in wanted}),
    ):
        held[line].append((since, paid_by, account))
    found = {}
    for line, day in wanted:
        midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
        begun = [one for one in held[line] if one[0] <= midnight][-1:]
        later = [one for one in held[line] if midnight < one[0] < midnight + dt.timedelta(days=1)]
        for _, paid_by, account in [*begun, *later]:
            if paid_by == payer and account is not None:
                found[line, day] = account
                break
    return found


def _add_messages(book: Book, since: Day, owed: dict[tuple[int, Day], int]) -> dict[Day, int]:
    """What messages to devices come to, at the plan that the line had when its carrier took one; how many a day."""
    sent: dict[Day, int] = defaultdict(int)
    plans: dict[int, list[tuple[dt.datetime, int, int]]] = defaultdict(list)
    rows = _rows(
        "SELECT line_id, account_id, accepted_at, price FROM lines_smsmessage"
        " WHERE payer_id = %s AND to_device AND accepted_at >= %s",
        book.payer,
        dt.datetime.combine(since, dt.time(), dt.UTC),
    )
    for line, moment, number, plan in _rows(
        "SELECT line_id, since, id, plan_id FROM lines_lineplan WHERE line_id = ANY(%s)",
        sorted({line for line, *_ in rows}),
    ):
        plans[line].append((moment, number, plan))
    for line, account, at, price in rows:
        day = at.astimezone(dt.UTC).date()
        sent[day] += 1
        begun = [one for one in plans[line] if one[0] <= at]
        if begun and (row := book.row(account, day, max(begun)[2])) is not None:
            owed[account, day] += _plus(_exactly(price), row, row.per_sms)
    return sent
