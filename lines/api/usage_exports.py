"""What the whole fleet used, as files: asked for, followed, downloaded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import msgspec
from kit.endpoints import Ack, File, Input, Linked, endpoint, moment
from kit.errors import Invalid, NotFound
from kit.paging import Page, Paging, listed

from accounts.commands.exports import KEPT
from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import Day
from lines.api.jobs import Filter
from lines.commands import usage_exports as commands
from lines.models import UsageExport
from lines.policy import ExportKind
from lines.queries import usage_exports as queries

GROUP = "Usage exports"
Kind = Literal["days", "sessions"]
Format = Literal["ndjson", "csv"]


class UsageExportShown(Linked):
    """A file of what the fleet used. It is written by workers, and kept for a week from when it was asked for."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "self": "usage_exports/{uuid}",
        "file": "usage_exports/{uuid}/file",
    }

    uuid: str
    kind: Kind
    format: Format
    start_date: str
    end_date: str
    selection: Annotated[str, msgspec.Meta(description="Which lines, in words")]
    state: Literal["queued", "running", "done", "failed"]
    percent: Annotated[int, msgspec.Meta(description="Of the days, how many are written")]
    rows: int
    size: Annotated[int, msgspec.Meta(description="Bytes so far")]
    by: str
    created_at: str
    ended_at: str | None
    expires_at: Annotated[str, msgspec.Meta(description="Until when it is kept")]
    failed: Annotated[str, msgspec.Meta(description="Why it failed, else empty")]


_SAMPLE = UsageExportShown(
    uuid="0" * 32,
    kind="days",
    format="ndjson",
    start_date="2026-11-01",
    end_date="2026-11-30",
    selection="all lines",
    state="running",
    percent=40,
    rows=960,
    size=110_592,
    by="API key export",
    created_at="2026-12-01 06:00:00",
    ended_at=None,
    expires_at="2026-12-08 06:00:00",
    failed="",
)


def _shown(export: UsageExport) -> UsageExportShown:
    waiting: Literal["queued", "running"] = "running" if export.started_at or export.rows else "queued"
    return UsageExportShown(
        uuid=export.uuid.hex,
        kind=export.kind,  # type: ignore[arg-type]
        format=export.format,  # type: ignore[arg-type]
        start_date=export.start.isoformat(),
        end_date=export.end.isoformat(),
        selection=export.said,
        state="failed" if export.failed else "done" if export.done_at else waiting,
        percent=export.percent,
        rows=export.rows,
        size=export.size,
        by=export.by,
        created_at=moment(export.asked_at),
        ended_at=moment(export.done_at) if export.done_at else None,
        expires_at=moment(export.asked_at + KEPT),
        failed=export.failed,
    )


class NewUsageExport(Input):
    """Which days, UTC, of which lines. Lines that left since are in it where `filter` is {"all": true}."""

    kind: Annotated[Kind, msgspec.Meta(description="days: a row for each line and day; sessions: one for each session")]
    start_date: Day
    end_date: Annotated[Day, msgspec.Meta(description="The last day; sessions count on the day on which they began")]
    filter: Filter
    format: Format = "ndjson"


@endpoint(
    "usage_exports",
    "POST",
    right=Right.SEE_LINES,
    sample=_SAMPLE,
    body=NewUsageExport("days", "2026-10-01", "2026-10-31", Filter(all=True)),
)
def ask_usage_export(caller: Caller, asked: NewUsageExport) -> UsageExportShown:
    """Asks for a file of usage by day or by session, at most 366 days; follow it by its uuid"""
    sought = asked.filter.sought()
    sought.lines(caller)  # a field that there is not is refused now
    return _shown(
        commands.ask_usage_export(
            account=caller.account,
            kind=ExportKind(asked.kind),
            format=asked.format,
            start=_day(asked.start_date, "start_date"),
            end=_day(asked.end_date, "end_date"),
            sought=sought,
            said="all lines" if asked.filter.all else f"lines by filter: {asked.filter}",
            sees_money=caller.may(Right.SEE_MONEY),
            by=caller.actor,
        )
    )


@endpoint("usage_exports", right=Right.SEE_LINES, sample=[_SAMPLE])
def usage_exports(caller: Caller, asked: Paging) -> Page[UsageExportShown]:
    """The account's usage exports, the newest first"""
    theirs = queries.usage_exports_of(caller.account)
    return listed(asked, [_shown(export) for export in theirs if _may_see(caller, export)])


@endpoint("usage_exports/{usage_export}", right=Right.SEE_LINES, sample=_SAMPLE)
def usage_export(caller: Caller, usage_export: str) -> UsageExportShown:
    """How far a usage export is"""
    return _shown(_own(caller, usage_export))


@endpoint("usage_exports/{usage_export}", "DELETE", right=Right.SEE_LINES, sample=Ack())
def delete_usage_export(caller: Caller, usage_export: str) -> Ack:
    """Deletes a usage export with its file; one that is being written ends"""
    commands.delete_usage_export(export=_own(caller, usage_export), by=caller.actor)
    return Ack()


_LINE = b'{"date":"2026-11-01","iccid":"8944500000000000017","account_name":"Sample account","usage_bytes":1572864}\n'


@endpoint("usage_exports/{usage_export}/file", right=Right.SEE_LINES, sample=File("usage.ndjson", len(_LINE), (_LINE,)))
def usage_export_file(caller: Caller, usage_export: str) -> File:
    """A usage export that is done, as the file that it is"""
    found = _own(caller, usage_export)
    if found.done_at is None:
        raise NotFound(found.failed or "The export is not written yet. Ask for it when its state is done.")
    pieces = commands.take_usage_export(export=found, by=caller.actor)
    return File(f"usage-{found.kind}-{found.start}-{found.end}.{found.format}", found.size, pieces)


def _own(caller: Caller, key: str) -> UsageExport:
    found = queries.usage_export_of(caller.account, key)
    if found is None or not _may_see(caller, found):
        raise NotFound("There is no such export of yours; usage_exports lists them")
    return found


def _may_see(caller: Caller, export: UsageExport) -> bool:
    """A file with costs is for who may see money."""
    return caller.may(Right.SEE_MONEY) or not export.sees_money


def _day(text: str, field: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text} is not a day of the calendar", field=field) from None


ENDPOINTS = (ask_usage_export, usage_exports, usage_export, delete_usage_export, usage_export_file)
