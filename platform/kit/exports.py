"""Tables as files that people download. Every file for a spreadsheet leaves by one of these, so that all are known."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from kit.sheets import XlsxBook, csv_lines

TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
}


def file_answer(name: str, pieces: Iterable[bytes | str]) -> HttpResponse:
    """A file as it comes; the end of its name says which kind it is."""
    response = StreamingHttpResponse(pieces, content_type=TYPES[name.rpartition(".")[2]])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, response)  # Django's types have no common one for both


def csv_answer(name: str, rows: Iterable[Iterable[object]]) -> HttpResponse:
    """Rows as CSV, the heading first."""
    return file_answer(name, csv_lines(rows))


def workbook_answer(name: str, write: Callable[[XlsxBook], None]) -> HttpResponse:
    """What `write` writes, as XLSX; it is written whole before its first byte leaves."""
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the response closes it
    book = XlsxBook(Path(file.name))
    write(book)
    book.close()
    return cast(HttpResponse, FileResponse(file, as_attachment=True, filename=name, content_type=TYPES["xlsx"]))
