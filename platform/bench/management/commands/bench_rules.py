"""bench_rules: ten rules over a page and over a fleet."""

from __future__ import annotations

import resource
import time
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid
from kit.operator import OperatorCommand

from bench.database import throwaway_database
from bench.fleet import BIG_SHARE, seed
from bench.rules import LIMITS, PAGE, measure_rules

FEWEST_LINES = 5_000


class Command(OperatorCommand):
    help = "Measure ten rules over a page and over a fleet, in a database of its own, against the bare SQL."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--lines", type=int, default=100_000, metavar="N", help="size of the fleet (100000)")
        parser.add_argument("--accounts", type=int, default=100, metavar="N", help="accounts that share it (100)")
        parser.add_argument("--rounds", type=int, default=5, metavar="N", help="medians are taken (5)")
        parser.add_argument("--quick", action="store_true", help="5000 lines of 10 accounts, 2 rounds")

    def answer(self, **options: Any) -> dict[str, Any]:
        quick = options["quick"]
        asked = (options["lines"], options["accounts"], options["rounds"])
        lines, accounts, rounds = (FEWEST_LINES, 10, 2) if quick else asked
        if lines < FEWEST_LINES or not 2 <= accounts <= lines or rounds < 1:
            raise Invalid(f"It takes {FEWEST_LINES:,} lines or more, 2 accounts or more, and a round")
        with throwaway_database():
            self.stderr.write(f"Making {lines:,} lines of {accounts:,} accounts ...", self.style.NOTICE)
            began = time.monotonic()
            seed(lines=lines, accounts=accounts, big_lines=lines // BIG_SHARE)
            seeded = time.monotonic() - began
            measured = measure_rules(rounds=rounds, pages=5 if quick else 20)
        return {
            "lines": lines,
            "accounts": accounts,
            "rules_of_each_account": len(LIMITS),
            "seed_seconds": round(seeded, 1),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            **{name: round(value, 4) for name, value in asdict(measured).items()},
            "page_times_floor": round(measured.page_ms / measured.page_floor_ms, 1),
            "fleet_times_floor": round(measured.fleet_seconds / measured.fleet_floor_seconds, 1),
        }

    def as_text(self, answer: dict[str, Any]) -> str:
        page, fleet = f"a page of {PAGE} lines, found", f"all {answer['lines']:,} lines"
        return "\n".join(
            [
                f"{answer['rules_of_each_account']} rules of each of {answer['accounts']:,} accounts",
                f"  the fleet made in {answer['seed_seconds']:.0f} s; {answer['peak_memory_mb']} MB of memory at most",
                f"  {page:44}{answer['page_ms']:>10.2f} ms   {answer['page_times_floor']} times the bare SQL",
                f"  {'the same, taken and acted on':44}{answer['acting_ms']:>10.2f} ms",
                f"  {fleet:44}{answer['fleet_seconds']:>10.3f} s    {answer['fleet_times_floor']} times the bare SQL",
            ]
        )
