"""Files of what a fleet used: asked for, written by workers in stretches, kept for a week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from django.db import transaction
from kit import clock, walls
from kit.errors import Invalid, Refusal

from accounts.commands import record
from accounts.commands.exports import claim_file, drop_old_files, pieces_of
from accounts.models import Account
from accounts.policy import Actor
from lines.models import UsageExport, UsageExportPart
from lines.policy import ExportKind
from lines.queries.sought import Sought

FORMATS = ("csv", "ndjson")
LONGEST = 366  # days
MOST_OPEN, MOST_KEPT = 3, 20  # of an account
PIECE = 1 << 20  # bytes
TOO_MUCH = "It could not be written in time. Ask for fewer days or lines."


class TooManyExports(Refusal):
    """So many of the account are being written, or kept."""


@transaction.atomic
def ask_usage_export(
    *,
    account: Account,
    kind: ExportKind,
    format: str,
    start: dt.date,
    end: dt.date,
    sought: Sought,
    said: str,
    sees_money: bool,
    by: Actor,
) -> UsageExport:
    """Days are UTC, and both count; `said` names the lines in words. Raises Invalid, TooManyExports."""
    if format not in FORMATS:
        raise Invalid(f"A format is one of {', '.join(FORMATS)}", field="format")
    if start > end:
        raise Invalid("The end is before the start", field="end_date")
    if end > clock.today():
        raise Invalid("The end is still to come; end today at the latest", field="end_date")
    if (end - start).days >= LONGEST:
        raise Invalid(f"A file has at most {LONGEST} days", field="start_date")
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    theirs = UsageExport.objects.filter(account=account)
    if theirs.filter(done_at=None, failed="").count() >= MOST_OPEN:
        raise TooManyExports(f"{MOST_OPEN} exports are being written. Wait until one is done.")
    if theirs.count() >= MOST_KEPT:
        raise TooManyExports(f"{MOST_KEPT} exports are kept. Delete one first.")
    export = UsageExport.objects.create(
        account=account, kind=kind, format=format, start=start, end=end, next_day=start, sought=sought.kept(),
        said=said[:300], sees_money=sees_money, by=by.name, asked_at=clock.now(),
    )  # fmt: skip
    detail = {"kind": kind.value, "format": format, "from": f"{start}", "until": f"{end}", "lines": export.said}
    record(by=by, verb="usage_export.asked", account_id=account.pk, detail=detail)
    return export


def claim_usage_export() -> UsageExport | None:
    """See claim_file."""
    return claim_file(files=UsageExport.objects.select_related("account"), too_much=TOO_MUCH)


@transaction.atomic
def keep_stretch(
    *, export_id: int, day: dt.date, following: dt.date, pieces: Iterable[tuple[bytes, int]]
) -> UsageExport | None:
    """Adds what was used from this day until before `following`, in pieces with their rows, and renews the lease. None
    where another has written it meanwhile, or the file is gone: nothing is added then."""
    export = UsageExport.objects.select_for_update().filter(pk=export_id, done_at=None, next_day=day).first()
    if export is None:
        return None
    for number, (content, rows) in enumerate(pieces, export.parts.count()):
        UsageExportPart.objects.create(export=export, number=number, content=content)
        export.rows, export.size = export.rows + rows, export.size + len(content)
    export.next_day, export.attempts, export.started_at = following, 0, clock.now()
    export.done_at = clock.now() if following > export.end else None
    export.save(update_fields=["rows", "size", "next_day", "attempts", "started_at", "done_at"])
    return export


def put_off(*, export_id: int) -> None:
    """Its worker has other things to do: the next one goes on."""
    UsageExport.objects.filter(pk=export_id, done_at=None).update(started_at=None, attempts=0)


@transaction.atomic
def delete_usage_export(*, export: UsageExport, by: Actor) -> None:
    """Harmless twice; what is being written ends."""
    if UsageExport.objects.filter(pk=export.pk).delete()[0]:
        record(by=by, verb="usage_export.deleted", account_id=export.account_id)


def drop_old_usage_exports() -> int:
    """See drop_old_files."""
    return drop_old_files(files=UsageExport.objects.all())


def take_usage_export(*, export: UsageExport, by: Actor) -> Iterator[bytes]:
    """The pieces of a written file; that it was downloaded is written down."""
    with walls.lifted():  # who only reads writes this down
        record(by=by, verb="usage_export.downloaded", account_id=export.account_id)
    return pieces_of(parts=UsageExportPart.objects.filter(export=export))
