"""The readers of files and identifiers under a fuzzer that follows coverage: `python -m tests.rigs.fuzz -runs=200000`.

`make fuzz` installs atheris for it. What fails is left in a file, as libFuzzer does.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["kit"]):
    from kit import identifiers
    from kit.errors import Invalid
    from kit.tables import Column, read_table, rows_of_text

COLUMNS = (Column("iccid", ("icc",), required=True), Column("notes"))


def one(data: bytes) -> None:
    """Any bytes: rows are read or named, never both, and nothing but a refusal is raised."""
    for content in (data, b"iccid,notes\n" + data, b'[{"iccid":' + data):
        try:
            table = read_table(content, COLUMNS, most=1000)
            list(rows_of_text(content))
        except Invalid:
            continue
        numbers = [row.number for row in table.rows] + [number for number, _ in table.bad]
        assert len(set(numbers)) == len(numbers) == table.total
    text = data.decode("utf-8", errors="replace")
    for found in identifiers.iccids_in(text):
        assert identifiers.is_iccid(found)
    for read in (identifiers.read_imei, identifiers.read_msisdn):
        number = read(text)
        assert number is None or number.isdigit()
    try:
        assert identifiers.is_iccid(identifiers.read_iccid(text))
    except Invalid:
        return


if __name__ == "__main__":
    sys.path[:0] = ["platform"]
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
