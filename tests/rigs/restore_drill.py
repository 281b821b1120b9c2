"""Loses the database whole and brings it back to a moment, and to the end of its kept log; what came since is read.

    python -m tests.rigs.restore_drill [--given] [--simbase 300] [--iotportal 40] [--report]

It starts servers in a folder of its own, with an archive beside it. Lines use data, a base backup is taken, more
happens, somebody makes a mistake; PostgreSQL is killed and its folder deleted. `restore --until` must bring back every
row of that moment, books and audit true, and the next reading must charge what the carriers counted since, to the last
byte. A gap in the log must be refused with nothing replaced. `--given`: the PostgreSQL is none of ours, reached by TCP
as DATABASE_URL says, keeping its log with scripts/archive-wal; else the embedded one. Prints JSON; exits 1 where
anything differs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from tests.rigs.given_server import GivenServer
from tests.rigs.kill_rig import Environment, Rig
from tests.rigs.report import write

ROOT = Path(__file__).resolve().parents[2]
LOOKED_AT = {
    "balances": "SELECT account_id, posted, accrued, is_red FROM billing_wallet ORDER BY 1",
    "ledger": "SELECT id, account_id, kind, amount FROM billing_entry ORDER BY 1",
    "days": "SELECT line_id, day, payer_id, used, cost, fee FROM lines_lineday ORDER BY 1, 2, 3, used",
    "counters": "SELECT line_id, cycle, counter, baseline, wanted, reported FROM lines_linestate ORDER BY 1",
    "events": "SELECT id, at, verb FROM accounts_event ORDER BY 1",
}


class Drill(Rig):
    """An installation whose server keeps its log, and the steps that were taken with it."""

    steps: list[dict[str, Any]]
    given: GivenServer | None = None

    def step(self, name: str, began: float, **more: Any) -> None:
        self.steps.append({"step": name, "seconds": round(time.monotonic() - began, 1), **more})
        print(f"{self.steps[-1]}", file=sys.stderr, flush=True)

    def work(self, rounds: int) -> None:
        for _ in range(rounds):
            self.use()
            self.whole_sync()
            self.compare()

    def play(self, folder: Path) -> None:
        self.steps = []
        began = time.monotonic()
        self.work(2)
        self.step("work of two rounds", began)
        began = time.monotonic()
        base = manage("base_backup")
        self.step("base backup while it runs", began, megabytes=round(base["bytes"] / 1e6, 1))
        self.work(2)
        moment, then = now(), looked_at()
        self.use()
        self.whole_sync()
        self.mistake()
        late = looked_at()
        kept(folder)
        self.gap(folder, moment)
        self.lose()
        began = time.monotonic()
        told = manage("restore", "--until", moment, "--while-running")
        assert (told["books"], told["audit"]) == (True, True)
        same(then, looked_at())
        self.step("restored to a moment before the mistake", began, rows=sum(map(len, then.values())))
        self.catch_up()
        self.lose()
        began = time.monotonic()
        manage("restore", "--until", "latest", "--while-running")
        same(late, looked_at())
        self.step("lost again, restored to the end of the log", began, rows=sum(map(len, late.values())))

    def mistake(self) -> None:
        from tests.worlds import operator

        operator("credit", self.story.accounts["acme"], "5000.00", "--note", "to the wrong account")

    def gap(self, folder: Path, moment: str) -> None:
        """A file of the log is away: refused, and nothing is replaced."""
        began, before = time.monotonic(), looked_at()
        wal = sorted((folder / "wal").glob("*/*.gz"))
        missing = wal[-2]
        hidden = missing.rename(folder / missing.name)
        refused = run("restore", "--until", moment, "--while-running")
        hidden.rename(missing)
        assert refused.returncode == 1, refused.stdout
        assert "gap" in refused.stderr, refused.stderr
        same(before, looked_at())
        self.step("a gap in the log is refused, nothing is replaced", began)

    def lose(self) -> None:
        """PostgreSQL and its keeper are killed, and the folder of its data is deleted; an empty server comes up."""
        from django.db import connections
        from embedded import locks, postgres, services

        began = time.monotonic()
        connections.close_all()
        if self.given:
            self.given.lose()
            self.step("PostgreSQL killed, its data deleted, an empty one started", began)
            return
        data = postgres.data_folder()
        for pid in (locks.read_state(locks.keeper())[0], int((data / "postmaster.pid").read_text().split()[0])):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        services.leave()
        while services.is_running():
            time.sleep(0.05)
        shutil.rmtree(data)
        services.ensure_running(migrate=False)
        self.step("PostgreSQL killed, its data deleted, an empty one started", began)

    def catch_up(self) -> None:
        """What lines used since the moment is in their carriers' counters."""
        from lines.models import LineDay

        began, before = time.monotonic(), sum(LineDay.objects.values_list("used", flat=True))
        assert run("migrate", "--verbosity", "0").returncode == 0
        self.whole_sync()
        self.compare()
        assert run("check_books").returncode == 0
        assert run("check_audit").returncode == 0
        caught = sum(LineDay.objects.values_list("used", flat=True)) - before
        assert caught > 0
        self.step("caught up from the carriers' counters, books and audit true", began, bytes=caught)


