"""The world's countries by their ISO 3166-1 codes of two letters, in short English names."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

MOST_NAMED = 5  # in a sentence; of more the codes are read more easily


@cache
def countries() -> dict[str, str]:
    """Code: name, in the order of the names."""
    table = files("tzdata").joinpath("zoneinfo/iso3166.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return dict(sorted(((code, name) for code, name in rows), key=lambda row: row[1]))


def name_of(code: str) -> str:
    """A code that nobody knows is its own name."""
    return countries().get(code, code)


def listed(codes: list[str]) -> str:
    """Germany, France."""
    return ", ".join(map(name_of, codes) if len(codes) <= MOST_NAMED else codes)
