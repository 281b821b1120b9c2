"""Lets an installation work for long and looks whether anything grows that should not.

    python -m tests.rigs.soak [--minutes 30] [--lines 300] [--report]

Devices use data, people look at pages and switch lines, all the time. Each few seconds it counts: memory of each kind
of process (PSS), sessions of the database, open files, and rows of the tables that hold work. After a first third, in
which everything warms up, each must be flat: its middle in the last third no more than a little above its middle in
the second. It prints one JSON document, and exits 1 where something grew. `--report` writes docs/reliability.md.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.rigs import report
from tests.rigs.auditor import Audit
from tests.rigs.customers import Customers
from tests.rigs.idle import family, pss
from tests.rigs.installation import Installation, installation, told
from tests.rigs.plants import plant, plants_of

# What may be above its middle before it counts as growing: a share of it, and so much more.
ALLOWED = {"memory": (0.08, 8.0), "sessions": (0.1, 4.0), "files": (0.15, 20.0), "rows": (0.25, 200.0)}
# Work: rows come and go. What is kept on purpose (readings, days, entries, events) is named in docs/operating.md.
WORK = (
    "lines_chunk", "lines_drive", "lines_changedlines", "accounts_postedletter", "django_session", "cache",
    "lines_breaker", "billing_webhookevent",
)  # fmt: skip
PAGES = ("/accounts/login/", "/readyz", "/healthz")


@dataclass
class Soak:
    one: Installation
    slack: float = 1
    samples: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    served: int = 0
    failed: Counter[str] = field(default_factory=Counter)  # page and status

    def sample(self) -> None:
        memory: dict[str, float] = defaultdict(float)
        files: dict[str, float] = defaultdict(float)
        for pid, (name, process) in family(self.one.folder).items():
            memory[name] += pss(pid)
            files[name] += _files(process)
        for name in filter(None, memory):  # none: it ended while it was looked at
            self.samples[f"memory of {name}, MB"].append(memory[name])
            self.samples[f"files of {name}"].append(files[name])
        sessions = self.one.sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        self.samples["sessions of the database"].append(float(sessions[0][0]))
        for table in self.tables:
            self.samples[f"rows of {table}"].append(float(self.one.sql(f"SELECT count(*) FROM {table}")[0][0]))

    @property
    def tables(self) -> list[str]:
        there = {name for (name,) in self.one.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        return [table for table in WORK if table in there]

    def look(self) -> None:
        """What people and monitors ask for."""
        for path in PAGES:
            status, _ = self.one.page(path)
            self.served += 1
            if status >= 400:
                self.failed[f"{path}: {status}"] += 1

    def result(self) -> dict[str, Any]:
        series = {name: middles(values) for name, values in self.samples.items()}
        grown = {name: found for name, found in series.items() if grows(name, *found, slack=self.slack)}
        return {
            "ok": not grown and not self.failed,
            "grown": grown,
            "series": series,
            "pages": self.served,
            "failed": sum(self.failed.values()),
            "failures": dict(self.failed.most_common()),
        }


def _files(process: psutil.Process) -> float:
    try:
        return float(process.num_fds())
    except psutil.Error:
        return 0.0


def middles(values: list[float]) -> tuple[float, float]:
    """The medians of the second and of the last third."""
    third = max(1, len(values) // 3)
    return round(statistics.median(values[third : 2 * third] or values), 1), round(
        statistics.median(values[-third:]), 1
    )


def grows(name: str, before: float, after: float, *, slack: float = 1) -> bool:
    share, more = ALLOWED[name.split()[0]]
    return after > before * (1 + share * slack) + more * slack


def played(
    one: Installation, customers: Customers, *, minutes: float, every: float, slack: float = 1
) -> dict[str, Any]:
    """`slack`: how many times as much may be above, where there is little time to warm up."""
    soak = Soak(one, slack)
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        turn = time.monotonic() + every
        customers.use()
        customers.switch()
        soak.look()
        soak.sample()
        time.sleep(max(0.0, turn - time.monotonic()))
    result = soak.result() | {"minutes": minutes, "lines": len(customers.lines)}
    result["books"] = _books(customers)
    result["ok"] = result["ok"] and not result["books"]
    return result


def run(minutes: float, lines: int, every: float, seed: int = 7) -> dict[str, Any]:
    """With an installation of its own."""
    with installation(simbase=lines - lines // 3, iotportal=lines // 3) as one:
        return played(one, Customers(one, random.Random(seed)), minutes=minutes, every=every)


def _books(customers: Customers) -> list[str]:
    """What the auditor still finds wrong after a few minutes."""
    customers.settle_minds()
    end = time.monotonic() + 120
    while True:
        wrong: list[str] = Audit(customers.question()).run()["wrong"]
        if not wrong or time.monotonic() > end:
            return wrong[:5]
        time.sleep(1)


def page(result: dict[str, Any]) -> str:
    rows = "\n".join(
        f"| {name} | {before} | {after} | {'GREW' if name in result['grown'] else 'flat'} |"
        for name, (before, after) in sorted(result["series"].items())
    )
    return (
        f"{result['minutes']:.0f} minutes, {result['lines']} lines that use data and are switched all the time,"
        f" {result['pages']:,} pages asked for, {result['failed']} of them failed{_named(result['failures'])}."
        " The middle of the second third"
        f" beside that of the last.\n\n| what | before | after | |\n|---|---|---|---|\n{rows}\n\n"
        f"The books afterwards: {'right' if not result['books'] else 'WRONG: ' + '; '.join(result['books'])}.\n"
    )


def _named(failures: dict[str, int]) -> str:
    return f" ({', '.join(f'{count} x {what}' for what, count in failures.items())})" if failures else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two samples")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--plant", default="", choices=plants_of("soak"), help="a fault that must be caught")
    chosen = parser.parse_args()
    plant(chosen.plant)
    result = run(chosen.minutes, chosen.lines, chosen.every)
    told(result)
    if chosen.report:
        report.write("make soak", page(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
