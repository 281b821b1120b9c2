"""Every file that people can download, opened and saved by LibreOffice and read again: part of `make roundtrip`.

Asks no speed and is no part of the suite, as it needs soffice; that the list of files is whole is tests/inputs' matter.
"""

from __future__ import annotations

import shutil
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest
from kit import clock

from tests.inputs.exports import EXPORTS, Row, cells_of, fetched, offer
from tests.rigs.roundtrip import CHANGED, through_office

MIDNIGHT = " 00:00:00"  # of a day, which books tell with its time and CSV without
NOON = "2026-11-20T12:00:00+00:00"
WAYS = {
    "csv": [("xlsx",), ("csv",), ("ods", "xlsx"), ("xlsx", "csv")],
    "xlsx": [("xlsx",), ("csv",), ("ods", "xlsx")],
}


@pytest.mark.timeout(1800)
def test_every_file_comes_back_from_an_office_program_as_it_went(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shutil.which("soffice"), "soffice is not on PATH; Debian has it in libreoffice-calc"
    monkeypatch.setenv("LINEKEEPER_NOW", NOON)
    assert clock.now().isoformat() == NOON
    there, sent = offer(), dict[str, list[Path]]()
    for name, addresses in EXPORTS.items():
        for number, address in enumerate(addresses(there)):
            file = tmp_path / f"{name}.{number}.{address[1]}"
            file.write_bytes(fetched(there.client_for(name), address))
            sent.setdefault(address[1], []).append(file)
    wrong, cells = list[str](), 0
    for kind, files in sent.items():
        for way in WAYS[kind]:
            place = tmp_path / "-".join((kind, *way))
            place.mkdir()
            came = through_office(files, way, place)
            for file in files:
                before = cells_of(file.read_bytes())
                theirs = [
                    one for one in came if one.name.startswith(f"{file.stem}.") or one.stem.startswith(f"{file.stem}-")
                ]
                found = differences(before, after_of(theirs, file.stem, before))
                wrong += [f"{file.name} by {' and '.join(way)}: {one}" for one in found]
                cells += sum(len(row) - 1 for row in before)
    with capsys.disabled():
        files_sent = sum(map(len, sent.values()))
        print(f"\n{files_sent} files, {cells:,} cells through LibreOffice, {len(wrong)} changed")
    assert not wrong, "\n".join(wrong[:40])


def after_of(files: list[Path], stem: str, before: list[Row]) -> list[Row]:
    """What came back, by sheet in the order in which they went; a book that became CSV is a file for each."""
    assert files, stem
    if len(files) == 1:
        return cells_of(files[0].read_bytes())
    by_sheet = {one.stem[len(stem) + 1 :]: cells_of(one.read_bytes()) for one in files}
    sheets = dict.fromkeys(row[0] for row in before)
    return [row for sheet in sheets for row in by_sheet.pop(sheet)] + [
        row for rows in by_sheet.values() for row in rows
    ]


def differences(before: list[Row], after: list[Row]) -> list[str]:
    if len(before) != len(after):
        return [f"{len(after)} rows of {len(before)}"]
    found = []
    for went, came in zip(before, after, strict=True):
        pairs = zip(went[1:], (*came[1:], *[""] * len(went)), strict=False)
        found += [f"{one!r} came back as {other!r}" for one, other in pairs if not same(one, other)]
        found += [f"{cell!r} is new" for cell in came[len(went) :]]
    return found


def same(one: str, other: str) -> bool:
    """The same text, number or time; of a note such as 1/2 a spreadsheet may make a date, and no digits are lost."""
    if one == other or one in CHANGED or one.removesuffix(MIDNIGHT) == other.removesuffix(MIDNIGHT):
        return True
    try:
        return len(one) < 15 and Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False
