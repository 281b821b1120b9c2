"""PostgreSQL's log, kept file by file beside base backups, and servers that go back to a moment from both."""

import contextlib
import hashlib
import json
import re
import shlex
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from embedded import postgres
from embedded.processes import CannotStart, Program, start, stop, wait_until_ready

LONGEST_SECONDS = 6 * 3600.0  # that a server may take to read its log again
WHY = re.compile(r"^.*(?:FATAL|PANIC):\s+(.*)$", re.MULTILINE)


def program(name: str, major: int | None = None) -> str:
    """A program of PostgreSQL of this major version, or of any that is new enough. Raises CannotStart."""
    try:
        ours = postgres.binary(name)
        if major in (None, postgres.MAJOR):
            return ours
    except CannotStart:
        pass
    for found in (f"/usr/lib/postgresql/{major}/bin/{name}", shutil.which(name)):
        if found and Path(found).exists() and major in (None, postgres.major_of(found)):
            return found
    raise CannotStart(f"PostgreSQL{f' {major}' if major else ''} is not installed here: {name} is missing")


@contextlib.contextmanager
def recovered(base: Path, wal: Path, until: str | None) -> Iterator[Path]:
    """A server of its own, as the server of a base backup was at that moment (ISO 8601; None: at the archive's end).

    Yields the folder of its socket. Server and data are gone afterwards. Raises CannotStart where the log does not
    reach so far.
    """
    user = postgres.server_user()
    with (
        tempfile.TemporaryDirectory(prefix="recovering-", dir=base.parents[1]) as scratch,
        tempfile.TemporaryDirectory(prefix="linekeeper-") as sockets,  # a short path: a socket's must be
    ):
        data = Path(scratch) / "data"
        _unpack(base, data)
        options = {**_options(Path(scratch), wal, until), "unix_socket_directories": sockets}
        if user:
            subprocess.run(["chown", "-R", f"{user}:{user}", scratch, sockets], check=True)
            postgres.let_pass(data)
        server = Program(
            name="The recovering PostgreSQL",
            arguments=[
                program("postgres", int((data / "PG_VERSION").read_text())),
                *("-D", str(data)),
                *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
            ],
            log=Path(scratch) / "server.log",
            is_ready=lambda pid: postgres.is_ready(data, pid),
            stop_signal=signal.SIGQUIT,  # nobody needs it again
            user=user,
        )
        process = start(server)
        try:
            try:
                wait_until_ready(server, process, seconds=LONGEST_SECONDS)
            except CannotStart as error:
                why = WHY.findall(server.log.read_text(errors="replace"))
                raise CannotStart(f"PostgreSQL does not come to that moment: {why[-1] if why else error}") from None
            yield Path(sockets)
        finally:
            stop(process, signal.SIGQUIT, seconds=30)


def _unpack(base: Path, data: Path) -> None:
    data.mkdir(mode=0o700)
    for name, place in (("base.tar.gz", data), ("pg_wal.tar.gz", data / "pg_wal")):
        with tarfile.open(base / name) as packed:
            packed.extractall(place, filter="tar")  # nosec B202 - our own copy, each file compared with its manifest
    (data / "postgresql.auto.conf").write_text("")
    (data / "recovery.signal").touch()


def _options(scratch: Path, wal: Path, until: str | None) -> Mapping[str, str]:
    """Only what is needed here: the server's own settings may name folders and sizes of another machine."""
    (scratch / "hba.conf").write_text("local all all trust\n")  # whoever may enter its folder
    (scratch / "empty.conf").write_text("")
    kept = shlex.quote(str(wal)).replace("%", "%%")
    target = {"recovery_target_time": until, "recovery_target_action": "promote"} if until else {}
    return {
        "config_file": str(scratch / "empty.conf"),
        "hba_file": str(scratch / "hba.conf"),
        "ident_file": str(scratch / "empty.conf"),
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "restore_command": f'gzip -dc {kept}/%f.gz >"%p"',
        **target,
        "hot_standby": "off",
        "archive_mode": "off",
        "autovacuum": "off",
        "fsync": "off",
        "max_wal_size": "4GB",
        "timezone": "UTC",
    }


def verify(base: Path) -> None:
    """Compares every file of a base backup with its manifest. Raises CannotStart where one is not what was copied."""
    listed = json.loads((base / "backup_manifest").read_text())["Files"]
    wanted = {one["Path"]: (one["Size"], one["Checksum"]) for one in listed if "Path" in one}
    with tarfile.open(base / "base.tar.gz", "r|gz") as packed:
        for member in packed:
            file = packed.extractfile(member) if member.isreg() else None
            if file is not None and member.name in wanted:
                size, digest = wanted.pop(member.name)
                if (member.size, _digest(file)) != (size, digest):
                    raise CannotStart(f"The base backup is damaged: {member.name}")
    if wanted:
        raise CannotStart(f"The base backup is not whole: {len(wanted)} files are missing, {min(wanted)} first")


def _digest(file: IO[bytes]) -> str:
    found = hashlib.sha256()
    while piece := file.read(1 << 20):
        found.update(piece)
    return found.hexdigest()


def first_segment(base: Path) -> str:
    """The first file of the log that a base backup needs, as PostgreSQL names it."""
    (span, *_) = json.loads((base / "backup_manifest").read_text())["WAL-Ranges"]
    high, low = (int(part, 16) for part in str(span["Start-LSN"]).split("/"))
    return f"{int(span['Timeline']):08X}{high:08X}{low >> 24:08X}"


def next_segment(name: str) -> str:
    """The file of the log that follows (16 MiB each)."""
    number = int(name[8:16], 16) * 256 + int(name[16:], 16) + 1
    return f"{name[:8]}{number >> 8:08X}{number & 255:08X}"
