"""An account's own fields of lines: what a value of each kind may be, and how it is kept."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Sequence
from decimal import Decimal

LONGEST_NAME, LONGEST_VALUE = 40, 200  # characters
MOST_FIELDS = 30  # of an account
MOST_CHOICES = 50  # of a field
MOST_DIGITS, MOST_DECIMALS = 15, 6  # so many a client's floating-point number keeps
NUMBER = re.compile(r"(-?)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+))?", re.ASCII)
NAME = re.compile(r"\w[\w .()/#-]*", re.UNICODE)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class FieldKind(enum.StrEnum):
    """What a field holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"


class BadValue(ValueError):
    """A value is none of its field's, or a name is none; the message says why."""


def plain(text: str) -> str:
    """Without what nobody sees, one space where there were several."""
    return " ".join(text.replace("\0", "").split())


def checked_name(text: str) -> str:
    """The name of a field, which stands in addresses, headings of files and JSON. Raises BadValue."""
    name = plain(text)
    if not name:
        raise BadValue("Enter a name")
    if len(name) > LONGEST_NAME:
        raise BadValue(f"A name has at most {LONGEST_NAME} characters; this one has {len(name)}")
    if not NAME.fullmatch(name):
        raise BadValue(f"“{name}” can’t be a field’s name. Use letters, digits, spaces and . ( ) / # - _")
    return name


def checked_choices(kind: FieldKind, given: Sequence[str]) -> list[str]:
    """What may be chosen, each once in any case; none for another kind. Raises BadValue."""
    found: dict[str, str] = {}
    for one in filter(None, map(plain, given)):
        found.setdefault(one.lower(), one)
    choices = list(found.values())
    if kind is not FieldKind.CHOICE:
        if choices:
            raise BadValue(f"A {kind} has no choices")
        return []
    if not choices:
        raise BadValue("Enter at least one choice")
    if len(choices) > MOST_CHOICES:
        raise BadValue(f"A field has at most {MOST_CHOICES} choices; these are {len(choices)}")
    if longest := next((one for one in choices if len(one) > LONGEST_VALUE), None):
        raise BadValue(f"A choice has at most {LONGEST_VALUE} characters; “{longest[:40]}…” has {len(longest)}")
    return choices


def read_value(kind: FieldKind, choices: Sequence[str], text: str) -> str:
    """A value as it is kept, one text for each meaning; empty for none. Raises BadValue."""
    value = plain(text)
    if not value:
        return ""
    match kind:
        case FieldKind.NUMBER:
            return _number(value)
        case FieldKind.DATE:
            return _day(value)
        case FieldKind.CHOICE:
            found = next((one for one in choices if one.lower() == value.lower()), None)
            if found is None:
                raise BadValue(f"“{value[:40]}” is no choice; use one of {', '.join(choices)}")
            return found
    if len(value) > LONGEST_VALUE:
        raise BadValue(f"A value has at most {LONGEST_VALUE} characters; this one has {len(value)}")
    return value


def _number(value: str) -> str:
    found = NUMBER.fullmatch(value)
    if found is None:
        raise BadValue(f"“{value[:40]}” is no number; write it like 1250.5")
    sign, digits, decimals = found.groups(default="")
    digits, decimals = digits.replace(",", "").lstrip("0") or "0", decimals.rstrip("0")
    if len(digits.lstrip("0")) + len(decimals) > MOST_DIGITS or len(decimals) > MOST_DECIMALS:
        raise BadValue(f"A number has at most {MOST_DIGITS} digits, {MOST_DECIMALS} of them decimals")
    number = f"{digits}.{decimals}" if decimals else digits
    return f"{sign}{number}" if Decimal(number) else "0"


def _day(value: str) -> str:
    try:
        day = dt.date.fromisoformat(value) if DAY.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None or day.year < 1900:
        raise BadValue(f"“{value[:40]}” is no day; write it like 2026-11-28")
    return day.isoformat()


def told(kind: FieldKind, value: str) -> str | int | Decimal:
    """A kept value as JSON has it."""
    if kind is not FieldKind.NUMBER:
        return value
    return Decimal(value) if "." in value else int(value)
