"""Old rows, dropped slice by slice while everything runs; where it is wanted, written into an archive first.

Each app names its kinds and why a row of one must stay (docs/decisions/0160). How many months a kind is kept is the
setting RETENTION, `messages=24,sessions=13`; 0 is for ever. Kinds in RETENTION_ARCHIVED are written as JSON, a row a
line, into RETENTION_ARCHIVE/KIND-MONTH.jsonl.gz before they go.
"""

from __future__ import annotations

import datetime as dt
import gzip
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from kit.months import Part, drop_parts, make_months

SLICE = 5_000  # rows of one transaction: its locks last for a tenth of a second


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows of a table that may go when they are old. `t` is the table in the SQL parts.

    `age`: the moment that tells how old a row is. `old`: that it is before `%(limit)s`, as an index finds it.
    `may_go`: which old rows nobody needs. `redacted`: those of them whose row must stay, as books or proofs lean on it;
    what of it says something of a person is overwritten by `overwritten`, which takes it out of its month, too, where
    it has one. `least`: months that are kept in any case.
    `by_month`: the name by which the table's months are made and dropped (kit/months.py). `is_whole`: a row of it goes
    with its month, never alone.
    """

    name: str
    table: str
    months: int
    age: str
    old: str
    least: int = 3
    may_go: str = "true"
    redacted: str = "false"
    overwritten: str = ""
    by_month: str = ""
    is_whole: bool = False

    @property
    def kept(self) -> int:
        """Months, 0: for ever. Raises ImproperlyConfigured."""
        months = asked().get(self.name, self.months)
        return max(months, self.least) if months else 0

    @property
    def is_archived(self) -> bool:
        return self.name in [name.strip() for name in settings.RETENTION_ARCHIVED.split(",")]


def asked() -> dict[str, int]:
    """Months by kind, as the installation says. Raises ImproperlyConfigured."""
    try:
        pairs = (part.split("=") for part in settings.RETENTION.split(",") if part.strip())
        found = {name.strip(): int(months) for name, months in pairs}
    except ValueError:
        found = {"": -1}
    if any(months < 0 for months in found.values()):
        raise ImproperlyConfigured(f"RETENTION is written like messages=24,sessions=13, not {settings.RETENTION!r}")
    return found


def refuse_unknown(kinds: Sequence[Kind]) -> None:
    """Raises ImproperlyConfigured where a setting names a kind that there is not: nothing would be kept as asked."""
    named = {*asked(), *(name.strip() for name in settings.RETENTION_ARCHIVED.split(",") if name.strip())}
    if unknown := named - {kind.name for kind in kinds}:
        known = ", ".join(kind.name for kind in kinds)
        raise ImproperlyConfigured(f"There is no {', '.join(sorted(unknown))} in RETENTION; there are {known}")


def before(today: dt.date, months: int) -> dt.datetime:
    """The first moment that is kept: whole months of UTC, this one not counted."""
    number = today.year * 12 + today.month - 1 - months
    return dt.datetime(number // 12, number % 12 + 1, 1, tzinfo=dt.UTC)


def forget(kind: Kind, *, today: dt.date, stop: Callable[[], bool] = lambda: False) -> int:
    """Drops what is older than the kind is kept, until none is left or time to stop; says how many rows. Where the
    table is kept by month, months that nobody needs go whole, after their rows are archived where that is wanted."""
    if kind.by_month:
        make_months(kind.by_month, today=today)
    if not kind.kept:
        return 0
    limit, gone = before(today, kind.kept), 0
    if kind.is_whole:
        return drop_parts(kind.by_month, before=limit, first=partial(_archive_part, kind) if kind.is_archived else None)
    if kind.by_month and not kind.is_archived:
        if kind.redacted != "false":  # what stays leaves its month first
            gone += _in_slices(replace(kind, may_go=f"({kind.may_go}) AND ({kind.redacted})"), limit, stop)
        gone += drop_parts(kind.by_month, before=limit)
    gone += _in_slices(kind, limit, stop)
    if kind.by_month and kind.is_archived:
        drop_parts(kind.by_month, before=limit)
    return gone


def _in_slices(kind: Kind, limit: dt.datetime, stop: Callable[[], bool]) -> int:
    gone = 0
    while not stop():
        done = _slice(kind, limit)
        gone += done
        if done < SLICE:
            break
        time.sleep(0.01)  # others have their turn
    return gone


def waiting(kind: Kind, *, today: dt.date) -> int:
    """Rows that would go now."""
    if not kind.kept:
        return 0
    with connection.cursor() as cursor:
        limit = {"limit": before(today, kind.kept)}
        cursor.execute(f"SELECT count(*) FROM {kind.table} t WHERE {kind.old} AND ({kind.may_go})", limit)
        return int(cursor.fetchone()[0])


def _slice(kind: Kind, limit: dt.datetime) -> int:
    """One transaction. The archive has the rows on disk before they are gone, so that none is ever in neither."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, ({kind.redacted}), to_char({kind.age} AT TIME ZONE 'UTC', 'YYYY-MM'), to_jsonb(t)::text"
            f" FROM {kind.table} t WHERE {kind.old} AND ({kind.may_go}) LIMIT {SLICE} FOR UPDATE OF t SKIP LOCKED",
            {"limit": limit},
        )
        rows = cursor.fetchall()
        if kind.is_archived and rows:
            _archive(kind, [(month, text) for _, _, month, text in rows])
        stays = [row for row, redacted, _, _ in rows if redacted]
        goes = [row for row, redacted, _, _ in rows if not redacted]
        if goes:
            cursor.execute(f"DELETE FROM {kind.table} WHERE id = ANY(%s)", [goes])
        if stays:
            cursor.execute(f"UPDATE {kind.table} SET {kind.overwritten} WHERE id = ANY(%s)", [stays])
    return len(rows)


