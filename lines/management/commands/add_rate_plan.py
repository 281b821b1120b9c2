"""add_rate_plan NAME --carrier NAME --per-mb 0.01 [--per-sms 0.05] [--per-day 0] [--per-month 0] [--activation 0]
[--included-mb MB [--pooled]] [--for UUID...]."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit import money
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from lines.commands.prices import Terms
from lines.commands.stock import add_rate_plan
from lines.management.naming import carrier_named


class Command(OperatorCommand):
    help = "Add a rate plan with its prices in USD."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--carrier", required=True, metavar="NAME")
        parser.add_argument("--per-mb", required=True, metavar="USD", help="for 1,048,576 bytes")
        parser.add_argument("--per-sms", default="0.05", metavar="USD", help="for a message to a device (0.05)")
        parser.add_argument("--per-day", default="0", metavar="USD", help="for each day that a line is active (0)")
        parser.add_argument("--per-month", default="0", metavar="USD", help="for a line and month, by days (0)")
        parser.add_argument("--activation", default="0", metavar="USD", help="once for each line (0)")
        parser.add_argument(
            "--included-mb", type=int, metavar="MB", help="included for a line and month; --per-mb costs what is beyond"
        )
        parser.add_argument("--pooled", action="store_true", help="an account’s lines have what is included together")
        parser.add_argument("--for", nargs="+", metavar="UUID", dest="accounts", help="only these accounts may take it")
        parser.add_argument("--carrier-plan", default="", metavar="ID", help="the carrier's plan for its lines")

    def answer(self, **options: Any) -> dict[str, Any]:
        prices = {name: money.parse(options[name]) for name in ("per_mb", "per_sms", "per_day")}
        fees = {name: money.parse(options[name]) for name in ("per_month", "activation")}
        terms = Terms(**fees, included_mb=options["included_mb"], is_pooled=options["pooled"])
        plan = add_rate_plan(
            name=options["name"],
            carrier=carrier_named(options["carrier"]),
            by=OPERATOR,
            code=options["carrier_plan"],
            accounts=[account_by_uuid(uuid) for uuid in options["accounts"]] if options["accounts"] else None,
            terms=terms,
            **prices,
        )
        return {"rate_plan": plan.name, "carrier": plan.carrier.name, **prices, **terms.facts}
