"""Tables as files: CSV and XLSX, a row at a time, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import xlsxwriter

SHEET_ROWS = 1_000_000  # Excel takes 1,048,576
RISKY = "=+-@\t\r\n＝＋－＠"  # whoever opens a file, in whatever language, has no formula in it
FORMULA = re.compile(rf"'*[{re.escape(RISKY)}]")
# What a spreadsheet would take for a number, and change: many digits, zeros in front, an E among digits.
NUMBER = re.compile(r"\+?[0-9]{12,}|0[0-9]+|[0-9]+E[0-9]+")
KEPT_WHOLE = re.compile(r'="([^"]*)"')
BATCH = 500  # rows of a CSV that are sent together


def defused(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection); one that
    it would take for a number stays the text it is, such as an ICCID."""
    if not isinstance(value, str):
        return value
    if NUMBER.fullmatch(value):
        return f'="{value}"'
    return f"'{value}" if FORMULA.match(value) else value


def undefused(cell: str) -> str:
    """What `defused` was given."""
    if cell.startswith("'"):
        return cell[1:] if FORMULA.match(cell) else cell
    kept = KEPT_WHOLE.fullmatch(cell)
    return kept[1] if kept else cell


class Book(Protocol):
    """A file with a few tables."""

    def table(self, name: str, heads: tuple[str, ...]) -> None: ...
    def row(self, values: tuple[Any, ...]) -> None: ...
    def close(self) -> None: ...


class CsvBook:
    """All tables in one file, each row with its table's name first."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._name = ""

    def table(self, name: str, heads: tuple[str, ...]) -> None:
        self._name = name
        self._writer.writerow(("Table", *heads))

    def row(self, values: tuple[Any, ...]) -> None:
        self._writer.writerow((self._name, *(defused(value) for value in values)))

    def close(self) -> None:
        self._file.close()


class XlsxBook:
    """A sheet for each table; texts are always written as texts."""

    def __init__(self, path: Path) -> None:
        self._book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
        self._bold = self._book.add_format({"bold": True})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._name = ""
        self._heads: tuple[str, ...] = ()
        self._part = 1

    def table(self, name: str, heads: tuple[str, ...]) -> None:
        self._name, self._heads, self._part = name, heads, 1
        self._begin(name)

    def _begin(self, name: str) -> None:
        self._sheet = self._book.add_worksheet(name)
        self._sheet.set_column(0, len(self._heads) - 1, 18)
        self._sheet.freeze_panes(1, 0)
        for column, head in enumerate(self._heads):
            self._sheet.write_string(0, column, head, self._bold)
        self._next = 1

    def row(self, values: tuple[Any, ...]) -> None:
        if self._next > SHEET_ROWS:
            self._part += 1
            self._begin(f"{self._name} {self._part}")
        for column, value in enumerate(values):
            if isinstance(value, dt.datetime):
                self._sheet.write_datetime(self._next, column, value.replace(tzinfo=None), self._moment)
            elif isinstance(value, dt.date):
                self._sheet.write_datetime(self._next, column, value)
            elif isinstance(value, str):
                # Our reader takes a mark off: what looks marked by itself gets one more.
                marked = value if undefused(value) == value else f"'{value}"
                self._sheet.write_string(self._next, column, marked)
            elif value is not None:
                self._sheet.write_number(self._next, column, value)
        self._next += 1

    def close(self) -> None:
        self._book.close()


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A CSV as it is streamed, some rows at a time; it begins with the mark by which Excel knows UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    for number, row in enumerate(rows, 1):
        writer.writerow([defused(value) for value in row])
        if number % BATCH == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
