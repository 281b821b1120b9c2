"""A closed month of an account as PDF: what it began with, what moved it, each day's usage, what it ended with."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from kit.fonts import as_printed
from kit.money import shown

from accounts.models import Account
from billing import queries
from billing.paper import FONT, GREY, MARGIN, buyer_lines, party, take_fonts, usual
from billing.queries import Month

if TYPE_CHECKING:
    from fpdf import FPDF


def statement_pdf(account: Account, month: Month) -> bytes:
    """It is no invoice: tax was taken when the balance was paid in."""
    from fpdf import FPDF  # large, and most processes print nothing

    last = (month.start.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    pdf = FPDF(format="A4")
    pdf.set_margins(MARGIN, MARGIN)
    pdf.set_title(f"Statement {month.start:%Y-%m}")
    to = [as_printed(line, usual()) for line in buyer_lines(queries.buyer_of(account))]
    with TemporaryDirectory() as folder:
        take_fonts(pdf, "".join(to), Path(folder))
        pdf.add_page()
        pdf.set_font(FONT, "B", 20)
        pdf.cell(0, 10, "Monthly statement", new_x="LMARGIN", new_y="NEXT")
        pdf.set_font(FONT, "", 10)
        pdf.set_text_color(*GREY)
        pdf.cell(0, 6, f"{month.start:%-d} to {last:%-d %B %Y}, UTC. Amounts are net of tax.", new_y="NEXT")
        pdf.ln(4)
        party(pdf, "Account", to, MARGIN, pdf.get_y())
        pdf.set_xy(MARGIN, pdf.get_y() + 10)
        _table(pdf, "Balance", _sums(month))
        days = queries.usage_days(account, since=month.start, until=last)
        late = [(f"Late usage of {one.day:%-d %B}, found {one.found_on:%-d %B}", -one.amount) for one in month.late]
        used = [(f"{day:%-d %B}", cost) for day, cost in sorted(days.items()) if cost]
        if used or late:
            _table(pdf, "Usage and SMS by day", used + late)
        return bytes(pdf.output())


def _sums(month: Month) -> list[tuple[str, Decimal]]:
    return [
        ("Starting balance", month.starting),
        ("Paid in", month.paid_in),
        ("Usage and SMS", month.usage),
        ("Discounts and other", month.other),
        ("Ending balance", month.ending),
    ]


def _table(pdf: FPDF, title: str, rows: list[tuple[str, Decimal]]) -> None:
    pdf.set_draw_color(200)
    pdf.set_text_color(0)
    pdf.set_font(FONT, "B", 10)
    pdf.cell(120, 8, title, border="B")
    pdf.cell(50, 8, "Amount", border="B", align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FONT, "", 10)
    for what, amount in rows:
        pdf.cell(120, 7, what)
        pdf.cell(50, 7, shown(amount), align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(6)
