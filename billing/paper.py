"""Invoices as PDF."""

from __future__ import annotations

from django.conf import settings
from fpdf import FPDF
from kit.money import shown

from billing.models import Invoice

MARGIN = 20  # mm
GREY = (95, 100, 110)
FONT = "DejaVu"  # Latin, Greek, Cyrillic, Hebrew, Arabic letters; only those that are used go into the file


def invoice_pdf(invoice: Invoice) -> bytes:
    """One page: who sells to whom, what, how it was paid."""
    pdf = FPDF(format="A4")
    pdf.set_margins(MARGIN, MARGIN)
    pdf.set_title(invoice.name)
    pdf.set_creation_date(invoice.issued_at)
    for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        pdf.add_font(FONT, style, settings.BASE_DIR / "static" / "vendor" / file)
    pdf.add_page()
    pdf.set_font(FONT, "B", 20)
    pdf.cell(0, 10, "Invoice", new_x="LMARGIN", new_y="NEXT")
    _facts(pdf, invoice)
    pdf.ln(6)
    top = pdf.get_y()
    _party(pdf, "From", _seller(invoice), MARGIN, top)
    bottom = pdf.get_y()
    _party(pdf, "To", _buyer(invoice), 110, top)
    pdf.set_xy(MARGIN, max(bottom, pdf.get_y()) + 10)
    _lines(pdf, invoice)
    return bytes(pdf.output())


def _facts(pdf: FPDF, invoice: Invoice) -> None:
    pdf.set_font(FONT, "", 10)
    for name, value in (("Number", invoice.name), ("Date", f"{invoice.issued_at:%-d %B %Y}"), ("Currency", "USD")):
        pdf.set_text_color(*GREY)
        pdf.cell(25, 6, name)
        pdf.set_text_color(0)
        pdf.cell(0, 6, value, new_x="LMARGIN", new_y="NEXT")


def _seller(invoice: Invoice) -> list[str]:
    seller = invoice.seller
    tax = f"Tax ID {seller['tax_id']}" if seller.get("tax_id") else ""
    return [seller.get("name", ""), *seller.get("address", "").split("\n"), tax, seller.get("mail", "")]


def _buyer(invoice: Invoice) -> list[str]:
    buyer, address = invoice.buyer, invoice.buyer.get("address", {})
    town = " ".join(filter(None, (address.get("postal_code"), address.get("city"), address.get("state"))))
    lines = [address.get(part, "") for part in ("line1", "line2")]
    return [buyer.get("name", ""), buyer.get("contact", ""), *lines, town, address.get("country", "")]


def _party(pdf: FPDF, title: str, lines: list[str], x: float, y: float) -> None:
    pdf.set_xy(x, y)
    pdf.set_font(FONT, "", 9)
    pdf.set_text_color(*GREY)
    pdf.cell(80, 6, title)
    pdf.set_text_color(0)
    pdf.set_font(FONT, "", 11)
    for line in filter(None, lines):
        pdf.set_xy(x, pdf.get_y() + 6)
        pdf.cell(80, 6, line[:44])


def _lines(pdf: FPDF, invoice: Invoice) -> None:
    payment = invoice.payment
    what = "Auto-refill" if payment.is_auto else "Refill"
    pdf.set_draw_color(200)
    pdf.set_font(FONT, "B", 10)
    pdf.cell(120, 8, "What", border="B")
    pdf.cell(50, 8, "Amount", border="B", align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FONT, "", 11)
    pdf.cell(120, 10, "Prepaid balance for connectivity")
    pdf.cell(50, 10, shown(invoice.amount), align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FONT, "B", 11)
    pdf.cell(120, 10, "Total, paid", border="T")
    pdf.cell(50, 10, shown(invoice.amount), border="T", align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)
    pdf.set_font(FONT, "", 10)
    pdf.set_text_color(*GREY)
    when = f"{payment.ended_at:%-d %B %Y}" if payment.ended_at else ""
    text = f"{what} paid on {when} with the {payment.brand.title()} card ending in {payment.last4}. Nothing is due."
    pdf.multi_cell(0, 6, text)
