"""ICCIDs, IMEIs and phone numbers as people, files and carriers write them: the one reader of each."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

import phonenumbers
from stdnum import luhn

from kit.errors import Invalid

# As carriers print them; letters only where a carrier's own scheme has hexadecimal ones.
ICCID_PATTERN = "[0-9A-F]{18,22}"
ICCID_IN_PATH = "[0-9A-Fa-f]{18,23}"  # in an address, where somebody may have typed it
ICCID_LONGEST = 22
_ICCID = re.compile(ICCID_PATTERN)
_LABEL = re.compile(
    r"(?i)(?:[\W_]*(?:e-?sim|uicc|icc-?id|icc|sim|card|serial|number|nummer|num|no|nr|id)(?![a-z0-9]))+[\W_]*"
)
_OUTER = "'\"`´‘’‚‛“”„‟«»‹›＇＂ "
_SCIENTIFIC = re.compile(r"\+?[0-9](?:[.,][0-9]*)?E\+?[0-9]{1,3}", re.I)
_WHOLE = re.compile(r"([0-9]+)[.,]0+")
_PADDED = re.compile(r"([0-9]{18,22}?)F+")
_EXACT = 15  # digits of a number that a spreadsheet keeps


class NotAnIccid(Invalid):
    """A text is no ICCID; the message says why, and what to do."""


def _plain(text: str) -> str:
    """In capital letters and ASCII digits, without what nobody sees and what stands around a cell."""
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category == "Nd":
            kept.append(str(unicodedata.decimal(character)))
        elif category == "Pd" or character in "\N{MINUS SIGN}\N{SOFT HYPHEN}":
            kept.append("-")
        elif character.isspace():
            kept.append(" ")
        elif category not in ("Cf", "Mn"):
            kept.append(character)
    return "".join(kept)


def _unwrapped(text: str) -> str:
    """Without the quotes, the equals sign and the apostrophe of a cell that was to stay a text."""
    before = None
    while text != before:
        before, text = text, text.strip(_OUTER).removeprefix("=").rstrip(";,.")
    return text


def read_iccid(text: str) -> str:
    """The ICCID in a text, as its carrier prints it. Says nothing of whether it is a likely one: see `doubt`.

    Raises NotAnIccid.
    """
    plain = _unwrapped(_plain(text[:200]))
    plain = _unwrapped(_LABEL.sub("", plain, count=1)) if _LABEL.match(plain) else plain
    if _SCIENTIFIC.fullmatch(plain):
        return _from_scientific(plain)
    if whole := _WHOLE.fullmatch(plain):
        plain = whole[1]
    found = re.sub(r"[ -]", "", plain).upper()
    if padded := _PADDED.fullmatch(found):
        found = padded[1]
    if not _ICCID.fullmatch(found):
        raise NotAnIccid(_why_not(text, found))
    return found


def _from_scientific(plain: str) -> str:
    try:
        value = Decimal(plain.replace(",", "."))
        exact = len(value.as_tuple().digits) > _EXACT and int(value) == value and 0 <= value.adjusted() < ICCID_LONGEST
    except (InvalidOperation, ValueError, OverflowError):
        exact = False
    if exact and _ICCID.fullmatch(found := str(int(value))):
        return found
    raise NotAnIccid(
        f"A spreadsheet has rounded this ICCID to “{plain[:30]}”. Format its column as text, and enter the ICCID again."
    )


def _why_not(text: str, found: str) -> str:
    shown = " ".join(text.split())[:40]
    if not shown:
        return "The ICCID is missing."
    if re.fullmatch(r"[0-9A-F]+", found):
        return f"“{shown}” isn’t a valid ICCID. ICCIDs have 18 to 22 digits; this one has {len(found)}."
    return f"“{shown}” isn’t a valid ICCID. ICCIDs have 18 to 22 digits."


def is_iccid(text: str) -> bool:
    """Whether a text is one ICCID exactly as it is stored."""
    return _ICCID.fullmatch(text) is not None


def doubt(iccid: str, *, check_digit: bool = True) -> str:
    """Why an ICCID that was read can hardly be one, in words; empty where nothing is wrong.

    Whoever has the card in stock may go on: a few carriers have their own schemes, and `check_digit` is theirs too.
    """
    if len(iccid) >= 19 and iccid.isdigit() and not iccid[_EXACT:].strip("0") and iccid.strip("0"):
        return (
            f"A spreadsheet has probably rounded this ICCID: {iccid} ends in {len(iccid) - _EXACT} zeros."
            " Format its column as text, and enter the ICCID again."
        )
    if not iccid.startswith("89"):
        swapped = "".join(iccid[at + 1 : at + 2] + iccid[at] for at in range(0, len(iccid), 2))
        if swapped.startswith("89"):
            return f"ICCIDs begin with 89. {iccid} has its digits swapped in pairs, as a SIM card stores them."
        return f"ICCIDs begin with 89; {iccid} doesn’t."
    if check_digit and iccid.isdigit() and len(iccid) in (19, 20) and not luhn.is_valid(iccid):
        return f"The check digit of {iccid} is wrong. Check the digits for a typo."
    return ""


def spellings(iccid: str) -> tuple[str, ...]:
    """Every way in which one SIM's ICCID is printed: 19 digits, and 20 with the check digit of those, are one SIM."""
    if iccid.isdigit():
        if len(iccid) == 19:
            return (iccid, iccid + luhn.calc_check_digit(iccid))
        if len(iccid) == 20 and luhn.is_valid(iccid):
            return (iccid, iccid[:-1])
    return (iccid,)


