"""XLSX files that people send in: the texts of their cells, a row at a time."""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

from kit.errors import Invalid

MOST_UNPACKED = 400_000_000  # bytes: a small file can be unpacked into a very large one
MOST_TEXTS = 100_000_000  # bytes of the texts that all sheets share: these are kept in memory
_EXACT = 2**53  # above it a number of a spreadsheet has lost digits
NOT_READ = "This Excel file can’t be read. Open it, save it as XLSX or CSV, and upload it again."


def is_workbook(content: bytes) -> bool:
    """Whether it is a packed file with sheets in it."""
    if not content.startswith(b"PK"):
        return False
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    return any(name.endswith("workbook.xml") for name in names)


def rows(content: bytes, *, only: str = "", each: int | None = None) -> Iterator[tuple[str, int, list[str]]]:
    """Sheet, row and cells; of all sheets that are shown or `only` one, `each` with so many rows. Raises Invalid."""
    import openpyxl  # large, and most processes never read a workbook

    _refuse_bomb(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which are not looked at
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            for sheet in book.worksheets:
                if sheet.sheet_state != "visible" or (only and sheet.title != only):
                    continue
                sheet.reset_dimensions()  # what a file says of its size may be wrong
                for number, cells in enumerate(sheet.iter_rows(values_only=True, max_row=each), 1):
                    yield sheet.title, number, [_text(cell) for cell in cells]
    except Invalid:
        raise
    except GeneratorExit:
        raise
    except Exception as error:
        raise Invalid(NOT_READ) from error


def _refuse_bomb(content: bytes) -> None:
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise Invalid(NOT_READ) from None
    texts = sum(part.file_size for part in parts if part.filename.endswith("sharedStrings.xml"))
    if sum(part.file_size for part in parts) > MOST_UNPACKED or texts > MOST_TEXTS:
        raise Invalid("This Excel file is too large. Save it as CSV, or split it.")


def _text(cell: Any) -> str:
    """As a person reads it. A number with more digits than a spreadsheet keeps is told in powers of ten, as there."""
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).upper()
        case int():
            return str(cell) if abs(cell) <= _EXACT or float(cell) != cell else f"{cell:.14E}"
        case float():
            if cell.is_integer():
                return str(int(cell)) if abs(cell) < 1e15 else f"{cell:.14E}"
            return repr(cell)
        case dt.datetime():
            return cell.isoformat(sep=" ")
        case _:
            return str(cell)
