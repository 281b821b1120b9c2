"""Writes files of usage a stretch at a time, so that a worker that dies loses at most the stretch that it was at."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator

import msgspec
from kit.sheets import defused

from lines.commands import usage_exports as commands
from lines.models import UsageExport
from lines.policy import ExportKind
from lines.queries.usage_exports import records, stretch_after

JSON = msgspec.json.Encoder(decimal_format="number")
MARK = "\ufeff"  # by which Excel knows UTF-8
DAYS = ("date", "iccid", "account_name", "usage_bytes")
MONEY = ("cost", "line_fee")
SESSIONS = (
    "iccid", "account_name", "start_date", "end_date", "duration_sec", "billing_cycle", "country_code", "network",
    "radio", "is_session", "usage_bytes",
)  # fmt: skip


def write_usage_exports(*, stop: Callable[[], bool]) -> int:
    """Goes on with files that were asked for until `stop`; says how many are done."""
    done = 0
    while not stop():
        export = commands.claim_usage_export()
        if export is None:
            break
        done += _write(export, stop)
    return done


def _write(export: UsageExport, stop: Callable[[], bool]) -> bool:
    """Whether it is done."""
    account = export.account
    while not stop():
        following = stretch_after(export)
        written = commands.keep_stretch(
            export_id=export.pk, day=export.next_day, following=following, pieces=_pieces(export, following)
        )
        if written is None or written.done_at is not None:
            return written is not None
        export, export.account = written, account
    commands.put_off(export_id=export.pk)
    return False


def _pieces(export: UsageExport, until: dt.date) -> Iterator[tuple[bytes, int]]:
    """Whole rows, each piece with how many."""
    text, rows, is_csv = io.StringIO(), 0, export.format == "csv"
    writer = csv.writer(text)
    if is_csv and export.next_day == export.start:
        text.write(MARK)
        writer.writerow(heads_of(export))
    for one in records(export, until):
        if is_csv:
            writer.writerow([defused(value) for value in one.values()])
        else:
            text.write(JSON.encode(one).decode() + "\n")
        rows += 1
        if text.tell() >= commands.PIECE:
            yield text.getvalue().encode(), rows
            text.seek(0)
            text.truncate()
            rows = 0
    if text.tell():
        yield text.getvalue().encode(), rows


def heads_of(export: UsageExport) -> tuple[str, ...]:
    """What each record has."""
    if export.kind == ExportKind.SESSIONS:
        return SESSIONS
    return DAYS + MONEY if export.sees_money else DAYS
