"""Invoices as PDF."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from django.conf import settings
from kit.fonts import as_printed, characters_of, fonts_for, runs_from_the_right, small_font
from kit.money import shown

from billing import einvoice
from billing.models import Invoice
from billing.policy import Terms

if TYPE_CHECKING:
    from fpdf import FPDF

MARGIN = 20  # mm
VIRAMA = 9  # the combining class of the sign that joins two consonants of an Indian script
GREY = (95, 100, 110)
FONT = "DejaVu"  # Latin, Greek, Cyrillic, Hebrew, Arabic letters; only those that are used go into the file
WIDE = 80  # mm, of a party's column


def invoice_pdf(invoice: Invoice) -> bytes:
    """One page: who sells to whom, what, its tax, how it was paid; inside it the same as EN 16931's XML, where the
    invoice says enough for that (Factur-X)."""
    pdf = _printed(invoice)
    if not einvoice.is_possible(invoice):
        return pdf
    from drafthorse.pdf import attach_xml

    attached: bytes = attach_xml(pdf, einvoice.xml_of(invoice), level="EN 16931")
    return attached


def _printed(invoice: Invoice) -> bytes:
    from fpdf import FPDF  # large, and most processes print nothing

    pdf = FPDF(format="A4")
    pdf.set_margins(MARGIN, MARGIN)
    pdf.set_title(invoice.name)
    pdf.set_creation_date(invoice.issued_at)
    seller, buyer = (
        [as_printed(line, usual()) for line in lines] for lines in (_seller(invoice), buyer_lines(invoice.buyer))
    )
    with TemporaryDirectory() as folder:
        take_fonts(pdf, "".join((*seller, *buyer)), Path(folder))
        pdf.add_page()
        pdf.set_font(FONT, "B", 20)
        pdf.cell(0, 10, "Credit note" if invoice.is_credit_note else "Invoice", new_x="LMARGIN", new_y="NEXT")
        _facts(pdf, invoice)
        pdf.ln(6)
        top = pdf.get_y()
        party(pdf, "From", seller, MARGIN, top)
        bottom = pdf.get_y()
        party(pdf, "To", buyer, 110, top)
        pdf.set_xy(MARGIN, max(bottom, pdf.get_y()) + 10)
        _lines(pdf, invoice)
        return bytes(pdf.output())


def usual() -> frozenset[int]:
    """What the usual font prints."""
    return characters_of(settings.BASE_DIR / "static" / "vendor" / "DejaVuSans.ttf")


def not_printed(*texts: str) -> str:
    """The characters of a buyer that an invoice shows by their numbers, each once."""
    lost = (c for text in texts for c in text if not c.isascii() and as_printed(c, usual()).startswith("[U+"))
    return "".join(dict.fromkeys(lost))


def take_fonts(pdf: FPDF, text: str, folder: Path) -> None:
    """The usual font, and small ones with what this text needs besides; letters are shaped and go their own way."""
    for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        pdf.add_font(FONT, style, settings.BASE_DIR / "static" / "vendor" / file)
    needed = "".join(c for c in text if ord(c) not in usual() or runs_from_the_right(c))
    others = []
    for number, (font, characters) in enumerate(fonts_for(needed).items()):
        small = folder / f"{number}.ttf"
        small.write_bytes(small_font(font, characters))
        pdf.add_font(f"Noto{number}", "", small)
        others.append(f"Noto{number}")
    if others:
        pdf.set_fallback_fonts([*others, FONT], exact_match=False)
    pdf.set_text_shaping(use_shaping_engine=True)


def _facts(pdf: FPDF, invoice: Invoice) -> None:
    pdf.set_font(FONT, "", 10)
    facts = [
        ("Number", invoice.name),
        ("Date", f"{invoice.issued_at:%-d %B %Y}"),
        ("Currency", invoice.seller.get("currency", "USD")),
    ]
    if invoice.corrects is not None:
        facts.append(("Corrects", f"{invoice.corrects.name} of {invoice.corrects.issued_at:%-d %B %Y}"))
    for name, value in facts:
        pdf.set_text_color(*GREY)
        pdf.cell(25, 6, name)
        pdf.set_text_color(0)
        pdf.cell(0, 6, value, new_x="LMARGIN", new_y="NEXT")


def _seller(invoice: Invoice) -> list[str]:
    seller = invoice.seller
    tax = f"Tax ID {seller['tax_id']}" if seller.get("tax_id") else ""
    return [seller.get("name", ""), *seller.get("address", "").split("\n"), tax, seller.get("mail", "")]


def buyer_lines(buyer: dict[str, Any]) -> list[str]:
    """Who buys, line by line, as they were kept."""
    address = buyer.get("address", {})
    town = " ".join(filter(None, (address.get("postal_code"), address.get("city"), address.get("state"))))
    lines = [address.get(part, "") for part in ("line1", "line2")]
    tax = f"Tax ID {buyer['tax_id']}" if buyer.get("tax_id") else ""
    return [buyer.get("name", ""), buyer.get("contact", ""), *lines, town, address.get("country", ""), tax]


def _choose_font(pdf: FPDF, line: str) -> None:
    """The usual one, or the one of a script from the right: words are shaped whole only in a font of their own."""
    from fpdf.fonts import TTFFont

    own = next((c for c in line if runs_from_the_right(c)), "")
    noto = {name: font for name, font in pdf.fonts.items() if name.startswith("noto") and isinstance(font, TTFFont)}
    fonts = (name for name, font in noto.items() if own and ord(own) in font.cmap)
    pdf.set_font(next(fonts, FONT), "", 11)


def _wrapped(pdf: FPDF, text: str, width: float) -> list[str]:
    """In lines that are no wider; a word that is goes on in the next, never in the middle of a letter and its marks."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if pdf.get_string_width(longer) <= width:
            lines[-1] = longer
            continue
        lines += [""] if lines[-1] else []
        for letter in _letters(word):
            if lines[-1] and pdf.get_string_width(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _letters(word: str) -> list[str]:
    """Each with its marks, and with what is joined to it."""
    found: list[str] = []
    for character in word:
        joins = unicodedata.category(character)[0] == "M" or character in "\u200c\u200d"
        is_joined = bool(found) and (found[-1][-1] == "\u200d" or unicodedata.combining(found[-1][-1]) == VIRAMA)
        if found and (joins or is_joined):
            found[-1] += character
        else:
            found.append(character)
    return found


def party(pdf: FPDF, title: str, lines: list[str], x: float, y: float) -> None:
    pdf.set_xy(x, y)
    pdf.set_font(FONT, "", 9)
    pdf.set_text_color(*GREY)
    pdf.cell(WIDE, 6, title)
    pdf.set_text_color(0)
    pdf.set_font(FONT, "", 11)
    for line in filter(None, lines):
        _choose_font(pdf, line)
        for part in _wrapped(pdf, line, WIDE - 2 * pdf.c_margin):
            pdf.set_xy(x, pdf.get_y() + 6)
            pdf.cell(WIDE, 6, part)


def _lines(pdf: FPDF, invoice: Invoice) -> None:
    """What is sold, its tax where any is taken, the total, and how it was paid."""
    terms = Terms.read(invoice.terms)
    word = "Total, credited" if invoice.is_credit_note else "Total, paid"
    rows = [("Prepaid balance for connectivity", invoice.amount)]
    if terms is not None:
        rows += [("Net", invoice.amount), (terms.word, invoice.tax)]
    pdf.set_draw_color(200)
    pdf.set_font(FONT, "B", 10)
    pdf.cell(120, 8, "What", border="B")
    pdf.cell(50, 8, "Amount", border="B", align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FONT, "", 11)
    for what, amount in rows:
        pdf.cell(120, 10, what)
        pdf.cell(50, 10, shown(amount), align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FONT, "B", 11)
    pdf.cell(120, 10, word, border="T")
    pdf.cell(50, 10, shown(invoice.total), border="T", align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)
    pdf.set_font(FONT, "", 10)
    pdf.set_text_color(*GREY)
    for text in filter(None, (terms.note if terms else "", invoice.note or _how_paid(invoice))):
        pdf.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")


def _how_paid(invoice: Invoice) -> str:
    payment = invoice.payment
    if payment is None:
        return ""
    what = "Auto-refill" if payment.is_auto else "Refill"
    when = f"{payment.ended_at:%-d %B %Y}" if payment.ended_at else ""
    return f"{what} paid on {when} with the {payment.brand.title()} card ending in {payment.last4}. Nothing is due."
