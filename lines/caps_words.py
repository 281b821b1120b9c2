"""Caps in words: whose one is, what it allows, how full it is. Pure: a cap and its sums in, sentences out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

from kit.money import shown

from lines.policy import MEGABYTE
from lines.policy.caps import CapKind, CapPeriod, CapUnit, Counted, day_after

if TYPE_CHECKING:
    from lines.models import Cap

A_PERIOD = {CapPeriod.DAY: "a day", CapPeriod.MONTH: "a month"}
GIGABYTE = 1024 * MEGABYTE


def exact(value: Decimal) -> str:
    """With no zeros behind: what programs are told."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return text or "0"


def in_unit(amount: Decimal, unit: CapUnit) -> Decimal:
    """Bytes in MB, USD as they are."""
    return round(amount / MEGABYTE, 6) if unit is CapUnit.MB else amount


def amount(value: Decimal, unit: CapUnit) -> str:
    """Of bytes or USD: 5.02 GB, 312 MB, $4.20."""
    if unit is CapUnit.USD:
        return shown(value)
    whole, word = (value / GIGABYTE, "GB") if value >= GIGABYTE else (value / MEGABYTE, "MB")
    return f"{whole:,.2f}".rstrip("0").rstrip(".") + f" {word}"


def limit(value: Decimal, unit: CapUnit) -> str:
    """5 GB, 300 MB, $50.00."""
    if unit is CapUnit.USD:
        return shown(value) if value == round(value, 2) else f"${exact(value)}"
    size = amount(value * MEGABYTE, unit)
    return size if value == round(value, 2) else f"{exact(value)} MB"


def name_of(cap: Cap) -> str:
    """The sub-account, tag, plan or ICCID; empty for the whole account."""
    for one in (cap.holder, cap.tag, cap.plan):
        if one is not None:
            return str(one.name)
    return cap.line.iccid if cap.line else ""


WHOSE = {
    CapKind.ACCOUNT: "the account",
    CapKind.SUBACCOUNT: "sub-account {name}",
    CapKind.TAG: "tag {name}",
    CapKind.PLAN: "rate plan {name}",
    CapKind.LINE: "line {name}",
}


def of_what(cap: Cap, *, outside: bool = False) -> str:
    """sub-account Harbour. Its own people read “all your lines”."""
    if outside and cap.kind == CapKind.SUBACCOUNT:
        return "all your lines"
    return WHOSE[CapKind(cap.kind)].format(name=name_of(cap))


def rule(cap: Cap, *, hidden: bool = False) -> str:
    """5 GB a month."""
    what = "an amount" if hidden else limit(cap.limit, CapUnit(cap.unit))
    return f"{what} {A_PERIOD[CapPeriod(cap.period)]}"


def day(value: dt.date) -> str:
    return f"{value:%-d %b}"


def stops(cap: Cap, sums: Counted, *, outside: bool = False) -> str:
    """Off because the cap of sub-account Harbour, 5 GB a month, is full: 5.02 GB since 1 Nov. A sub-account’s people
    are told of caps over their own lines, and of no USD."""
    theirs = cap.kind in (CapKind.SUBACCOUNT, CapKind.LINE)
    if outside and (cap.unit == CapUnit.USD or not theirs):
        return "Off because a cap of your provider is full"
    whose = f"the cap of {of_what(cap, outside=outside)}, {rule(cap)},"
    used = amount(sums.amount(CapUnit(cap.unit)), CapUnit(cap.unit))
    since = f" since {day(cap.begins)}" if cap.begins else ""
    return f"Off because {whose} is full: {used}{since}"


def lifts(cap: Cap) -> str:
    """What brings its lines back."""
    ends = day_after(CapPeriod(cap.period), cap.begins) if cap.begins else None
    by_itself = f"It starts again at 00:00 UTC on {ends:%-d %B %Y}" if ends else "It starts again with the next period"
    return f"{by_itself}, or when the cap is raised."
