"""The world's countries by their ISO 3166-1 codes, and Kosovo's XK, which is in use without being one."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

import pycountry

KOSOVO = ("XK", "Kosovo")
SHORT = {  # where the standard's name is long and has no common one
    "BN": "Brunei", "CD": "Congo (DRC)", "CG": "Congo", "FK": "Falkland Islands", "FM": "Micronesia",
    "LA": "Laos", "PS": "Palestine", "RU": "Russia", "SY": "Syria", "VA": "Vatican City", "TR": "Türkiye",
    "KP": "North Korea", "KR": "South Korea", "VG": "British Virgin Islands", "VI": "US Virgin Islands",
    "SX": "Sint Maarten", "MF": "Saint Martin", "SH": "Saint Helena", "BQ": "Caribbean Netherlands",
}  # fmt: skip
# What people write for a country's code, and the code.
MEANT = {
    "UK": "GB", "EN": "GB", "EL": "GR", "SF": "FI", "FX": "FR", "DD": "DE", "TP": "TL", "ZR": "CD",
    "BU": "MM", "YU": "RS", "CS": "RS", "KO": "KR", "JA": "JP", "KS": "XK", "KV": "XK", "RKS": "XK", "XKX": "XK",
    "UNK": "XK", "GER": "DE", "SUI": "CH", "NED": "NL", "POR": "PT", "DEN": "DK", "CRO": "HR", "UAE": "AE",
}  # fmt: skip
SPLIT = {"AN": "BQ, CW or SX", "SU": "RU or another of its successors"}
OTHER_NAMES = {
    "great britain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "usa": "US",
    "united states of america": "US", "america": "US", "holland": "NL", "the netherlands": "NL", "turkey": "TR",
    "czech republic": "CZ", "ivory coast": "CI", "cape verde": "CV", "swaziland": "SZ", "burma": "MM",
    "macedonia": "MK", "south korea": "KR", "north korea": "KP", "east timor": "TL", "vatican": "VA",
    "uae": "AE", "deutschland": "DE", "österreich": "AT", "schweiz": "CH", "españa": "ES", "italia": "IT",
    "brasil": "BR", "polska": "PL", "nederland": "NL", "suomi": "FI", "sverige": "SE", "norge": "NO",
    "danmark": "DK", "república de kosovo": "XK", "kosova": "XK", "republic of kosovo": "XK",
}  # fmt: skip


@cache
def countries() -> dict[str, str]:
    """Code of two letters: short English name, in the order of the names."""
    found = {KOSOVO[0]: KOSOVO[1]}
    for country in pycountry.countries:
        name = SHORT.get(country.alpha_2) or str(getattr(country, "common_name", country.name))
        found[country.alpha_2] = name.split(",")[0]
    return dict(sorted(found.items(), key=lambda row: unicodedata.normalize("NFD", row[1])))


def name_of(code: str) -> str:
    """A code that nobody knows is its own name."""
    return countries().get(code, code)


def code_of(text: str) -> str:
    """The code of a country that is given by its code of two or three letters or by a name; empty where it is none."""
    text = " ".join(text.split())
    if re.fullmatch(r"[A-Za-z]{2}", text):
        return text.upper() if text.upper() in countries() else ""
    if re.fullmatch(r"[A-Za-z]{3}", text) and (found := pycountry.countries.get(alpha_3=text.upper())):
        return str(found.alpha_2)
    return _by_name().get(_plain(text), "")


def why_not(code: str) -> str:
    """What is wrong with a code that is none, and what to write."""
    meant = MEANT.get(code.strip().upper())
    if meant:
        return f"{code} isn’t the ISO 3166-1 code of {name_of(meant)}: write {meant}."
    if split := SPLIT.get(code.strip().upper()):
        return f"{code} is no longer a country code: write {split}."
    return f"“{code[:20]}” isn’t a country code. Write the two letters of ISO 3166-1, such as DE."


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.sub(r"[^\w\s]", " ", "".join(c for c in letters if not unicodedata.combining(c))).split())


@cache
def _by_name() -> dict[str, str]:
    found: dict[str, str] = {_plain(name): code for name, code in OTHER_NAMES.items()}
    country: Any
    for country in pycountry.countries:
        names = (country.name, getattr(country, "common_name", ""), getattr(country, "official_name", ""))
        found |= {_plain(name): country.alpha_2 for name in names if name}
    return found | {_plain(name): code for code, name in countries().items()}
