"""Networks' technologies as tables write them, pure."""

from __future__ import annotations

import re

TECHNOLOGIES = ("2G", "3G", "4G", "5G", "LTE-M", "NB-IoT")
# Words of technologies, the longer before those that they contain. What is left over must be a band: `LTE 1800`.
WORDS = (
    ("LTE-M", r"LTE[\s-]*(?:CAT[\s.-]*)?M[12]?(?![A-Z0-9])|CAT[\s.-]*M[12]?(?![A-Z0-9])|EMTC"),
    ("NB-IoT", r"(?:LTE[\s-]*)?(?:CAT[\s.-]*)?NB[\s-]*(?:IOT|[12](?![0-9]))|NB(?![A-Z0-9])"),
    ("5G", r"5G(?:[\s-]*(?:NR|SA|NSA))?|(?<![A-Z])NR(?![A-Z])"),
    ("4G", r"4G(?:[\s-]*LTE)?|(?:TD-?|FDD-?)?LTE(?:-A(?:DVANCED)?|[\s-]*CAT[\s.-]*[0-9]+)?(?![A-Z])|VOLTE"),
    ("3G", r"3G|UMTS|W-?CDMA|HSPA\+?|TD-SCDMA|CDMA(?:2000)?|EV-?DO"),
    ("2G", r"2G|GSM(?:-R)?|GPRS|EDGE"),
)
_REST = re.compile(
    r"[\s,;/|+&()\[\]-]|AND|UND|ET|MHZ|GHZ|B?N?[0-9]+(?:\.[0-9]+)?(?![A-Z])|BAND"
    r"|E-UTRA|WIMAX|IDEN|TETRA|AMPS|PHS|MVNO|SATELLITE|UNKNOWN"
)


def read_technologies(text: str) -> tuple[str, str]:
    """Technologies in one order, however they are written; and what of the text is none."""
    rest, known = text.upper(), set()
    for name, pattern in WORDS:
        rest, times = re.subn(pattern, " ", rest)
        if times:
            known.add(name)
    return " ".join(one for one in TECHNOLOGIES if one in known), " ".join(_REST.sub(" ", rest).split())[:40]
