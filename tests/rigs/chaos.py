"""Kills everything, again and again, while customers go on; then an auditor from outside looks at what came of it.

    python -m tests.rigs.chaos [--kills 1000 | --minutes 30] [--seed 7] [--lines 90] [--report] [--plant NAME]

A round: for some forty kills processes die (SIGKILL), Redis forgets everything, sessions end, the carriers and the
payments lose answers, news of payments comes twice and shuffled, and one customer's receiver of webhooks hangs. Then
it is quiet, and within five minutes the auditor (tests/rigs/auditor.py) must find nothing wrong. It prints one JSON
document, and exits 1 at the first round that does not come right. `--report` writes docs/reliability.md, where each run
adds its row to the record of all.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.rigs import report
from tests.rigs.customers import Customers
from tests.rigs.installation import PATIENCE, Installation, installation, kill, line_of, told
from tests.rigs.plants import plant, plants_of
from tests.rigs.receivers import Receivers, receivers

ROOT = Path(__file__).resolve().parents[2]
RIGHT_WITHIN = 300.0  # seconds
ROUND = 40  # kills
PAUSE = (0.2, 1.0)  # seconds between two blows
YOUNG = 1.0  # seconds: who was started just now is left to begin
LOST = ("drop_after", "drop_before", "error", "truncate")


def audit(question: dict[str, Any]) -> dict[str, Any]:
    """What the auditor says, who is a process of its own."""
    asked = subprocess.run(
        [sys.executable, "-m", "tests.rigs.auditor"],
        cwd=ROOT,
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    if not asked.stdout:
        return {"wrong": [f"the auditor could not ask: {asked.stderr.strip().splitlines()[-1:]}"]}
    found: dict[str, Any] = json.loads(asked.stdout)
    return found


@dataclass
class Chaos:
    one: Installation
    customers: Customers
    receivers: Receivers
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    blows: Counter[str] = field(default_factory=Counter)
    right_after: list[float] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    def round(self, kills: int) -> None:
        until = sum(self.kills.values()) + kills
        self.customers.pay()
        while sum(self.kills.values()) < until:
            self.chance.choice(self.shots if self.chance.random() < 0.75 else self.others)()
            if self.chance.random() < 0.5:
                self.customers.act()
            time.sleep(self.chance.uniform(*PAUSE))
        self.quiet()
        self.must_come_right()

    @property
    def shots(self) -> list[Callable[[], None]]:
        """Workers and sessions most, as they hold what is being done."""
        return [
            lambda: self.shoot("worker", "--app config worker"),
            lambda: self.shoot("worker", "--app config worker"),
            lambda: self.shoot("beat", "--app config beat"),
            lambda: self.shoot("web", "granian"),
            lambda: self.shoot("session", "postgres: linekeeper"),
            lambda: self.shoot("session", "postgres: linekeeper"),
            lambda: self.shoot("PostgreSQL", "bin/postgres -D"),
            lambda: self.shoot("Redis", "redis-server"),
            lambda: self.shoot("keeper", "embedded.keeper") if self.chance.random() < 0.2 else None,
        ]

    @property
    def others(self) -> list[Callable[[], None]]:
        return [self.flush, self.end_sessions, self.lose_answers, self.lose_payments, self.tell_again]

    def shoot(self, name: str, *words: str) -> None:
        """One of these processes, by chance."""
        found = [one for one in self.found(*words) if _age(one) > YOUNG]
        if found and kill(self.chance.choice(found)):
            self.kills[name] += 1

    def found(self, *words: str) -> list[psutil.Process]:
        """Sessions say nothing of their folder: they are children of its server."""
        if not words[0].startswith("postgres:"):
            return self.one.processes(*words)
        servers = self.one.processes("bin/postgres -D")
        with contextlib.suppress(psutil.Error):
            return [child for server in servers for child in server.children() if words[0] in line_of(child)]
        return []

    def flush(self) -> None:
        import redis
        from embedded import addresses

        self.blows["FLUSHALL"] += 1
        with contextlib.suppress(redis.RedisError, OSError):
            redis.Redis.from_url(addresses.redis_url(), socket_timeout=2).flushall()

    def end_sessions(self) -> None:
        self.blows["all sessions ended"] += 1
        self.one.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def lose_answers(self) -> None:
        """A carrier does what it is asked and says nothing of it, or says no, for some calls."""
        self.blows["carriers lose answers"] += 1
        self.one.carriers.fault(self.chance.choice(LOST), share=0.4, count=20, for_seconds=10, status=503)

    def lose_payments(self) -> None:
        self.blows["payments lose answers"] += 1
        self.one.payments.fail_next(self.chance.choice(["lost", "broken-after", "down"]))

    def tell_again(self) -> None:
        """All news of payments until now, twice, in any order."""
        self.blows["payment news doubled and shuffled"] += 1
        events = self.one.payments.events() * 2
        for event in self.chance.sample(events, min(len(events), 40)):
            body, signature = self.one.payments.signed(event)
            asked = urllib.request.Request(
                f"http://127.0.0.1:{self.one.web}/billing/stripe/webhook/",
                body.encode(),
                {"Content-Type": "application/json", "Stripe-Signature": signature},
            )
            with contextlib.suppress(OSError, urllib.error.HTTPError):
                urllib.request.urlopen(asked, timeout=3).close()

    def quiet(self) -> None:
        """Nothing is broken any more; what people wanted last stands, and all news of payments comes once more."""
        self.one.carriers.ask("DELETE", "/faults")
        self.one.payments.fail_next()
        self.customers.settle_minds()
        self.customers.use()
        end = time.monotonic() + PATIENCE
        while self.one.page()[0] != 200 and time.monotonic() < end:
            time.sleep(0.3)
        self.tell_again()

    def must_come_right(self) -> None:
        """Raises AssertionError with what is wrong after five minutes."""
        began = time.monotonic()
        while True:
            self.last = audit(self.customers.question(self.receivers.heard, self.receivers.good))
            seconds = time.monotonic() - began
            if not self.last["wrong"]:
                self.right_after.append(round(seconds, 1))
                return
            if seconds > RIGHT_WITHIN:
                raise AssertionError("; ".join(self.last["wrong"][:10]))
            if self.one.failure:
                raise AssertionError(f"the installation ended: {self.one.failure}")
            time.sleep(1)

    def result(self, *, minutes: float, why: str = "") -> dict[str, Any]:
        kept = {name: value for name, value in self.last.items() if name != "wrong"}
        return {
            "ok": not why,
            "why": why,
            "minutes": round(minutes, 1),
            "rounds": len(self.right_after),
            "kills": sum(self.kills.values()),
            "killed": dict(self.kills.most_common()),
            "blows": dict(self.blows.most_common()),
            "acts": self.customers.acts,
            "right_after": self.right_after,
            **kept,
        }


def _age(process: psutil.Process) -> float:
    try:
        return time.time() - float(process.create_time())
    except psutil.Error:
        return 0.0


def played(
    one: Installation, customers: Customers, listening: Receivers, *, kills: int, minutes: float, seed: int, each: int
) -> dict[str, Any]:
    """Rounds until there were so many kills, or the time is over."""
    began, why = time.monotonic(), ""
    chaos = Chaos(one, customers, listening, random.Random(seed))
    try:
        chaos.must_come_right()
        chaos.right_after.clear()
        while sum(chaos.kills.values()) < kills and time.monotonic() - began < minutes * 60:
            chaos.round(min(each, kills - sum(chaos.kills.values())))
            sys.stderr.write(f"{sum(chaos.kills.values())} kills, right after {chaos.right_after[-1]} s\n")
    except (AssertionError, TimeoutError) as failure:
        why = f"round {len(chaos.right_after) + 1}: {failure}"
    result = chaos.result(minutes=(time.monotonic() - began) / 60, why=why)
    return result | {"seed": seed, "lines": len(customers.lines)}


def run(kills: int, minutes: float, seed: int, lines: int, each: int = ROUND) -> dict[str, Any]:
    """With an installation of its own."""
    with receivers() as listening, installation(simbase=lines - lines // 3, iotportal=lines // 3) as one:
        customers = Customers(one, random.Random(seed))
        customers.give_cards_and_addresses(listening)
        return played(one, customers, listening, kills=kills, minutes=minutes, seed=seed, each=each)


RECORD = "### Runs on record"
# What a run that failed before it was audited has no figure for is a dash.
COUNTS = ("kills", "bytes", "bytes_lost", "bytes_doubled", "payments", "payments_lost", "payments_doubled")
MORE_COUNTS = ("webhooks", "webhooks_lost", "lines_wrong")
HEADINGS = (
    "| ended, UTC | kills | bytes | lost | doubled | payments | lost | doubled | webhooks | lost | lines wrong"
    " | USD off | right |"
)


def row(result: dict[str, Any], ended: str) -> str:
    """A run's line in the record."""
    counts = [f"{result[name]:,}" if name in result else "-" for name in COUNTS + MORE_COUNTS]
    return f"| {' | '.join([ended, *counts, result.get('usd_off', '-'), 'yes' if result['ok'] else 'NO'])} |"