def manage(*arguments: str) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command as an operator runs it."""
    from django.db import connections

    connections.close_all()
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def looked_at() -> dict[str, list[Any]]:
    from django.db import connection

    with connection.cursor() as cursor:
        found = {}
        for name, query in LOOKED_AT.items():
            cursor.execute(query)
            found[name] = cursor.fetchall()
    return found


def same(expected: dict[str, list[Any]], found: dict[str, list[Any]]) -> None:
    for name, rows in expected.items():
        assert rows == found[name], f"{name}: {len(rows)} rows then, {len(found[name])} now, and they differ"


def now() -> str:
    """The server's own time, as a person writes it; the next transaction comes after it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return str(cursor.fetchone()[0].isoformat())


def kept(folder: Path) -> None:
    """Waits until all that was written is in the archive, as it is by itself within a minute."""
    import psycopg
    from embedded import addresses

    with psycopg.connect(addresses.owner_url(), autocommit=True) as owner:
        found = owner.execute("SELECT pg_walfile_name(pg_current_wal_lsn()), pg_switch_wal()").fetchone()
    name = found[0] if found else ""
    while not list(folder.glob(f"wal/*/{name}.gz")):
        time.sleep(0.1)


def report(done: dict[str, Any]) -> str:
    names = {"rows": "rows compared", "bytes": "bytes found in counters", "megabytes": "MB"}
    rows = []
    for step in done["steps"]:
        what = ", ".join(f"{step[key]:,} {name}" for key, name in names.items() if key in step)
        rows.append(f"| {step['step']} | {step['seconds']} | {what} |")
    return (
        f"{done['lines']} lines of two carriers; every row of {', '.join(LOOKED_AT)} is compared with what it was at"
        " the\nmoment, and afterwards with a second computation of all money: 0.000000 USD off.\n\n"
        "| step | seconds | seen |\n|---|---|---|\n" + "\n".join(rows)
    )


def drill(folder: Path, given: GivenServer | None, seed: int, simbase: int, iotportal: int) -> dict[str, Any]:
    import django
    from simulator import running

    django.setup()
    from tests.worlds import Story

    with running(process=True, simbase=simbase, iotportal=iotportal, quiet=True, clock="2026-11-18") as sim:
        story = Story(sim, Environment(), "2026-11-18T06:00")
        rig = Drill(story, random.Random(seed), simbase, iotportal)
        rig.given = given
        rig.play(folder)
        return {"seed": seed, "lines": simbase + iotportal, "steps": rig.steps}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--simbase", type=int, default=300)
    parser.add_argument("--iotportal", type=int, default=40)
    parser.add_argument("--given", action="store_true")
    parser.add_argument("--report", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="linekeeper-drill-") as root:
        os.environ |= {
            "LINEKEEPER_DATA": f"{root}/data",
            "WAL_ARCHIVE": f"{root}/archive",
            "DJANGO_SETTINGS_MODULE": "config.settings.local",
        }
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "LINEKEEPER_NOW"):
            os.environ.pop(name, None)
        from embedded import postgres, services

        from tests.preloaded import preload

        archive, given = Path(root) / "archive", None
        if chosen.given:
            given = GivenServer(Path(root) / "given", archive, Path(postgres.binary("postgres")).parent)
        try:
            if given:
                given.start()
                os.environ["DATABASE_URL"] = given.url
            else:
                preload(Path(root) / "data")
            services.ensure_running()
            assert run("migrate", "--verbosity", "0").returncode == 0
            done = drill(archive, given, chosen.seed, chosen.simbase, chosen.iotportal)
        except AssertionError:
            traceback.print_exc()
            return 1
        finally:
            from django.db import connections

            connections.close_all()
            services.leave(wait=True)
            if given:
                given.stop()
    print(json.dumps(done))
    if chosen.report:
        write("make restore-drill" + (", a given PostgreSQL" if chosen.given else ""), report(done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
