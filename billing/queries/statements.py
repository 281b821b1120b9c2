"""Reads of what moved a balance: the list of transactions and the sums of months."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F
from kit.money import ZERO

from accounts.models import Account
from billing.models import Entry, Invoice, Statement, UsageDay
from billing.policy import EntryKind, PaymentState, booked_on, closed_from


@dataclass(frozen=True, slots=True)
class Transaction:
    """A payment in whatever state, or a ledger row that no payment made."""

    at: dt.datetime
    kind: str
    account: str
    note: str
    amount: Decimal
    state: str
    reason: str
    payment_id: uuid.UUID | None
    paper_kind: str | None  # of its invoice or credit note
    paper_number: int | None
    day: dt.date | None

    @property
    def invoice(self) -> int | None:
        return self.paper_number if self.paper_kind == Invoice.INVOICE else None

    @property
    def credit_note(self) -> int | None:
        return self.paper_number if self.paper_kind == Invoice.CREDIT_NOTE else None

    @property
    def paper(self) -> str | int | None:
        """As an export names it."""
        return self.invoice or (f"Credit note {self.credit_note}" if self.credit_note else None)

    @property
    def payment(self) -> str:
        return self.payment_id.hex if self.payment_id else ""

    @property
    def word(self) -> str:
        if not self.state:
            return "Posted"
        return {"pending": "Pending", "confirming": "To be confirmed", "succeeded": "Paid"}.get(
            self.state, self.state.capitalize()
        )

    @property
    def moved(self) -> bool:
        return self.state in ("", PaymentState.SUCCEEDED)


# Each half brings only as many rows as the page can show. A payment that succeeded stands where it came to the balance,
# as its ledger row does; one that did not, where it was begun.
PAID_AT = "CASE WHEN p.state = 'succeeded' THEN p.ended_at ELSE p.created_at END"
TRANSACTIONS = f"""
SELECT * FROM (
    (SELECT {PAID_AT} AS at, CASE WHEN p.is_auto THEN 'auto-refill' ELSE 'refill' END AS kind, a.name,
            initcap(p.brand) || ' ending in ' || p.last4
                || CASE WHEN p.tax > 0 THEN ', ' || round(p.tax, 2) || ' tax on top' ELSE '' END AS note,
            p.amount, p.state, p.reason, p.uuid, i.kind, i.number,
            NULL::date AS day
       FROM billing_payment p JOIN accounts_account a ON a.id = p.account_id
       LEFT JOIN billing_invoice i ON i.payment_id = p.id
      WHERE p.account_id = ANY(%(accounts)s) AND %(payments)s
        AND (%(start)s::timestamptz IS NULL OR {PAID_AT} >= %(start)s)
        AND (%(end)s::timestamptz IS NULL OR {PAID_AT} < %(end)s)
      ORDER BY p.id DESC LIMIT %(most)s)
    UNION ALL
    (SELECT e.posted_at, e.kind, a.name, e.note, e.amount, '', '', NULL::uuid, i.kind, i.number, e.day
       FROM billing_entry e JOIN accounts_account a ON a.id = e.account_id
       LEFT JOIN billing_invoice i ON i.key = e.key
      WHERE e.account_id = ANY(%(accounts)s) AND e.kind = ANY(%(kinds)s)
        AND (%(start)s::timestamptz IS NULL OR e.posted_at >= %(start)s)
        AND (%(end)s::timestamptz IS NULL OR e.posted_at < %(end)s)
      ORDER BY e.id DESC LIMIT %(most)s)
) t ORDER BY at DESC OFFSET %(offset)s LIMIT %(limit)s
"""


def transactions_of(
    account: Account, *, kind: str, start: dt.date | None, end: dt.date | None, offset: int, limit: int
) -> list[Transaction]:
    """The account's own, newest first; `kind` empty: all but usage and SMS. Days are UTC."""
    used = {EntryKind.USAGE, EntryKind.SMS}
    kinds = [kind] if kind else [one.value for one in EntryKind if one not in used and one is not EntryKind.TOP_UP]
    values: dict[str, Any] = {
        "accounts": [account.pk],
        "payments": kind in ("", "payment"),
        "kinds": kinds,
        "start": start and dt.datetime.combine(start, dt.time(), dt.UTC),
        "end": end and dt.datetime.combine(end, dt.time(), dt.UTC) + dt.timedelta(days=1),
        "most": offset + limit,
        "offset": offset,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(TRANSACTIONS, values)
        return [Transaction(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Late:
    """Usage of a day whose statement was closed when it was found: it stands in the month of the finding. USD."""

    day: dt.date
    found_on: dt.date
    amount: Decimal  # a debit is negative


@dataclass(slots=True)
class Month:
    """A month (UTC) of an account: what it began with, what moved it, what it ended with. USD."""

    start: dt.date
    starting: Decimal = ZERO
    moved: dict[str, Decimal] = field(default_factory=dict)  # by kind; debits are negative
    late: list[Late] = field(default_factory=list)  # of earlier months, in `moved` too
    is_closed: bool = False  # its figures are frozen

    @property
    def late_usage(self) -> Decimal:
        return sum((one.amount for one in self.late), ZERO)

    @property
    def ending(self) -> Decimal:
        return self.starting + sum(self.moved.values(), ZERO)

    @property
    def usage(self) -> Decimal:
        return self.moved.get("usage", ZERO) + self.moved.get("sms", ZERO)

    @property
    def paid_in(self) -> Decimal:
        return self.moved.get("top-up", ZERO) + self.moved.get("transfer", ZERO)

    @property
    def other(self) -> Decimal:
        return self.ending - self.starting - self.usage - self.paid_in


MONTHS = """
    SELECT date_trunc('month', coalesce(booked_on, day))::date, kind, sum(amount)
      FROM billing_entry WHERE account_id = %s GROUP BY 1, 2
"""


def months_of(account: Account, *, today: dt.date) -> list[Month]:
    """Every month since the first movement, newest first. Usage counts on its own day, posted or still accrued; what is
    found when its month is closed counts as late usage where it was found."""
    sums: dict[dt.date, dict[str, Decimal]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(MONTHS, [account.pk])
        for start, kind, amount in cursor.fetchall():
            sums[start][kind] = amount
    late = late_usage(account)
    for day, found_on, amount in _accrued(account):
        kinds = sums[(booked_on(day, found_on) or day).replace(day=1)]
        kinds["usage"] = kinds.get("usage", ZERO) - amount
    if not sums:
        return []
    months: list[Month] = []
    start, balance = min(sums), ZERO
    while start <= today:
        month = Month(start, balance, dict(sums.get(start, {})), is_closed=today >= closed_from(start))
        month.late = [one for one in late if one.found_on.replace(day=1) == start]
        balance = month.ending
        months.append(month)
        start = (start.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    return months[::-1]


def late_usage(account: Account) -> list[Late]:
    """All usage that was found when its month was closed, posted or still accrued, in the order of finding."""
    posted = Entry.objects.filter(account=account, booked_on__isnull=False).values_list("day", "booked_on", "amount")
    open_now = ((day, booked_on(day, found), -amount) for day, found, amount in _accrued(account))
    rows = [Late(day, found, amount) for day, found, amount in [*posted, *open_now] if found is not None]
    return sorted(rows, key=lambda one: (one.found_on, one.day))


def _accrued(account: Account) -> list[tuple[dt.date, dt.date | None, Decimal]]:
    """What is not in the ledger yet: day, when it was found, USD."""
    days = UsageDay.objects.filter(account=account).exclude(usage=F("sealed"))
    return [
        (day, found, usage - sealed)
        for day, found, usage, sealed in days.values_list("day", "found_on", "usage", "sealed")
    ]


def statements_of(account_id: int, *, limit: int) -> list[Statement]:
    """The newest files that were asked for."""
    return list(Statement.objects.filter(account_id=account_id).order_by("-id")[:limit])
