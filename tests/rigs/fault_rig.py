"""Takes everything away that a running installation leans on, one at a time, and measures how soon it is well again.

    python -m tests.rigs.fault_rig [--only "restart of PostgreSQL"] [--short] [--lines 500] [--report] [--plant NAME]

After each fault the carriers must be read again within 30 s, and pages answered meanwhile where the database is there.
It prints one JSON document, and exits 1 where something did not come back. `--report` writes docs/reliability.md, where
faults that were not played keep their rows.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.rigs import report
from tests.rigs.installation import UNREAD, UNREAD_LINES, Installation, installation, kill, told
from tests.rigs.plants import plant, plants_of

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 30.0  # seconds until every carrier is read again
SOME_TIME = 120.0  # in the suite, where other tests have the machine too: that it comes back, not how soon
HELD = 20.0  # seconds that something is kept away
SHORT = ("every database session ended", "Redis does not answer")


@dataclass
class Rig:
    """What can be done to an installation."""

    one: Installation

    def read_again(self, *, limit: float = LIMIT, statement: str = UNREAD, since: Any = None) -> float:
        """Seconds until lines of every carrier are read that were asked for from now on. Raises TimeoutError."""
        return self.one.wait_for(statement, since or self.one.now(), within=limit, what="not read")

    def set_fault(self, **fault: Any) -> Callable[[], None]:
        """Puts a fault in force at the carriers; what it returns takes it away."""
        number = self.one.carriers.fault(**fault)

        def away() -> None:
            with contextlib.suppress(RuntimeError):
                self.one.carriers.ask("DELETE", f"/faults/{number}")

        return away

    # What is done

    def restart_postgres(self) -> None:
        from embedded import addresses

        pid = int((addresses.data_dir() / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGINT)  # fast: every session ends at once
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait(30)

    def end_sessions(self) -> None:
        """One by one, so that each process loses its own in the middle of something."""
        others = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        for (pid,) in self.one.sql(others):
            self.one.sql("SELECT pg_terminate_backend(%s)", pid)
            time.sleep(0.1)

    def restart_redis(self) -> None:
        for one in self.one.processes("redis-server"):
            one.terminate()

    def hold_redis(self) -> None:
        """It takes connections and answers nobody; pages and readings go on without it."""
        held = self.one.processes("redis-server")
        for one in held:
            one.suspend()
        try:
            time.sleep(2)
            status, seconds = self.one.page()
            assert (status, seconds < 10) == (200, True), f"the login answers {status} after {seconds:.1f} s"
            self.read_again(limit=90)  # by the slower sweep
        finally:
            for one in held:
                one.resume()

    def kill_all(self, word: str) -> None:
        for one in self.one.processes(word):
            kill(one)

    def while_carriers(self, **fault: object) -> None:
        """A fault of the carriers for a while."""
        away = self.set_fault(**fault)
        time.sleep(HELD)
        away()


FAULTS: dict[str, Callable[[Rig], None]] = {
    "restart of PostgreSQL": Rig.restart_postgres,
    "every database session ended": Rig.end_sessions,
    "restart of Redis": Rig.restart_redis,
    "Redis does not answer": Rig.hold_redis,
    "worker killed": lambda rig: rig.kill_all("--app config worker"),
    "beat killed": lambda rig: rig.kill_all("--app config beat"),
    "web server killed": lambda rig: rig.kill_all("granian"),
    "Redis killed": lambda rig: rig.kill_all("redis-server"),
    "PostgreSQL killed": lambda rig: rig.kill_all("bin/postgres -D"),
    "keeper of the servers killed": lambda rig: rig.kill_all("embedded.keeper"),
    "carrier answers 503": lambda rig: rig.while_carriers(kind="error", carrier="simbase", status=503),
    "carrier answers with a web page": lambda rig: rig.while_carriers(kind="html", carrier="simbase"),
    "carrier cuts connections": lambda rig: rig.while_carriers(kind="drop_before", carrier="simbase"),
    "carrier cuts answers short": lambda rig: rig.while_carriers(kind="truncate", carrier="simbase"),
    "carrier hangs": lambda rig: rig.while_carriers(kind="hang", carrier="simbase"),
    "carrier slow": lambda rig: rig.while_carriers(kind="delay", carrier="simbase", seconds=3),
    "carrier says: not now, for ten years": lambda rig: rig.while_carriers(
        kind="error", carrier="simbase", path="^/simcards/[0-9]+$", status=429, retry_after=315360000
    ),
    "one record is odd": lambda rig: rig.while_carriers(kind="usage_text", carrier="simbase", row=3),
    "a counter of 2^63": lambda rig: rig.while_carriers(kind="usage_huge", carrier="simbase", row=3),
    "a time in the year to come": lambda rig: rig.while_carriers(
        kind="update_ahead", carrier="simbase", row=3, seconds=31536000
    ),
    "a list of two billion pages": lambda rig: rig.while_carriers(kind="pages", carrier="simbase", rows=2**31 - 1),
    "trailing commas": lambda rig: rig.while_carriers(kind="trailing_comma", carrier="simbase"),
    "tokens expire": lambda rig: rig.while_carriers(kind="expire_token", carrier="iotportal", share=0.3),
    "carrier acts and cuts the connection": lambda rig: rig.while_carriers(kind="drop_after", carrier="simbase"),
    "carrier acts and hangs": lambda rig: rig.while_carriers(kind="hang_after", carrier="simbase"),
    "figures of an hour ago": lambda rig: rig.while_carriers(kind="stale", carrier="simbase", seconds=3600),
    "pages overlap": lambda rig: rig.while_carriers(kind="overlap", carrier="simbase", rows=5),
    "a row comes twice": lambda rig: rig.while_carriers(kind="repeat", carrier="simbase", row=3),
    "a row without an ICCID": lambda rig: rig.while_carriers(kind="missing_iccid", carrier="simbase", row=3),
    "a state that nobody knows": lambda rig: rig.while_carriers(kind="unknown_status", carrier="simbase", row=3),
    "a counter below zero": lambda rig: rig.while_carriers(kind="usage_negative", carrier="simbase", row=3),
    "a counter that is null": lambda rig: rig.while_carriers(kind="usage_null", carrier="simbase", row=3),
    "a counter with a fraction": lambda rig: rig.while_carriers(kind="usage_fraction", carrier="simbase", row=3),
    "status calls are odd": lambda rig: rig.while_carriers(kind="html", carrier="simbase", path="^/simcards/[0-9]+$"),
}


def played(rig: Rig, name: str, within: float) -> dict[str, Any]:
    """One fault and what came of it; well where everything is read again within so many seconds."""
    result: dict[str, Any] = {"fault": name}
    began = time.monotonic()
    try:
        FAULTS[name](rig)
        began, since = time.monotonic(), rig.one.now()
        result["seconds"] = round(rig.read_again(limit=120, since=since), 1)
        rig.read_again(limit=180, statement=UNREAD_LINES, since=since)
        result["whole"] = round(time.monotonic() - began, 1)
        result["ok"] = result["seconds"] <= within
    except (TimeoutError, AssertionError) as error:
        result |= {"ok": False, "why": str(error)}
    status, seconds = rig.one.page()
    while status != 200 and time.monotonic() - began < within:  # a web server that was killed is being started
        time.sleep(0.3)
        status, seconds = rig.one.page()
    result |= {"page": status, "page_seconds": round(seconds, 2), "page_after": round(time.monotonic() - began, 1)}
    result["ok"] = result["ok"] and status == 200
    return result


def all_played(one: Installation, names: Sequence[str], within: float) -> tuple[list[dict[str, Any]], bool]:
    """One fault after another, and whether the books are right afterwards."""
    rig = Rig(one)
    rig.read_again(limit=120, statement=UNREAD_LINES)
    return [played(rig, name, within) for name in names], books_are_right()


def books_are_right() -> bool:
    found = subprocess.run(
        [sys.executable, "manage.py", "check_books"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.returncode == 0


def kept(section: str) -> dict[str, str]:
    """The rows of a section of docs/reliability.md by their faults: what did not run again stays, with its day."""
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return {name: row for row in rows if (name := row.split("|")[1].strip()) in FAULTS}


def page(results: list[dict[str, Any]], *, books: bool, seen: str, before: dict[str, str]) -> str:
    """A section of docs/reliability.md: this run, and what is known of the faults that were not played in it."""
    rows = before | {
        one["fault"]: f"| {one['fault']} | {one.get('seconds', '-')} | {one.get('whole', '-')} | {one['page']}"
        f" after {one['page_after']} s | {seen} | {'yes' if one['ok'] else 'NO: ' + one.get('why', 'too slow')} |"
        for one in results
    }
    table = "\n".join(rows[name] for name in FAULTS if name in rows)
    return (
        "An installation of 500 SIMs with web server, worker and beat; after each fault ends, the seconds until"
        f" every carrier\nwas read again (at most {LIMIT:.0f}), until all of its lines were, and until the login page"
        " answered.\n\n"
        "| fault | read again after, s | all read again after, s | login page | seen, UTC | ok |\n"
        f"|---|---|---|---|---|---|\n{table}\n\n"
        f"The books after the last run (`check_books`): {'right' if books else 'WRONG'}."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=FAULTS)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--plant", default="", choices=plants_of("faults"), help="a fault that must be caught")
    chosen = parser.parse_args()
    plant(chosen.plant)
    names = chosen.only or (SHORT if chosen.short else list(FAULTS))
    with installation(simbase=chosen.lines - chosen.lines // 2, iotportal=chosen.lines // 2) as one:
        results, books = all_played(one, names, SOME_TIME if chosen.short else LIMIT)
    if chosen.report:
        seen = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}"
        before = kept(report.section("make faults"))
        report.write("make faults", page(results, books=books, seen=seen, before=before))
    told({"books": books, "faults": results})
    return 0 if books and all(one["ok"] for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
