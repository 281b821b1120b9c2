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
    there, wrong, cells = offer(), list[str](), 0
    for name, addresses in EXPORTS.items():
        for number, address in enumerate(addresses(there)):
            file = tmp_path / f"{name}-{number}.{address[1]}"
            file.write_bytes(fetched(there.client, address))
            before = cells_of(file.read_bytes())
            for way in WAYS[address[1]]:
                place = tmp_path / f"{name}-{number}-{'-'.join(way)}"
                place.mkdir()
                after = cells_of(through_office(file, way, place).read_bytes())
                found = differences(before, after, sheets="csv" not in way)
                wrong += [f"{file.name} by {' and '.join(way)}: {one}" for one in found]
                cells += sum(map(len, before))
    with capsys.disabled():
        print(f"\n{len(EXPORTS)} kinds of files, {cells:,} cells sent through LibreOffice, {len(wrong)} changed")
    assert not wrong, "\n".join(wrong[:40])


def differences(before: list[Row], after: list[Row], *, sheets: bool) -> list[str]:
    if not sheets:  # the office program saves the first sheet of a book as CSV, and no others
        first = before[0][0]
        before = [row for row in before if row[0] == first]
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
    if one == other or one in CHANGED:
        return True
    try:
        return len(one) < 15 and Decimal(one) == Decimal(other)
    except InvalidOperation:
        return other == f"{one} 00:00:00"
