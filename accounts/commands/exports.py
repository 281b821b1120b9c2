"""Files of everything of an account: asked for by owner or back office, written by a worker, kept for a week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet
from kit import clock, walls
from kit.errors import Refusal

from accounts.commands.events import record
from accounts.models import Account, AccountExport, AccountExportPart, FilePart, WrittenFile
from accounts.policy import Actor

F = TypeVar("F", bound=WrittenFile)
P = TypeVar("P", bound=FilePart)
MOST_ATTEMPTS = 3
LEASE = dt.timedelta(minutes=6)  # longer than the task that writes one may run
KEPT = dt.timedelta(days=7)
PIECE = 1_000_000  # bytes
TOO_MUCH = "It could not be written in time. Your administrator can write it without a limit."


class NoExport(Refusal):
    """A sub-account's data leave with its account's; of an erased account nothing is left."""


@transaction.atomic
def ask_export(*, account: Account, by: Actor) -> AccountExport:
    """One that is being written already is the same one. Raises NoExport."""
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if account.is_subaccount or account.erased_at is not None:
        raise NoExport(f"{account.name} has no data of its own to export.")
    found = AccountExport.objects.filter(account=account, done_at=None, failed="").first()
    if found is not None:
        return found
    record(by=by, verb="account.export_asked", account_id=account.pk)
    return AccountExport.objects.create(account=account, by=by.name, asked_at=clock.now())


def claim_export() -> AccountExport | None:
    """See claim_file."""
    return claim_file(files=AccountExport.objects.select_related("account"), too_much=TOO_MUCH)


@transaction.atomic
def claim_file(*, files: QuerySet[F], too_much: str) -> F | None:
    """The oldest that nobody writes, its attempt counted first; one whose worker died is free after its lease, and one
    that was begun too often fails with these words."""
    now = clock.now()
    waiting = files.select_for_update(skip_locked=True, of=("self",)).filter(done_at=None, failed="")
    found = waiting.filter(Q(started_at=None) | Q(started_at__lt=now - LEASE)).order_by("pk").first()
    if found is None:
        return None
    if found.attempts >= MOST_ATTEMPTS:
        found.failed = too_much
        found.save(update_fields=["failed"])
        return None
    found.attempts, found.started_at = found.attempts + 1, now
    found.save(update_fields=["attempts", "started_at"])
    return found


@transaction.atomic
def finish_export(*, export_id: int, path: Path, rows: int) -> None:
    """Keeps the file in pieces, one at a time in memory. Harmless twice, and after an erasing that dropped it."""
    export = AccountExport.objects.select_for_update().filter(pk=export_id).first()
    if export is None:
        return
    AccountExportPart.objects.filter(export=export).delete()
    for number, piece in enumerate(_pieces(path)):
        AccountExportPart.objects.create(export=export, number=number, content=piece)
    export.done_at, export.rows, export.size = clock.now(), rows, path.stat().st_size
    export.save(update_fields=["done_at", "rows", "size"])


def drop_old_exports() -> int:
    """See drop_old_files."""
    return drop_old_files(files=AccountExport.objects.all())


def drop_old_files(*, files: QuerySet[F]) -> int:
    """Those of over a week ago; they can be asked for again."""
    return files.filter(asked_at__lt=clock.now() - KEPT).delete()[0]


def take_export(*, export: AccountExport, by: Actor) -> Iterator[bytes]:
    """The pieces of a written file; that it was downloaded is written down first."""
    with walls.lifted():  # who only reads writes this down
        record(by=by, verb="account.export_downloaded", account_id=export.account_id)
    return pieces_of(parts=AccountExportPart.objects.filter(export=export))


def pieces_of(*, parts: QuerySet[P]) -> Iterator[bytes]:
    """A file's content in order, a piece at a time in memory."""
    numbers = list(parts.order_by("number").values_list("pk", flat=True))
    return (bytes(parts.get(pk=pk).content) for pk in numbers)


def _pieces(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
