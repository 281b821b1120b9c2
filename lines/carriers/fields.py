"""What the fields of carriers' answers may hold. Whatever they do not allow makes its record unreadable."""

from __future__ import annotations

import codecs
import datetime as dt
import ipaddress
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec
from kit.identifiers import asked
from msgspec import Meta

from .base import Location, Refused, Status, Switch

T = TypeVar("T")

# 2**53 bytes is nine petabytes; above it JSON numbers lose digits on their way through other programs.
Bytes = Annotated[int, Meta(ge=0, le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_ICCID = r"\A[0-9A-Fa-f]{18,22}\Z"  # as carriers tell it; ours may be spelled otherwise
Iccid = Annotated[str, Meta(pattern=_ICCID)]

Currency = Annotated[str, Meta(pattern=r"\A[A-Za-z]{3}\Z")]
MOST_MONEY = Decimal(10) ** 12
LONGEST_WORD = 40  # a longer one is cut: not worth losing a page of readings for
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)

Words = Mapping[str, tuple[Switch, bool]]  # a carrier's word in lower case: the switch, and whether it is blocked


class Unreadable(Exception):
    """An answer is not what the document promises. The message says what is wrong, never a value."""


class NoJson(Unreadable):
    """An answer is no JSON at all, such as a web page: it is not the API that speaks."""


_mends: ContextVar[list[bytes] | None] = ContextVar("mends", default=None)


@contextmanager
def watching_mends() -> Iterator[list[bytes]]:
    """The raw answers that had to be mended within, as they came."""
    found: list[bytes] = []
    token = _mends.set(found)
    try:
        yield found
    finally:
        _mends.reset(token)


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The answer in its types, mended where that is unambiguous. Raises Unreadable."""
    try:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError:
            raise
        except ValueError:
            found = decoder.decode(mended(body))
            if (mends := _mends.get()) is not None:
                mends.append(body)
            return found
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from error
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8, and arrays nested without end
        raise NoJson(str(error)) from error


# A text as a whole, so that nothing in one is touched; a comma before a closing bracket; words that JSON has not.
_BROKEN = re.compile(rb'("(?:[^"\\]|\\.)*")|,(?=[ \t\r\n]*[}\]])|(?<![\w.+-])-?(?:NaN|Infinity)(?![\w.])', re.DOTALL)


def mended(body: bytes) -> bytes:
    """JSON with what programs get wrong without saying anything else: a BOM, a trailing comma, NaN for null."""
    return _BROKEN.sub(
        lambda found: found[1] or (b"" if found[0] == b"," else b"null"), body.removeprefix(codecs.BOM_UTF8)
    )


def checked_iccid(iccid: str) -> str:
    """An ICCID fit to stand in a path, in the carrier's spelling. Raises Refused."""
    if not re.search(_ICCID, iccid):
        raise Refused("ICCIDs have 18 to 22 digits; the carrier was not asked.")
    return iccid


def same_sim(found: str | None, wanted: str) -> None:
    """An answer is about the SIM that was asked for, however the carrier spells it, or does not say. Raises Unreadable.

    19 digits, and 20 with the check digit of those, are one SIM.
    """
    if found is not None and found != wanted and not set(asked(found)) & set(asked(wanted)):
        raise Unreadable("it is another SIM")


def status_of(word: str, words: Words) -> Status:
    """A carrier's word in our terms; one that the table does not know is kept as a word alone. Raises Unreadable."""
    if not word.strip() or not word.isprintable():
        raise Unreadable("the status is no word")
    switch, blocked = words.get(word.strip().lower(), (None, False))
    return Status(switch, word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 1]}…", blocked)


def utc_moment(text: str) -> dt.datetime:
    """`2022-04-07 10:40:25`, naive and UTC; a zone, should one appear, is obeyed. Raises Unreadable."""
    found = _MOMENT.fullmatch(text)
    if not found:
        raise Unreadable("a time is not YYYY-MM-DD HH:MM:SS")
    try:
        if found[1]:
            return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
        # Giving a naive time its zone afterwards takes six times as long, and a page has 250 of them.
        return dt.datetime.fromisoformat(f"{text}+00:00")
    except (ValueError, OverflowError) as error:
        raise Unreadable("there is no such time") from error


def amount_of(value: Decimal, places: int = 4) -> Decimal:
    """An amount of money as it is kept. Raises Unreadable."""
    if not value.is_finite() or abs(value) >= MOST_MONEY:
        raise Unreadable("an amount is none")
    return round(value, places)


def short_text(text: str | None) -> str | None:
    """A name to show: printable, not long; a blank one is none."""
    line = " ".join("".join(c if c.isprintable() else " " for c in (text or "")[:200]).split())
    return line[:100] or None


def country_of(text: str | None) -> str | None:
    """An ISO 3166-1 alpha-2 code; anything else is none."""
    return text.upper() if text and re.fullmatch(r"[A-Za-z]{2}", text) else None


def ip_of(text: str | None) -> str | None:
    """An address; a word such as `Dynamic` is none."""
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return None


def location_of(latitude: str | float | None, longitude: str | float | None) -> Location | None:
    """Degrees, given as numbers or as texts; what lies outside the globe is none."""
    try:
        found = Location(float(latitude), float(longitude)) if latitude is not None and longitude is not None else None
    except ValueError:
        return None
    return found if found and abs(found.latitude) <= 90 and abs(found.longitude) <= 180 else None
