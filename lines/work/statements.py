"""Writes an account's month into a file: every line's usage and cost by day, its messages, payments, and what else
moved it. The tables add up to the summary: usage of days of this month, less the late usage that counts in a later one,
with the late usage of earlier ones that counts here.

XLSX in constant memory, CSV row by row; the usage comes a batch at a time, the file goes into the database in pieces.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit import clock
from kit.money import currency
from kit.sheets import Book, CsvBook, XlsxBook

from billing import queries
from billing.commands import statements
from billing.models import Statement
from lines.policy import MEGABYTE
from lines.queries import costs_between, count_costs, pools_between, sms_between

CODE = currency().code
PIECE = 1 << 20  # bytes
USAGE = (
    "Day",
    "ICCID",
    "Notes",
    "Rate plan",
    "Held by",
    "Bytes",
    "MB",
    f"Usage {CODE}",
    f"Line fee {CODE}",
    f"Together {CODE}",
    "Country",
    "Zone",
)
SMS = ("Day", "ICCID", "Notes", "Held by", f"{CODE}")
MOVES = ("When (UTC)", "Kind", "Account", "Note", f"Amount {CODE}", "Status", "Reason", "Invoice", "Usage day")
SUMMARY = (
    "Month (UTC)",
    "Account",
    f"Starting balance {CODE}",
    f"Paid in {CODE}",
    f"Usage and SMS {CODE}",
    f"Other {CODE}",
    f"Ending balance {CODE}",
    f"Late usage in it {CODE}",
    "Closed",
)
BEYOND_POOL = "Beyond the included data of all lines on the plan"
LATE = ("Usage day", "Found on", "Counts in", f"{CODE}")


def write_one() -> bool:
    """The next statement that was asked for; False when there is none."""
    statement = statements.claim_statement()
    if statement is None:
        return False
    with tempfile.TemporaryDirectory(prefix="statement-") as folder:
        path = Path(folder) / f"statement.{statement.format}"
        book: Book = XlsxBook(path) if statement.format == "xlsx" else CsvBook(path)
        _fill(book, statement)
        book.close()
        statements.finish_statement(statement_id=statement.pk, pieces=_pieces(path))
    return True


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _fill(book: Book, statement: Statement) -> None:
    account, start = statement.account, statement.month
    end = (start.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    book.table("Summary", SUMMARY)
    for month in queries.months_of(account, today=clock.today()):
        if month.start == start:
            row = (start, account.name, month.starting, month.paid_in, month.usage, month.other, month.ending)
            book.row((*row, month.late_usage, "yes" if month.is_closed else "no"))
    book.table("Transactions", MOVES)
    for row in _moves(statement, end):
        book.row(row)
    _usage(book, statement, end)
    book.table("Late usage", LATE)
    for one in queries.late_usage(account):
        if start in (one.day.replace(day=1), one.found_on.replace(day=1)):
            book.row((one.day, one.found_on, one.found_on.replace(day=1), one.amount))
    book.table("SMS", SMS)
    for batch in sms_between(account.pk, start, end):
        for row in batch:
            book.row(row)


def _usage(book: Book, statement: Statement, end: dt.date) -> None:
    account, start = statement.account, statement.month
    book.table("Usage", USAGE)
    done, total = 0, count_costs(account.pk, start, end)
    statements.progress(statement_id=statement.pk, done=0, total=total)
    day = start
    while day < end:
        for batch in costs_between(account.pk, day, day + dt.timedelta(days=1)):
            for of_day, iccid, plan, holder, used, cost, fee, notes, *zone in batch:
                sums = round(used / MEGABYTE, 6), cost, fee, cost + fee
                book.row((of_day, iccid, notes, plan, holder, used, *sums, *zone))
            done += len(batch)
        for of_day, plan, _, cost in pools_between(account.pk, day, day + dt.timedelta(days=1)):
            book.row((of_day, "", BEYOND_POOL, plan, account.name, 0, 0, cost, 0, cost, "", ""))
        if done:
            statements.progress(statement_id=statement.pk, done=done, total=max(total, done))
        day += dt.timedelta(days=1)


def _moves(statement: Statement, end: dt.date) -> Iterator[tuple[Any, ...]]:
    """Payments with their card and state, discounts and all else but usage, which has its own table."""
    last, offset = end - dt.timedelta(days=1), 0
    while rows := queries.transactions_of(
        statement.account, kind="", start=statement.month, end=last, offset=offset, limit=500
    ):
        for one in rows:
            yield one.at, one.kind, one.account, one.note, one.amount, one.word, one.reason, one.paper, one.day
        offset += len(rows)
