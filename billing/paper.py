"""Invoices as PDF."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from django.conf import settings
from kit.fonts import as_printed, characters_of, fonts_for, runs_from_the_right, small_font
from kit.money import shown

from billing.models import Invoice

if TYPE_CHECKING:
    from fpdf import FPDF

MARGIN = 20  # mm
VIRAMA = 9  # the combining class of the sign that joins two consonants of an Indian script
GREY = (95, 100, 110)
FONT = "DejaVu"  # Latin, Greek, Cyrillic, Hebrew, Arabic letters; only those that are used go into the file
WIDE = 80  # mm, of a party's column


def invoice_pdf(invoice: Invoice) -> bytes:
    """One page: who sells to whom, what, how it was paid."""
    from fpdf import FPDF  # large, and most processes print nothing

    pdf = FPDF(format="A4")
    pdf.set_margins(MARGIN, MARGIN)
    pdf.set_title(invoice.name)
    pdf.set_creation_date(invoice.issued_at)
    seller, buyer = ([as_printed(line, _usual()) for line in lines] for lines in (_seller(invoice), _buyer(invoice)))
    with TemporaryDirectory() as folder:
        _take_fonts(pdf, "".join((*seller, *buyer)), Path(folder))
        pdf.add_page()
        pdf.set_font(FONT, "B", 20)
        pdf.cell(0, 10, "Invoice", new_x="LMARGIN", new_y="NEXT")
        _facts(pdf, invoice)
        pdf.ln(6)
        top = pdf.get_y()
        _party(pdf, "From", seller, MARGIN, top)
        bottom = pdf.get_y()
        _party(pdf, "To", buyer, 110, top)
        pdf.set_xy(MARGIN, max(bottom, pdf.get_y()) + 10)
        _lines(pdf, invoice)
        return bytes(pdf.output())


def _usual() -> frozenset[int]:
    return characters_of(settings.BASE_DIR / "static" / "vendor" / "DejaVuSans.ttf")


def not_printed(*texts: str) -> str:
    """The characters of a buyer that an invoice shows by their numbers, each once."""
    lost = (c for text in texts for c in text if not c.isascii() and as_printed(c, _usual()).startswith("[U+"))
    return "".join(dict.fromkeys(lost))


def _take_fonts(pdf: FPDF, text: str, folder: Path) -> None:
    """The usual font, and small ones with what this text needs besides; letters are shaped and go their own way."""
    for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        pdf.add_font(FONT, style, settings.BASE_DIR / "static" / "vendor" / file)
    needed = "".join(c for c in text if ord(c) not in _usual() or runs_from_the_right(c))
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


def _party(pdf: FPDF, title: str, lines: list[str], x: float, y: float) -> None:
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
