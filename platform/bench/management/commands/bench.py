"""bench [--lines N] [--accounts N] [--rounds N] [--quick]: how fast the hot paths are, against what could be."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import asdict
from types import ModuleType
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection
from kit.errors import Invalid
from kit.operator import OperatorCommand

from bench import bundles, calls, dialects, lists, pages
from bench.database import throwaway_database
from bench.fleet import BIG_SHARE, Fleet, seed
from bench.report import Row, table
from bench.rounds import Bench, Case, Measured
from lines.books import check_books

FEWEST_LINES = 1_000
PARTS = (calls, lists, pages, dialects, bundles)  # what each adds to the table: `rows`
MOST_ROUNDS = 6  # the days that rounds open stay in one month


class Command(OperatorCommand):
    help = "Measure the hot paths in a database of its own, against the least SQL that could do it and an ORM loop."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--lines", type=int, metavar="N", help="size of the fleet (100000)")
        parser.add_argument("--accounts", type=int, metavar="N", help="accounts that share it (a hundredth)")
        parser.add_argument("--rounds", type=int, metavar="N", help=f"1 to {MOST_ROUNDS}; medians are taken (5)")
        parser.add_argument("--quick", action="store_true", help="20000 lines, 3 short rounds: under a minute")

    def answer(self, **options: Any) -> dict[str, Any]:
        began = time.monotonic()
        quick = options["quick"]
        lines = options["lines"] or (20_000 if quick else 100_000)
        accounts = options["accounts"] or max(10, lines // 100)
        rounds = options["rounds"] or (3 if quick else 5)
        _check(lines, accounts, rounds)
        with throwaway_database():
            self._say(f"Making {lines:,} lines of {accounts:,} accounts")
            bench = Bench(
                seed(lines=lines, accounts=accounts, big_lines=lines // BIG_SHARE),
                pages=5 if quick else 20,
                orm_lines=25 if quick else 250,
            )
            bench.warm_up()
            for number in range(1, rounds + 1):
                self._say(f"Round {number} of {rounds}")
                bench.round(number)
            checks = self._prove()
            machine = _machine()
        with throwaway_database():
            self._say(f"Making {lines:,} lines of one account")
            fleet = seed(lines=lines, accounts=2, big_lines=lines)
            more = [row for part in PARTS for row in self._more(part, fleet, rounds)]
            checks += self._prove()
        return {
            "machine": machine,
            "lines": lines,
            "accounts": accounts,
            "rounds": rounds,
            "applying": {case.name: _applying(case, bench.measured) for case in bench.cases},
            "enforcing": _enforcing(bench),
            "looking": _looking(bench.measured),
            "more": [asdict(row) for row in more],
            "books_add_up": all(check["ok"] for check in checks),
            "broken_rules": [check["name"] for check in checks if not check["ok"]],
            "seconds": round(time.monotonic() - began, 1),
        }

    def _more(self, part: ModuleType, fleet: Fleet, rounds: int) -> list[Row]:
        self._say(part.__name__)
        found: list[Row] = part.rows(fleet, rounds)
        return found

    def _prove(self) -> list[dict[str, Any]]:
        self._say("Proving that what was measured left true books")
        return list(check_books()["checks"])

    def exit_code(self, answer: dict[str, Any]) -> int:
        return 0 if answer["books_add_up"] else 1

    def as_text(self, answer: dict[str, Any]) -> str:
        return table(answer)

    def _say(self, what: str) -> None:
        """Progress goes to standard error: standard output is the answer alone."""
        self.stderr.write(f"{what} ...", self.style.NOTICE)


def _check(lines: int, accounts: int, rounds: int) -> None:
    if lines < FEWEST_LINES:
        raise Invalid(f"A fleet has at least {FEWEST_LINES:,} lines here")
    if not 2 <= accounts <= lines:
        raise Invalid("Lines are shared by 2 accounts or more, and by no more than there are lines")
    if not 1 <= rounds <= MOST_ROUNDS:
        raise Invalid(f"It takes 1 to {MOST_ROUNDS} rounds")


def _machine() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('synchronous_commit')")
        version, synchronous_commit = cursor.fetchone()
    return {"cores": os.cpu_count(), "postgresql": version.split()[0], "synchronous_commit": synchronous_commit}


def _applying(case: Case, measured: Measured) -> dict[str, Any]:
    """Lines a second, and the hot path's rate as a part of the floor's and a multiple of the ORM's."""
    rates = {way: measured.median(case.name, way) for way in ("hot_path", "floor", "orm")}
    hot_path = rates["hot_path"] or 0.0
    return {
        "lines_a_call": case.size,
        **{way: None if rate is None else round(rate) for way, rate in rates.items()},
        "ms_a_call": round(1000 * case.size / hot_path, 2),
        "of_floor": _rounded(measured.ratio(case.name, "hot_path", "floor"), 3),
        "times_orm": _rounded(measured.ratio(case.name, "hot_path", "orm"), 1),
    }


def _rounded(number: float | None, places: int) -> float | None:
    return None if number is None else round(number, places)


def _enforcing(bench: Bench) -> dict[str, Any]:
    seconds = {name: statistics.median(bench.measured.seconds[name]) for name in ("suspend", "reactivate")}
    return {
        "lines": bench.fleet.big_lines,
        **{f"{name}_seconds": round(took, 3) for name, took in seconds.items()},
        **{f"{name}_lines_a_second": round(bench.fleet.big_lines / took) for name, took in seconds.items()},
    }


def _looking(measured: Measured) -> dict[str, float]:
    """Milliseconds: the colours of all accounts, one account's balance, the first page of the list of lines."""
    names = ("colours", "balance", "lines_list")
    return {f"{name}_ms": round(1000 * statistics.median(measured.seconds[name]), 3) for name in names}
