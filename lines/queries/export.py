"""All lines that match, for a file: CSV as PostgreSQL writes it, else by a cursor on the server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, CharField, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from kit.sql import streamed

from accounts.policy import Right
from accounts.queries import Viewer
from lines.models import CustomField, Line, Tag
from lines.policy import MEGABYTE, Status
from lines.policy.fields import FieldKind, told
from lines.queries.fields import column_of, fields_of, value_of
from lines.queries.listing import Asked, chosen_lines
from lines.queries.scope import STATUS, counted, month_bytes, today_bytes

BATCH = 5_000
HEADS = (
    "ICCID", "Status", "Notes", "Last seen (UTC)", "This day MB", "This month MB", "SMS sent", "Read (UTC)", "IMEI",
    "MSISDN", "Deactivation date", "Sessions", "SMS usage", "Voice usage",
)  # fmt: skip
PAYERS_HEADS = ("Rate plan", "Carrier", "Sub-account", "Tags")
COUNTED_BESIDE = {"sessions": "sessions", "sms_usage": "sms", "voice_usage": "voice"}
CHUNK = 65_536  # bytes that are sent together

# How PostgreSQL writes a cell; a text is made harmless as kit.sheets.defused does it, which a test compares.
PLAIN = "{}"
TEXT = r"""CASE WHEN strpos('0123456789+', left({0}, 1)) > 0 AND {0} ~ '^([+]?[0-9]{{12,}}|0[0-9]+|[0-9]+E[0-9]+)$'
 THEN '="' || {0} || '"'
 WHEN strpos(E'\'=+-@\t\r\n＝＋－＠', left({0}, 1)) > 0 AND {0} ~ E'^\'*[=+@\t\r\n＝＋－＠-]' THEN '''' || {0}
 ELSE {0} END"""
TIME = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
MB = f"trim_scale(round({{}} / {MEGABYTE}.0, 6))"
STATE = f"CASE {{}} {' '.join(f'WHEN {one:d} THEN {one.word!r}' for one in Status)} END"
CELLS = {
    "iccid": TEXT, "status_id": STATE, "notes": TEXT, "state__last_seen": TIME, "today": MB, "month": MB,
    "state__sms_sent": PLAIN, "state__read_at": TIME, "imei": TEXT, "msisdn": TEXT, "deactivation_date": PLAIN,
    "sessions": PLAIN, "sms_usage": PLAIN, "voice_usage": PLAIN,
}  # fmt: skip
PAYERS_CELLS = {"plan__name": TEXT, "carrier__name": TEXT, "holder": TEXT, "tag_names": TEXT}


def heads_for(viewer: Viewer) -> tuple[str, ...]:
    heads = HEADS + PAYERS_HEADS if viewer.may(Right.SEE_MONEY) else HEADS
    return (*heads, *(field.name for field in fields_of(viewer)))


def rows_for(viewer: Viewer, asked: Asked, *, today: dt.date) -> Iterator[tuple[Any, ...]]:
    """What heads_for names of each line, by ICCID. What is not theirs to know is not read at all."""
    fields = fields_of(viewer)
    for row in streamed(_rows(viewer, asked, today), size=BATCH):
        iccid, status, notes, seen, of_day, of_month, *rest = row[: len(row) - len(fields)]
        own = (_own(field, value) for field, value in zip(fields, row[len(row) - len(fields) :], strict=True))
        yield iccid, Status(status).word, notes, _utc(seen), _mb(of_day), _mb(of_month), *map(_utc, rest), *own


def csv_for(viewer: Viewer, asked: Asked, *, today: dt.date) -> Iterator[bytes]:
    """The same as a CSV file, some rows at a time: the database writes it, and it is only passed on."""
    yield ("\ufeff" + ",".join(heads_for(viewer)) + "\n").encode()  # by this mark Excel knows UTF-8
    try:
        sql, values = _rows(viewer, asked, today).query.sql_with_params()
    except EmptyResultSet:
        return
    cells = _cells(viewer)
    names = [f"c{number}" for number in range(len(cells))]
    written = ", ".join(how.format(name) for how, name in zip(cells.values(), names, strict=True))
    copied = f"COPY (SELECT {written} FROM ({sql}) r({', '.join(names)})) TO STDOUT (FORMAT csv)"
    kept = bytearray()
    with connection.cursor() as cursor, cursor.copy(copied, values) as rows:
        for row in rows:
            kept += row
            if len(kept) >= CHUNK:
                yield bytes(kept)
                kept.clear()
    yield bytes(kept)


def _cells(viewer: Viewer) -> dict[str, str]:
    cells = CELLS | PAYERS_CELLS if viewer.may(Right.SEE_MONEY) else CELLS
    numbers = (FieldKind.NUMBER, FieldKind.DATE)
    return cells | {column_of(field): PLAIN if field.kind in numbers else TEXT for field in fields_of(viewer)}


def _rows(viewer: Viewer, asked: Asked, today: dt.date) -> QuerySet[Line, Any]:
    has_tags = Tag.objects.filter(account=viewer.account).exists()
    lines = _with_columns(chosen_lines(viewer, asked), viewer, today, has_tags=has_tags)
    return lines.order_by("iccid").values_list(*_cells(viewer))


def _with_columns(lines: QuerySet[Line], viewer: Viewer, today: dt.date, *, has_tags: bool) -> QuerySet[Line, Any]:
    holder: Combinable = Case(
        When(account__parent=None, then=Value("")), default=F("account__name"), output_field=CharField()
    )
    tags = Tag.objects.filter(lines=OuterRef("pk")).order_by().values("lines")
    names = Subquery(tags.annotate(names=StringAgg("name", ", ", order_by="name")).values("names"))
    return lines.annotate(
        status_id=STATUS,
        today=today_bytes(today, viewer),
        month=month_bytes(today, viewer),
        holder=holder,
        tag_names=names if has_tags else Value(""),  # asked for each line
        **{name: counted(column, viewer, today) for name, column in COUNTED_BESIDE.items()},
        **{column_of(field): value_of(field) for field in fields_of(viewer)},
    )


def _own(field: CustomField, value: str | None) -> object:
    """A custom field's value as spreadsheets know it."""
    if value is None:
        return ""
    return dt.date.fromisoformat(value) if field.kind == FieldKind.DATE else told(FieldKind(field.kind), value)


def _mb(count: int) -> float:
    return round(count / MEGABYTE, 6)


def _utc(value: Any) -> Any:
    """Times as spreadsheets know them: UTC, whole seconds."""
    return value.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0) if isinstance(value, dt.datetime) else value
