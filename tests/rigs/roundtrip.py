"""Every kind of file that we write, opened and saved by LibreOffice, and read again: `python -m tests.rigs.roundtrip`.

Needs soffice on PATH (Debian: libreoffice-calc). Prints what came back otherwise than it went, and exits 1.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kit.sheets import CsvBook, XlsxBook, csv_lines
from kit.tables import Column, read_file

HEADS = ("ICCID", "IMEI", "MSISDN", "Notes")
COLUMNS = tuple(Column(name, required=True) for name in HEADS)
NOTES = (
    "=1+1", "+49151", "-5", "@me", "'=1", "it's", "007", "12E5", '="x"', "Größe 5", "深圳市", "שלום", "a,b;c",
    'say "on"',
    "＝1", "1.5", "2026-11-27", "TRUE", "1/2", "plain",
)  # fmt: skip
ROWS = [
    (f"89882390000000000{number:02}", f"3520990017614{number:02}", f"+3197040000{number:03}", note)
    for number, note in enumerate(NOTES)
]
WAYS = (
    ("csv", "xlsx"), ("csv", "csv"), ("csv", "xlsx", "csv"), ("xlsx", "xlsx"), ("xlsx", "csv"), ("tables", "xlsx"),
)  # fmt: skip


def written(folder: Path) -> dict[str, Path]:
    """A file of each writer."""
    stream, book = folder / "stream.csv", folder / "book.xlsx"
    stream.write_text("".join(csv_lines([HEADS, *ROWS])), encoding="utf-8", newline="")
    xlsx = XlsxBook(book)
    xlsx.table("Lines", HEADS)
    tables = CsvBook(folder / "tables.csv")
    tables.table("Lines", HEADS)
    for row in ROWS:
        xlsx.row(row)
        tables.row(row)
    xlsx.close()
    tables.close()
    return {"csv": stream, "xlsx": book, "tables": folder / "tables.csv"}


def through_office(files: Sequence[Path], kinds: tuple[str, ...], folder: Path) -> list[Path]:
    """Files of one kind as the office program saves them in one format after the other. As CSV each sheet of a book is
    a file, with the sheet's name behind the book's."""
    for number, kind in enumerate(kinds):
        target = folder / f"{number}-{kind}"
        target.mkdir()
        how = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1" if kind == "csv" else kind
        command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", how]
        if files[0].suffix == ".csv":  # as the dialog has it: UTF-8, commas, and formulas that are worked out
            command += ["--infilter=CSV:44,34,76,1,,0,false,true,false,true"]
        command += ["--outdir", str(target), *map(str, files)]
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        files = sorted(target.iterdir())
    return list(files)


def differences(file: Path, kinds: tuple[str, ...]) -> list[str]:
    found = [tuple(row.cells.values()) for row in read_file(file, COLUMNS, most=1000).rows]
    if len(found) != len(ROWS):
        return [f"{file.name} {kinds}: {len(found)} rows of {len(ROWS)}"]
    return [
        f"{file.name} {kinds}: {before} came back as {after}"
        for before, after in zip(ROWS, found, strict=True)
        if before[:3] != after[:3] or (before[3] != after[3] and before[3] not in CHANGED)
    ]


CHANGED = ("1.5", "2026-11-27", "TRUE", "1/2")  # of these a spreadsheet may make a number or a date; no digits are lost


def main() -> int:
    if shutil.which("soffice") is None:
        print("soffice is not on PATH; Debian has it in libreoffice-calc")
        return 2
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = written(folder)
        for number, (start, *kinds) in enumerate(WAYS):
            place = folder / str(number)
            place.mkdir()
            (file,) = through_office([files[start]], tuple(kinds), place)
            wrong += differences(file, (start, *kinds))
    print("\n".join(wrong) or f"{len(ROWS)} rows of each file came back as they went")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
