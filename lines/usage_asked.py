"""What a person asked of the usage page, out of its address; what makes no sense is said, and the usual is shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from kit import clock

from accounts.policy import Right
from accounts.queries import Viewer
from lines.queries.breakdown import MOST_DAYS, By, Question, dimensions_of
from lines.queries.named import NOTHING, key_of

WORDS = {
    By.SUBACCOUNT: "Sub-account",
    By.PLAN: "Rate plan",
    By.COUNTRY: "Country",
    By.CARRIER: "Carrier",
    By.TAG: "Tag",
    By.LINE: "Line",
}
CUSTOM = "custom"
RANGES = (("today", "Today"), ("7d", "7 days"), ("30d", "30 days"), ("cycle", "This cycle"))
USUAL = "30d"
DAYS = {"today": 1, "7d": 7, "30d": 30}


@dataclass(frozen=True, slots=True)
class Asked:
    """`filters`: what the address has and the key behind it, by dimension. `wrong` is why a range is not shown."""

    by: By
    range: str
    first: dt.date
    last: dt.date
    in_money: bool = False
    compare: bool = True
    filters: Mapping[By, tuple[str, str]] = field(default_factory=dict)
    wrong: str = ""

    @property
    def days(self) -> list[dt.date]:
        return [self.first + dt.timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    @property
    def before(self) -> tuple[dt.date, dt.date]:
        """As many days of the cycle before, or just before; of a long month as many as a short one has."""
        if self.range == "cycle":
            start = (self.first - dt.timedelta(days=1)).replace(day=1)
            end = start + dt.timedelta(days=len(self.days) - 1)
            return start, min(end, self.first - dt.timedelta(days=1))
        return self.first - dt.timedelta(days=len(self.days)), self.first - dt.timedelta(days=1)


def asked_from(data: QueryDict, viewer: Viewer, *, today: dt.date) -> Asked:
    """Only what this person may ask survives: no money and no payer's dimension for a sub-account's people."""
    may = dimensions_of(viewer)
    name = data.get("range", "")
    if not name and (data.get("from") or data.get("to")):
        name = CUSTOM
    name = name if name in {CUSTOM, *dict(RANGES)} else USUAL
    first, last, wrong = _range(name, data, today)
    by = data.get("by", "")
    default = By.SUBACCOUNT if By.SUBACCOUNT in may else By.LINE
    return Asked(
        by=By(by) if by in {one.value for one in may} else default,
        range=USUAL if wrong else name,
        first=first,
        last=last,
        in_money=data.get("unit") == "usd" and viewer.may(Right.SEE_MONEY),
        compare=data.get("compare") != "none",
        filters={one: (slug, key_of(viewer, one, slug)) for one in may if (slug := data.get(f"is_{one}", ""))},
        wrong=wrong,
    )


def read_of(asked: Asked, data: QueryDict) -> dict[str, object]:
    """What was made of each filter in the address, empty where it has no such value (accounts.doors.misread)."""
    return {
        "by": data.get("by") == asked.by,
        "range": data.get("range") in {CUSTOM, *dict(RANGES)},
        "unit": data.get("unit") in {"mb", "usd" if asked.in_money else "mb"},
        "compare": data.get("compare") == "none",
        **{f"is_{by}": asked.filters[by][1] != NOTHING if by in asked.filters else False for by in By},
    }


def _range(name: str, data: QueryDict, today: dt.date) -> tuple[dt.date, dt.date, str]:
    usual = today - dt.timedelta(days=DAYS[USUAL] - 1), today
    if name == "cycle":
        return today.replace(day=1), today, ""
    if name != CUSTOM:
        return today - dt.timedelta(days=DAYS[name] - 1), today, ""
    first, last = clock.day_from(data.get("from", "")), clock.day_from(data.get("to", ""))
    if first is None or last is None:
        return *usual, "Enter both dates. Showing the last 30 days."
    last = min(last, today)
    if first > last:
        return *usual, "The first day is after the last day. Showing the last 30 days."
    if (last - first).days >= MOST_DAYS:
        return *usual, f"A range has up to {MOST_DAYS} days. Showing the last 30 days."
    return first, last, ""


def question_of(asked: Asked, *, compared: bool = True) -> Question:
    return Question(
        by=asked.by,
        first=asked.first,
        last=asked.last,
        before=asked.before if asked.compare and compared else None,
        in_money=asked.in_money,
        filters={by: key for by, (_, key) in asked.filters.items()},
    )


def address(asked: Asked, *, to: str = "usage", **changes: Any) -> str:
    """The page as it is asked for, with these changes."""
    new = replace(asked, **{key: value for key, value in changes.items() if key not in ("first", "last")})
    values = {"by": new.by.value, "range": new.range}
    if new.range == CUSTOM:
        values |= {"from": new.first.isoformat(), "to": new.last.isoformat()}
    if new.in_money:
        values["unit"] = "usd"
    if not new.compare:
        values["compare"] = "none"
    values |= {f"is_{by}": slug for by, (slug, _) in new.filters.items()}
    return f"{reverse(to)}?{urlencode(values)}"
