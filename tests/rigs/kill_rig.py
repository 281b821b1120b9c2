"""Kills `manage.py sync` at random points, alone and two at once, and proves that one more sync makes it whole.

    python -m tests.rigs.kill_rig --rounds 50 [--seed 7] [--simbase 300] [--iotportal 40]

Each round: time goes on, SIMs use something, balances move; syncs are started and killed (SIGKILL); one more runs to
its end. Then every row of the books is compared with the oracle, every SIM with what its payer's balance allows. It
starts servers in a folder of its own and stops them; it prints one JSON document and exits 1 at the first difference.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Environment:
    """Sets variables of this process, and so of those it starts."""

    def setenv(self, name: str, value: str) -> None:
        os.environ[name] = value


def start_sync() -> subprocess.Popen[str]:
    """A sync as a process group of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "sync", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str]) -> bool:
    """Kills it at once; False when it had ended by itself."""
    if process.poll() is not None:
        process.communicate()
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return True


class Rig:
    """An installation with three payers and a fleet, and what was done to it."""

    def __init__(self, story: Any, chance: random.Random, simbase: int, iotportal: int) -> None:
        self.story = story
        self.chance = chance
        self.killed = self.ended = 0
        for kind, price in (("simbase", "0.01"), ("iotportal", "0.03")):
            story.carrier(kind, per_mb=price)
        for name in ("acme", "bolt", "cord"):
            story.account(name, credit="20.00")
        story.account("acme-north", parent="acme")
        holders = (("acme", "acme"), ("acme-north", "acme"), ("bolt", "bolt"), ("cord", "cord"))
        for kind, count in (("simbase", simbase), ("iotportal", iotportal)):
            iccids = story.sim.iccids(kind, 10_000)[:count]
            for number, (holder, payer) in enumerate(holders):
                story.lines(holder, kind, iccids[number :: len(holders)], payer=payer)
        self.iccids = list(story.oracle.lines)
        began = time.monotonic()
        self.whole_sync()
        self.seconds = time.monotonic() - began

    def round(self) -> None:
        chance, story = self.chance, self.story
        story.at((story.now + dt.timedelta(hours=chance.choice([1, 5, 13, 24, 200]))).isoformat()[:19])
        self.use()
        for name in ("acme", "bolt", "cord"):
            if chance.random() < 0.5:
                story.credit(name, chance.choice(["-9.00", "-4.00", "3.00", "15.00"]))
        for _ in range(chance.choice([1, 1, 2, 3])):
            self.interrupted()
            if chance.random() < 0.3:
                self.use()
        self.whole_sync()
        self.compare()

    def use(self) -> None:
        used = [
            {"iccid": iccid, "bytes": self.chance.choice([1, 999, 1_048_576, 7_000_001])}
            for iccid in self.chance.sample(self.iccids, max(1, len(self.iccids) // 3))
        ]
        self.story.sim.ask("POST", "/bytes", used)

    def interrupted(self) -> None:
        """One sync or two at once, killed somewhere between their first statement and their end."""
        syncs = [start_sync() for _ in range(self.chance.choice([1, 2]))]
        for sync in syncs:
            time.sleep(self.chance.uniform(0.25, 1.1) * self.seconds)
            if kill(sync):
                self.killed += 1
            else:
                self.ended += 1

    def whole_sync(self) -> None:
        self.story.oracle.seal(self.story.now.date())
        sync = start_sync()
        out, errors = sync.communicate(timeout=240)
        assert sync.returncode == 0, errors
        answer = json.loads(out)
        assert (answer["failed"], answer["errors"]) == (0, []), answer
        self.story.hear()

    def compare(self) -> None:
        from lines.models import Chunk, Drive, FinalTotal

        self.story.compare(rows=False)  # what is found late may be found in several pieces, each a row
        assert not Drive.objects.exists(), list(Drive.objects.values())
        assert not Chunk.objects.filter(reading_pass__finished_at=None).exists()
        assert not FinalTotal.objects.filter(done_at=None).exists()
        payers = [name for name in self.story.accounts if name != "acme-north"]
        red = {name for name in payers if self.story.balance(name)["colour"] == "red"}
        words = {sim["iccid"]: sim["status"] for sim in self.story.sim.fleet(limit=10_000)}
        for line in self.story.oracle.lines.values():
            assert (words[line.name] in ("enabled", "ACTIVATED")) == (line.payer not in red), line.name


def run(rounds: int, seed: int, simbase: int, iotportal: int) -> dict[str, Any]:
    """Plays so many rounds. Raises AssertionError at the first difference."""
    import django
    from simulator import running

    django.setup()
    from tests.worlds import Story

    with running(process=True, simbase=simbase, iotportal=iotportal, quiet=True, clock="2026-11-18") as sim:
        rig = Rig(Story(sim, Environment(), "2026-11-18T06:00"), random.Random(seed), simbase, iotportal)
        for number in range(rounds):
            try:
                rig.round()
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, round {number + 1}, {rig.story.now}: {error}") from error
        charged = sum(rig.story.oracle.usage().values())
        return {"rounds": rounds, "seed": seed, "killed": rig.killed, "ended": rig.ended, "charged": f"{charged:.6f}"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--simbase", type=int, default=300)
    parser.add_argument("--iotportal", type=int, default=40)
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(10**6)
    with tempfile.TemporaryDirectory(prefix="linekeeper-rig-") as folder:
        os.environ["LINEKEEPER_DATA"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.local"
        for name in ("DATABASE_URL", "REDIS_URL", "LINEKEEPER_NOW"):
            os.environ.pop(name, None)
        from embedded import services

        services.ensure_running()
        try:
            print(json.dumps(run(chosen.rounds, seed, chosen.simbase, chosen.iotportal)))
        except AssertionError:
            traceback.print_exc()
            return 1
        finally:
            from django.db import connections

            connections.close_all()
            services.leave(wait=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
