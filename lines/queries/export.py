"""All lines that match, for a file: by a cursor on the server, a batch in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Case, CharField, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable

from accounts.policy import Right
from accounts.queries import Viewer
from lines.models import Line, Tag
from lines.policy import MEGABYTE, Status
from lines.queries.listing import Asked, chosen_lines
from lines.queries.scope import STATUS, month_bytes, today_bytes

BATCH = 5_000
HEADS = (
    "ICCID", "Status", "Notes", "Last seen (UTC)", "This day MB", "This month MB", "SMS sent", "Read (UTC)", "IMEI",
    "MSISDN", "Deactivation date",
)  # fmt: skip
PAYERS_HEADS = ("Rate plan", "Carrier", "Sub-account", "Tags")


def heads_for(viewer: Viewer) -> tuple[str, ...]:
    return HEADS + PAYERS_HEADS if viewer.may(Right.SEE_MONEY) else HEADS


def rows_for(viewer: Viewer, asked: Asked, *, today: dt.date) -> Iterator[tuple[Any, ...]]:
    """What heads_for names of each line, by ICCID. What is not theirs to know is not read at all."""
    lines = _with_columns(chosen_lines(viewer, asked), today)
    names = ["iccid", "status_id", "notes", "state__last_seen", "today", "month", "state__sms_sent"]
    names += ["state__read_at", "imei", "msisdn", "deactivation_date"]
    if viewer.may(Right.SEE_MONEY):
        names += ["plan__name", "carrier__name", "holder", "tag_names"]
    for row in lines.order_by("iccid").values_list(*names).iterator(chunk_size=BATCH):
        iccid, status, notes, seen, of_day, of_month, *rest = row
        yield iccid, Status(status).word, notes, _utc(seen), _mb(of_day), _mb(of_month), *map(_utc, rest)


def _with_columns(lines: QuerySet[Line], today: dt.date) -> QuerySet[Line, Any]:
    holder: Combinable = Case(
        When(account__parent=None, then=Value("")), default=F("account__name"), output_field=CharField()
    )
    tags = Tag.objects.filter(lines=OuterRef("pk")).order_by().values("lines")
    return lines.annotate(
        status_id=STATUS,
        today=today_bytes(today),
        month=month_bytes(today),
        holder=holder,
        tag_names=Subquery(tags.annotate(names=StringAgg("name", ", ", order_by="name")).values("names")),
    )


def _mb(count: int) -> float:
    return round(count / MEGABYTE, 6)


def _utc(value: Any) -> Any:
    """Times as spreadsheets know them: UTC, whole seconds."""
    return value.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0) if isinstance(value, dt.datetime) else value
