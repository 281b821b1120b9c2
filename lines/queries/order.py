"""The order of a list of lines: along an index where there is one, else sorted; a large one is remembered for a moment.

What changes with every reading has no index (LineState), so sorting a million lines by it reads them all. That is done
once for all the pages that somebody turns; so no line is on two of them either.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Iterable

from django.db.models import Case, CharField, F, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import OrderBy
from django.db.models.functions import Cast
from kit.kept import Kept

from accounts.queries import Viewer
from lines.models import Carrier, Line, RatePlan
from lines.queries.fields import COLUMN, sort_key
from lines.queries.scope import STATUS, month_bytes, today_bytes

SORTS = (
    "iccid", "status", "plan", "carrier", "notes", "seen", "today", "month", "sms", "subaccount", "read", "imei",
    "msisdn",
)  # fmt: skip
_orders: Kept[array[int]] = Kept(seconds=30, most=50)


def sorted_ids(lines: QuerySet[Line], sort: str, viewer: Viewer, *, today: dt.date, first: int, last: int) -> list[int]:
    """The ids from the place `first` up to before `last`."""
    name, descending = sort.lstrip("-"), sort.startswith("-")
    if name == "iccid":  # as the index has it
        return _ids(lines, F("iccid").desc() if descending else F("iccid").asc(), first, last)
    key = _sort_key(name, today, viewer)
    return _ids(lines, key.desc(nulls_last=True) if descending else key.asc(nulls_last=True), first, last)


def large_order(
    lines: QuerySet[Line], sort: str, viewer: Viewer, *, today: dt.date, most: int, about: object
) -> array[int]:
    """The first `most` ids; `about` names whose lines and which, and what it was a moment ago is good enough."""
    return _orders.get((about, sort, today), lambda: array("q", _large(lines, sort, viewer, today, most)))


def _large(lines: QuerySet[Line], sort: str, viewer: Viewer, today: dt.date, most: int) -> list[int]:
    """A plan or carrier after the other, each along the index of ICCIDs; all else has to be sorted."""
    name, back = sort.lstrip("-"), "-" if sort.startswith("-") else ""
    if name == "plan":
        return _one_after_the_other(lines, (Q(plan=one) for one in RatePlan.objects.order_by(f"{back}name")), most)
    if name == "carrier":
        return _one_after_the_other(lines, (Q(carrier=one) for one in Carrier.objects.order_by(f"{back}name")), most)
    return sorted_ids(lines, sort, viewer, today=today, first=0, last=most)


def _one_after_the_other(lines: QuerySet[Line], groups: Iterable[Q], most: int) -> list[int]:
    ids: list[int] = []
    for group in groups:
        ids += lines.filter(group).order_by("iccid").values_list("pk", flat=True)[: most - len(ids)]
        if len(ids) >= most:
            break
    return ids


def _ids(lines: QuerySet[Line], order: OrderBy, first: int, last: int) -> list[int]:
    return list(lines.order_by(order, "iccid").values_list("pk", flat=True)[first:last])


def _sort_key(name: str, today: dt.date, viewer: Viewer) -> Case | F | Subquery | Cast:
    if (own := sort_key(name, viewer) if name.startswith(COLUMN) else None) is not None:
        return own
    if name == "today":
        return today_bytes(today, viewer)
    if name == "month":
        return month_bytes(today, viewer)
    if name == "status":
        return STATUS
    if name == "subaccount":
        return Case(When(account__parent=None, then=Value("")), default=F("account__name"), output_field=CharField())
    paths = {
        "plan": "plan__name",
        "carrier": "carrier__name",
        "seen": "state__last_seen",
        "sms": "state__sms_sent",
        "read": "state__read_at",
    }
    return F(paths.get(name, name))
