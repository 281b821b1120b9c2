"""bench_api [--lines N] [--rounds N] [--clients N] [--seconds S]: the API over the production web server."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid
from kit.operator import OperatorCommand

from bench import served
from bench.database import throwaway_database
from bench.fleet import seed

FEWEST_LINES = 100


class Command(OperatorCommand):
    help = "Measure calls a second of the API over the production web server, beside a bare view of the same bytes."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--lines", type=int, default=100_000, metavar="N", help="lines of the account (100000)")
        parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of each call; medians are taken (5)")
        parser.add_argument("--clients", type=int, default=8, metavar="N", help="that call at once (8)")
        parser.add_argument("--seconds", type=float, default=2.0, metavar="S", help="of a round (2)")

    def answer(self, **options: Any) -> dict[str, Any]:
        given = {name: options[name] for name in ("rounds", "clients", "seconds")}
        lines = options["lines"]
        if lines < FEWEST_LINES or min(given.values()) <= 0:
            raise Invalid(f"It takes {FEWEST_LINES} lines or more, and a round, a client and some time")
        with throwaway_database():
            found = served.rates(seed(lines=lines, accounts=2, big_lines=lines), **given)
        return {"lines": lines, **given, "calls": [asdict(rate) for rate in found]}

    def as_text(self, answer: dict[str, Any]) -> str:
        rows = [f"{'Calls a second, all clients together':40}{'the API':>10}{'bare':>10}{'of bare':>10}"]
        rows += [
            f"{call['what']:40}{call['a_second']:>10,.0f}{call['bare']:>10,.0f}{call['of_bare']:>10.2f}"
            for call in answer["calls"]
        ]
        return "\n".join(rows)
