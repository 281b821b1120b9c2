"""bench_walls [--lines N] [--rounds N] [--only WORDS]: what the database's wall between accounts costs each read."""

from __future__ import annotations

import statistics
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid
from kit.operator import OperatorCommand

from bench.database import throwaway_database
from bench.fleet import seed
from bench.walls import Cost, costs

FEWEST_LINES = 100


class Command(OperatorCommand):
    help = "Measure what each read of a large account costs behind the database's wall and without it, in turns."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--lines", type=int, default=2_000, metavar="N", help="lines of the account (2000)")
        parser.add_argument("--rounds", type=int, default=40, metavar="N", help="of each read, each way (40)")
        parser.add_argument("--only", default="", metavar="WORDS", help="reads with these words in their name")

    def answer(self, **options: Any) -> dict[str, Any]:
        lines, rounds, only = options["lines"], options["rounds"], options["only"]
        if lines < FEWEST_LINES or rounds < 1:
            raise Invalid(f"It takes {FEWEST_LINES} lines or more, and a round or more")
        with throwaway_database():
            found = costs(seed(lines=lines, accounts=2, big_lines=lines), rounds, only)
        if not found:
            raise Invalid("No read has these words in its name")
        return {
            "lines": lines,
            "rounds": rounds,
            "reads": [{**asdict(cost), "more": round(cost.more, 4)} for cost in found],
            "median_more": round(statistics.median(cost.more for cost in found), 4),
        }

    def as_text(self, answer: dict[str, Any]) -> str:
        lines = [f"{'Milliseconds of the processor':44}{'without':>9}{'behind':>9}{'more':>9}"]
        for read in answer["reads"]:
            cost = Cost(read["what"], read["without"], read["behind"])
            lines.append(f"{cost.what:44}{cost.without:>9.2f}{cost.behind:>9.2f}{cost.more:>+9.1%}")
        return "\n".join([*lines, f"{'median':62}{answer['median_more']:>+9.1%}"])
