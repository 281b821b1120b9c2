"""Doors to the list of lines as a file."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.text import slugify
from django.views.decorators.http import require_GET
from kit import clock
from kit.exports import file_answer, workbook_answer
from kit.sheets import XlsxBook

from accounts.doors import MemberRequest, misread, needs
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
    if back := misread(request, forms.filters(asked), beside=forms.SHOWN_AS, to="lines"):
        return back
    name = f"{slugify(request.account.name) or 'lines'}-lines-{today}.{kind}"
    if kind == "csv":
        return file_answer(name, csv_for(membership, asked, today=today))
    if queries.chosen_lines(membership, asked).order_by().values("pk")[: MOST_XLSX + 1].count() > MOST_XLSX:
        messages.error(request, f"More than {MOST_XLSX:,} lines are too many for XLSX; take CSV, or filter the list")
        return redirect(forms.address(asked))

    def write(book: XlsxBook) -> None:
        book.table("Lines", heads_for(membership))
        for row in rows_for(membership, asked, today=today):
            book.row(row)

    return workbook_answer(name, write)