def record(section: str) -> list[str]:
    """The rows of runs that a section of docs/reliability.md holds, the newest first."""
    _, _, kept = section.partition(RECORD)
    return [line for line in kept.splitlines() if line.startswith("| 2")]


def sum_of(rows: list[str]) -> str:
    """The record's last row; USD are added whichever way they are off."""
    cells = [[cell.strip() for cell in one.strip("|").split("|")] for one in rows]
    sums = [sum(int(one[at].replace(",", "")) for one in cells if one[at] != "-") for at in range(1, len(cells[0]) - 2)]
    off = sum(abs(float(one[-2])) for one in cells if one[-2] != "-")
    right = sum(one[-1] == "yes" for one in cells)
    counts = " | ".join(f"{count:,}" for count in sums)
    return f"| all | {counts} | {off:.6f} | {right} of {len(cells)} |"


def page(result: dict[str, Any], rows: list[str]) -> str:
    """The section of docs/reliability.md: this run, and the record of all with it."""
    table = "\n".join([HEADINGS, "|---" * HEADINGS.count(" | ") + "|---|", *rows, sum_of(rows)])
    after = result["right_after"] or [0.0]
    what = ", ".join(f"{count:,} x {name}" for name, count in result["killed"].items())
    blows = ", ".join(f"{count:,} x {name}" for name, count in result["blows"].items())
    return (
        f"{result['kills']:,} kills in {result['rounds']} rounds, {result['minutes']} minutes; {result['lines']}"
        f" lines of two carriers and three accounts, seed {result['seed']}.\nKilled: {what}.\nBeside it: {blows}, and a"
        f" receiver of webhooks that takes connections and never answers.\nMeanwhile customers did {result['acts']:,}"
        " things: used data, switched lines, ran out of money, paid by card.\n\n"
        "| after each round the auditor found | |\n|---|---|\n"
        f"| bytes lost / doubled, of {result.get('bytes', 0):,} | {result.get('bytes_lost', '-')} /"
        f" {result.get('bytes_doubled', '-')} |\n"
        f"| payments lost / doubled, of {result.get('payments', 0):,} | {result.get('payments_lost', '-')} /"
        f" {result.get('payments_doubled', '-')} |\n"
        f"| webhooks called delivered that nobody took, of {result.get('webhooks', 0):,} |"
        f" {result.get('webhooks_lost', '-')} |\n"
        f"| USD off | {result.get('usd_off', '-')} |\n"
        f"| lines in a wrong state | {result.get('lines_wrong', '-')} |\n"
        f"| everything right after: median, longest | {sorted(after)[len(after) // 2]:.0f} s, {max(after):.0f} s |\n\n"
        + ("Nothing was lost." if result["ok"] else f"NOT RIGHT: {result['why']}")
        + f"\n\n{RECORD}\nEach run has an installation of its own, and adds its row.\n\n{table}\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=240, help="no round begins after so many")
    parser.add_argument("--each", type=int, default=ROUND, help="kills in a round")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--lines", type=int, default=90)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--plant", default="", choices=plants_of("chaos"), help="a fault that must be caught")
    chosen = parser.parse_args()
    plant(chosen.plant)
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(10**6)
    result = run(chosen.kills, chosen.minutes, seed, chosen.lines, chosen.each)
    told(result)
    if chosen.report:
        rows = [row(result, f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}"), *record(report.section("make chaos"))]
        report.write("make chaos", page(result, rows))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
