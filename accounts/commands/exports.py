"""Files of everything of an account: asked for by owner or back office, written by a worker, kept for a week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from kit import clock
from kit.errors import Refusal

from accounts.commands.events import record
from accounts.models import Account, AccountExport, AccountExportPart
from accounts.policy import Actor

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


@transaction.atomic
def claim_export() -> AccountExport | None:
    """The oldest that nobody writes, its attempt counted first; one whose worker died is free after its lease."""
    now = clock.now()
    waiting = AccountExport.objects.select_for_update(skip_locked=True, of=("self",)).filter(done_at=None, failed="")
    found = waiting.filter(Q(started_at=None) | Q(started_at__lt=now - LEASE)).select_related("account")
    export = found.order_by("id").first()
    if export is None:
        return None
    if export.attempts >= MOST_ATTEMPTS:
        export.failed = TOO_MUCH
        export.save(update_fields=["failed"])
        return None
    export.attempts, export.started_at = export.attempts + 1, now
    export.save(update_fields=["attempts", "started_at"])
    return export


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
    """Files of over a week ago; they can be asked for again."""
    return AccountExport.objects.filter(asked_at__lt=clock.now() - KEPT).delete()[0]


def take_export(*, export: AccountExport, by: Actor) -> Iterator[bytes]:
    """The pieces of a written file; that it was downloaded is written down first."""
    record(by=by, verb="account.export_downloaded", account_id=export.account_id)
    numbers = list(AccountExportPart.objects.filter(export=export).order_by("number").values_list("pk", flat=True))
    return (bytes(AccountExportPart.objects.get(pk=pk).content) for pk in numbers)


def _pieces(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
