"""Doors to the list of lines as a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from django.contrib import messages
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.text import slugify
from django.views.decorators.http import require_GET
from kit import clock
from kit.sheets import XlsxBook

from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from lines import forms, queries
from lines.queries.export import csv_for, heads_for, rows_for

MOST_XLSX = 50_000  # lines: the file is written whole before its first byte leaves


@require_GET
@needs(Right.SEE_LINES)
def export(request: MemberRequest, kind: str) -> HttpResponse:
    """The lines of the address' filters, all of them, as CSV or XLSX."""
    membership, today = request.membership, clock.today()
    asked = forms.asked_from(request.GET, forms.choices_for(membership))
    name = f"{slugify(request.account.name) or 'lines'}-lines-{today}.{kind}"
    if kind == "csv":
        written = csv_for(membership, asked, today=today)
        response = StreamingHttpResponse(written, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return cast(HttpResponse, response)  # Django's types have no common one for both
    if queries.chosen_lines(membership, asked).order_by().values("pk")[: MOST_XLSX + 1].count() > MOST_XLSX:
        messages.error(request, f"More than {MOST_XLSX:,} lines are too many for XLSX; take CSV, or filter the list")
        return redirect(forms.address(asked))
    rows = rows_for(membership, asked, today=today)
    return cast(HttpResponse, _workbook(name, heads_for(membership), rows))


def _workbook(name: str, heads: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> FileResponse:
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the response closes it
    book = XlsxBook(Path(file.name))
    book.table("Lines", heads)
    for row in rows:
        book.row(row)
    book.close()
    return FileResponse(file, as_attachment=True, filename=name)