def _archive(kind: Kind, rows: list[tuple[str, str]]) -> None:
    """Appends a slice to the files of its months. One that was not committed is there twice, and none is missing."""
    months: dict[str, list[str]] = {}
    for month, text in rows:
        months.setdefault(month, []).append(f"{text}\n")
    for month, lines in months.items():
        with open(_file(kind, month), "ab", opener=_private) as file:
            file.write(gzip.compress("".join(lines).encode()))
            file.flush()
            os.fsync(file.fileno())


def _archive_part(kind: Kind, part: Part) -> None:
    """Writes the rows of a part that goes, each month into a file that is there when it is whole. Where the part did
    not go, it is written anew."""
    since, until = part
    with ExitStack() as opened, transaction.atomic(), connection.chunked_cursor() as cursor:
        files: dict[str, Any] = {}
        cursor.execute(
            f"SELECT to_char({kind.age} AT TIME ZONE 'UTC', 'YYYY-MM'), to_jsonb(t)::text FROM {kind.table} t"
            f" WHERE {kind.age} < %(until)s AND (%(since)s::timestamptz IS NULL OR {kind.age} >= %(since)s)",
            {"since": since, "until": until},
        )
        while rows := cursor.fetchmany(SLICE):
            for month, text in rows:
                if month not in files:
                    raw = opened.enter_context(open(_file(kind, month, ".new"), "wb", opener=_private))
                    files[month] = (raw, opened.enter_context(gzip.open(raw, "wt", encoding="utf-8")))
                files[month][1].write(f"{text}\n")
        for raw, packed in files.values():
            packed.close()
            raw.flush()
            os.fsync(raw.fileno())
    for month in files:
        os.replace(_file(kind, month, ".new"), _file(kind, month))


def _file(kind: Kind, month: str, more: str = "") -> Path:
    """Raises ImproperlyConfigured."""
    if not settings.RETENTION_ARCHIVE:
        raise ImproperlyConfigured(f"RETENTION_ARCHIVED names {kind.name}, and RETENTION_ARCHIVE no folder")
    folder = Path(settings.RETENTION_ARCHIVE)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{kind.name.replace(' ', '-')}-{month}.jsonl.gz{more}"


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