def asked(text: str) -> tuple[str, ...]:
    """Every spelling of what somebody asks for; a text that is no ICCID is asked for as it stands, and not found."""
    try:
        return spellings(read_iccid(text))
    except NotAnIccid:
        return (text,)


def sim_key(iccid: str) -> str:
    """One and the same for every spelling of a SIM's ICCID."""
    return min(spellings(iccid), key=len)


def all_spellings(iccids: Iterable[str]) -> list[str]:
    """Of many, for a query."""
    return list(dict.fromkeys(one for iccid in iccids for one in spellings(iccid)))


def read_iccids(text: str) -> list[str]:
    """ICCIDs one a line or parted by commas, each SIM once; one in groups of four is one. Raises NotAnIccid."""
    found: dict[str, str] = {}
    for piece in re.split(r"[,;\n\r\t|]+", text):
        if not piece.strip():
            continue
        try:
            here = [read_iccid(piece)]
        except NotAnIccid:
            parts = piece.split()
            if len(parts) < 2 or not all(len(part) >= 18 for part in parts):
                raise
            here = [read_iccid(part) for part in parts]
        for iccid in here:
            found.setdefault(sim_key(iccid), iccid)
    return list(found.values())


_FOUND = re.compile(r"(?<![0-9A-Za-z])[0-9A-F]{18,22}(?![0-9A-Za-z])")


def iccids_in(line: str) -> list[str]:
    """The ICCIDs of a line of text: it is one, or has some among other words; empty where there is none."""
    try:
        return [read_iccid(line)]
    except NotAnIccid:
        found = (one for one in _FOUND.findall(_plain(line[:10_000])) if sum(map(str.isdigit, one)) >= 12)
        return [read_iccid(one) for one in found]


# Devices and numbers

_IMEI = re.compile(r"[0-9]{14,17}")
_MSISDN = re.compile(r"[0-9]{5,15}")


def read_imei(text: str | None) -> str | None:
    """An IMEI or IMEISV in digits; a placeholder such as `N/A`, zeros or nines is not told: None.

    A version behind a slash, as in `352099001761481/12`, is of the device's software.
    """
    plain = _whole(_unwrapped(_plain((text or "")[:60])))
    found = re.sub(r"[ /.-]", "", re.sub(r"(?<=[0-9])/[0-9]{2}$", "", plain))
    found = re.sub(r"(?i)^IMEI(?:SV)?:?", "", found)
    return found if _IMEI.fullmatch(found) and len(set(found[:14])) > 1 else None


def read_msisdn(text: str | None) -> str | None:
    """A phone number in digits, country first and without a plus sign; a placeholder is not told: None.

    `+31 (0)97…` and `0031 97…` are the same number as `3197…`; a date is none.
    """
    plain = _whole(_unwrapped(_plain((text or "")[:60])))
    plain = re.sub(r"(?i)^(?:msisdn|tel|phone)\b\W*(?=[+0-9(])", "", plain)
    if re.search(r"[^0-9+() ./-]", plain) or "+" in plain.lstrip("( ")[1:] or _is_date(plain):
        return None
    digits = re.sub(r"[^0-9]", "", plain)
    is_international = plain.lstrip("( ").startswith("+") or digits.startswith("00")
    bare = digits.removeprefix("00")
    if "(0)" in plain.replace(" ", "") or is_international:
        bare = _without_trunk(bare, plain)
    return bare if _MSISDN.fullmatch(bare) and len(set(bare)) > 1 else None


_DATES = (
    re.compile(r"(?P<y>(?:19|20)[0-9]{2})(?P<by>[-/. ]?)(?P<m>[0-9]{2})(?P=by)(?P<d>[0-9]{2})"),
    re.compile(r"(?P<d>[0-9]{2})(?P<by>[-/. ]?)(?P<m>[0-9]{2})(?P=by)(?P<y>(?:19|20)[0-9]{2})"),
    re.compile(r"(?P<m>[0-9]{2})(?P<by>[-/. ]?)(?P<d>[0-9]{2})(?P=by)(?P<y>(?:19|20)[0-9]{2})"),
    re.compile(r"(?P<y>(?:19|20)[0-9]{2})(?P<by>[-/. ])(?P<m>[0-9]{1,2})(?P=by)(?P<d>[0-9]{1,2})"),
    re.compile(r"(?P<d>[0-9]{1,2})(?P<by>[-/. ])(?P<m>[0-9]{1,2})(?P=by)(?P<y>[0-9]{4}|[0-9]{2})"),
    re.compile(r"(?P<m>[0-9]{1,2})(?P<by>[-/. ])(?P<d>[0-9]{1,2})(?P=by)(?P<y>[0-9]{4}|[0-9]{2})"),
)


def _whole(plain: str) -> str:
    """Without the `.0` of a number that a spreadsheet kept as one."""
    found = _WHOLE.fullmatch(plain)
    return found[1] if found else plain


def _is_date(plain: str) -> bool:
    """Whether a cell is a day, which no country's number is that is written so."""
    for found in filter(None, (pattern.fullmatch(plain.strip()) for pattern in _DATES)):
        year, month, day = (int(found[name]) for name in "ymd")
        try:
            dt.date(year if year > 99 else 2000 + year, month, day)
        except ValueError:
            continue
        return bool(found["by"]) or not _is_number(plain.strip())
    return False


def _is_number(digits: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return False


def _without_trunk(digits: str, plain: str) -> str:
    """Without the 0 that is dialled inside a country only; some countries, such as Italy, keep theirs."""
    if "(0)" not in plain.replace(" ", ""):
        return digits
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return digits
    zeros = "0" * (number.number_of_leading_zeros or 1) if number.italian_leading_zero else ""
    return f"{number.country_code}{zeros}{number.national_number}"
