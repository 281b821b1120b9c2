"""The embedded servers: one set for everybody, gone after the last user, whatever happens to the others."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from embedded import addresses, locks

from tests.house.house_processes import running_from, servers, wait_for_the_end

# Starts or joins, says what the database answers, and ends when its standard input does.
USER = """
import signal, sys, psycopg
from embedded import addresses, services
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born deaf to it
services.ensure_running(migrate=False)
with psycopg.connect(addresses.database_url()) as connection:
    print(connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data(own_data: Path) -> Iterator[Path]:
    """A data folder of its own; its servers end with the test."""
    yield own_data
    keeper, _ = locks.read_state(locks.keeper())
    with contextlib.suppress(ProcessLookupError):
        os.kill(keeper, signal.SIGTERM)  # do not linger
    wait_for_the_end(own_data)


@contextlib.contextmanager
def user() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, "the servers did not start"
    return line


def test_several_that_start_at_once_share_one_server(data: Path) -> None:
    with user() as first, user() as second, user() as third:
        assert len({answer(first), answer(second), answer(third)}) == 1
        assert len(servers(data, "postgres")) == 1
        assert len(servers(data, "redis-server")) == 1


def test_the_servers_end_after_the_last_user(data: Path) -> None:
    with user() as only:
        answer(only)
        assert only.stdin is not None
        only.stdin.close()
        assert only.wait(60) == 0
    wait_for_the_end(data)


def test_a_killed_user_neither_takes_the_servers_along_nor_leaves_them_forever(data: Path) -> None:
    with user() as first, user() as second:
        started = answer(first)
        assert answer(second) == started
        first.kill()
        first.wait()
        time.sleep(3)  # longer than the servers linger
        with user() as third:
            assert answer(third) == started
            third.kill()
        second.kill()
    wait_for_the_end(data)


# Whoever is killed stays a zombie: we are who takes orphans in, and wait for none.
NOBODY_WAITS = """
import ctypes, os, shutil, signal, sys, time
from embedded import locks, postgres, services
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
services.ensure_running(migrate=False)
for is_lost in (False, True):
    data = postgres.data_folder()
    for pid in (locks.read_state(locks.keeper())[0], int((data / "postmaster.pid").read_text().split()[0])):
        os.kill(pid, signal.SIGKILL)
    services.leave()
    while services.is_running():
        time.sleep(0.05)
    if is_lost:
        shutil.rmtree(data)
    services.ensure_running(migrate=False)
"""


def test_servers_that_were_killed_and_that_nobody_waited_for_start_again(data: Path) -> None:
    done = subprocess.run([sys.executable, "-c", NOBODY_WAITS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_interrupt_for_the_terminal_ends_the_user_and_not_the_servers_of_others(data: Path) -> None:
    with user() as first, user() as second:
        started = answer(first)
        answer(second)
        while first.poll() is None:  # Python may drop one that comes while it clears away
            os.killpg(first.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                first.wait(5)
        time.sleep(1)
        with user() as third:
            assert answer(third) == started


def test_a_killed_server_comes_back(data: Path) -> None:
    with user() as first:
        started = answer(first)
        names = ("postgres", "redis-server")
        before = {one.pid for name in names for one in servers(data, name)}
        for name in names:
            servers(data, name)[0].kill()
        deadline = time.monotonic() + 60  # until the keeper has seen it
        while not all({one.pid for one in servers(data, name)} - before for name in names):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1)
        with user() as second:
            assert answer(second) != started


def test_a_deleted_data_folder_is_made_again_beside_servers_that_still_run_from_it(data: Path) -> None:
    with user() as first:
        started = answer(first)
        while data.exists():
            shutil.rmtree(data, ignore_errors=True)  # PostgreSQL may be writing
        with user() as second:
            assert answer(second) != started
            deadline = time.monotonic() + 60  # until the first keeper has seen it and stopped
            while sorted(map(len, (servers(data, "postgres"), servers(data, "redis-server")))) != [1, 1]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            with user() as third:
                answer(third)


def test_data_stays_when_the_servers_end(data: Path) -> None:
    keep = "CREATE TABLE kept AS SELECT 42 AS answer"
    for statement in (keep, "SELECT answer FROM kept"):
        code = USER.replace("SELECT pg_postmaster_start_time()", statement).replace(".fetchone()[0]", ".statusmessage")
        code = code.replace("database_url", "owner_url")  # what processes are makes no table
        result = subprocess.run(
            [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
        assert result.stdout.strip() == "SELECT 1"
        wait_for_the_end(data)


def test_only_the_owner_can_reach_what_runs_here(data: Path) -> None:
    with user() as first:
        answer(first)
        sockets = addresses.socket_dir()
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE((sockets / addresses.REDIS_SOCKET).stat().st_mode) == 0o700
        listening = [
            connection
            for process in running_from(data)
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == []


def test_a_long_path_gets_a_short_folder_for_its_sockets(own_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEKEEPER_DATA", str(own_data / ("long" * 30)))
    assert len(str(addresses.socket_dir() / addresses.POSTGRES_SOCKET)) <= addresses.LONGEST_SOCKET_PATH
    with user() as first:
        answer(first)
        short = addresses.socket_dir()
        first.kill()
    wait_for_the_end(own_data)
    short.rmdir()


def test_given_urls_start_nothing(tmp_path: Path) -> None:
    code = "from embedded import services; services.ensure_running()"
    urls = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    environment = {**os.environ, **urls, "LINEKEEPER_DATA": str(tmp_path / "data")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not (tmp_path / "data").exists()
