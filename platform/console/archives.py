"""Base backups beside PostgreSQL's kept log, and the database as it was at any moment since the oldest of them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection
from embedded import addresses, archive
from embedded.processes import CannotStart

from accounts.audit import prove
from console import backups
from console.backups import BadBackup
from lines.books import check_books

LATEST = "latest"  # as far as the kept log goes
ABOUT = "about.json"
HOW = (
    *("--format", "tar", "--gzip", "--checkpoint", "fast", "--wal-method", "stream", "--no-password"),
    *("--manifest-checksums", "SHA256"),
)


@dataclass(frozen=True, slots=True)
class Base:
    """A base backup. `system`: its cluster's identifier; `usable_from`: the first moment that it can be brought to;
    `segment`: the file of the log that it begins with."""

    path: str
    system: str
    at: str
    usable_from: str
    server: str
    segment: str
    bytes: int


def folder_of(given: Path | None) -> Path:
    """The archive: as given, or WAL_ARCHIVE's. Raises BadBackup."""
    found = given or addresses.archive_dir()
    if found is None:
        raise BadBackup("Name the archive's folder, or set WAL_ARCHIVE")
    return found.absolute()


def take(folder: Path, *, keep: int) -> dict[str, Any]:
    """Copies the whole server's files while everything runs, and drops what the newest `keep` copies do not need.

    Raises BadBackup.
    """
    _refuse_without_log()
    at = _servers_time()
    place = folder / "base" / f"{at:%Y%m%dT%H%M%SZ}"
    draft = place.with_suffix(".part")
    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.rmtree(draft, ignore_errors=True)
    try:
        backups.run(archive.program("pg_basebackup"), "--pgdata", str(draft), *HOW)
        archive.verify(draft)
        size = sum(path.stat().st_size for path in draft.iterdir())
        usable = _servers_time() + dt.timedelta(seconds=1)
        base = Base(
            path=str(place),
            system=_system(),
            at=at.isoformat(timespec="seconds"),
            usable_from=usable.isoformat(timespec="seconds"),
            server=backups.server_version(),
            segment=archive.first_segment(draft),
            bytes=size,
        )
        (draft / ABOUT).write_text(json.dumps(asdict(base), indent=1) + "\n")
        os.rename(draft, place)
    except CannotStart as refusal:
        raise BadBackup(str(refusal)) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return {"base": str(place), **asdict(base), "dropped": _prune(folder, keep)}


def bases(folder: Path) -> list[Base]:
    """The base backups that are whole, oldest first."""
    found = sorted((folder / "base").glob(f"*Z/{ABOUT}"))
    return [Base(**{**json.loads(path.read_text()), "path": str(path.parent)}) for path in found]


def restore(folder: Path, until: str, *, while_running: bool) -> dict[str, Any]:
    """Puts the database as it was at a moment (ISO 8601 with zone, or LATEST) in its place, which stays beside it.

    It is brought to that moment by a server of its own, proved there, dumped into the archive, and restored like any
    backup. Raises BadBackup, InUse.
    """
    moment = None if until == LATEST else _moment(until)
    base = _base_for(folder, moment)
    wal = folder / "wal" / base.system
    _refuse_gaps(wal, base)
    if not while_running:
        backups.refuse_others()
    target = moment.isoformat(sep=" ") if moment else None
    try:
        with archive.recovered(Path(base.path), wal, target) as sockets, _at(sockets):
            books, audit = check_books(), prove()
            wrong = [check["name"] for check in books["checks"] if not check["ok"]]
            if wrong or audit.broken:
                raise BadBackup(f"At that moment {', '.join(wrong) or 'the audit'} was wrong; nothing is replaced")
            path, _ = backups.write(folder / "recovered")
    except CannotStart as refusal:
        raise BadBackup(str(refusal)) from None
    done = backups.restore(path, while_running=while_running)
    return {**done, "until": until, "base": base.path, "books": True, "audit": True}


def _refuse_without_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('archive_mode'), current_setting('wal_level')")
        mode, level = cursor.fetchone()
    if mode == "off" or level == "minimal":
        raise BadBackup("The server keeps no log (archive_mode is off): see docs/operating.md, To any moment")


def _system() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        return str(cursor.fetchone()[0])


def _servers_time() -> dt.datetime:
    """The moment that the server writes into its log, whatever clock a trial has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: dt.datetime = cursor.fetchone()[0].astimezone(dt.UTC)
    return found


def _moment(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadBackup(f"A moment is written like 2026-11-27T18:00:00Z, or {LATEST}; not {text!r}")
    return found.astimezone(dt.UTC)


def _base_for(folder: Path, moment: dt.datetime | None) -> Base:
    known = bases(folder)
    found = [base for base in known if moment is None or dt.datetime.fromisoformat(base.usable_from) <= moment]
    if not found:
        since = f"the oldest is usable from {known[0].usable_from}" if known else "there is none"
        raise BadBackup(f"No base backup in {folder} is old enough: {since}")
    return found[-1]


def _refuse_gaps(wal: Path, base: Base) -> None:
    """A file of the log that is missing would end the way before it, as if nothing had happened since."""
    kept = {path.name[:24] for path in wal.glob(f"{base.segment[:8]}{'?' * 16}.gz") if path.name >= base.segment}
    wanted = base.segment
    while kept:
        if wanted not in kept:
            raise BadBackup(f"The archive has a gap: {wal / wanted}.gz is missing")
        kept.remove(wanted)
        wanted = archive.next_segment(wanted)


def _prune(folder: Path, keep: int) -> list[str]:
    """Drops older base backups, and the log that only they needed."""
    known = bases(folder)
    old, kept = known[:-keep], known[-keep:]
    for base in old:
        shutil.rmtree(base.path)
    for system in {base.system for base in old}:
        wal = folder / "wal" / system
        still = [base.segment for base in kept if base.system == system]
        if still:
            tool = archive.program("pg_archivecleanup")
            backups.run(tool, "--strip-extension", ".gz", str(wal), min(still))
        else:
            shutil.rmtree(wal, ignore_errors=True)
    return [base.path for base in old]


@contextlib.contextmanager
def _at(sockets: Path) -> Iterator[None]:
    """While this lasts, this process works on the server whose socket is there."""
    connection.close()
    usual = dict(connection.settings_dict)
    connection.settings_dict |= {"HOST": str(sockets), "PORT": "", "PASSWORD": ""}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict |= usual
