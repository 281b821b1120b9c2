"""add_carrier NAME --kind KIND --url URL --secret KEY=VALUE... [--cycle-day N]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.carriers import CLIENTS
from lines.commands.stock import add_carrier


class Command(OperatorCommand):
    help = "Make a carrier's API known. Its credentials are encrypted at rest."

    def take(self, parser: CommandParser) -> None:
        needed = "; ".join(
            f"{kind}: {' and '.join(sorted(client.secret_names))}" for kind, client in sorted(CLIENTS.items())
        )
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--kind", required=True, choices=sorted(CLIENTS))
        parser.add_argument("--url", required=True, metavar="URL", help="the API's root")
        parser.add_argument(
            "--secret",
            action="append",
            nargs="+",
            default=[],
            metavar="KEY=VALUE",
            help=f"{needed}; a VALUE is @FILE, or - for a line of"
            " standard input: what stands in a command is read by everybody who lists processes",
        )
        parser.add_argument(
            "--cycle-day",
            type=int,
            default=1,
            metavar="N",
            help="day of the month on which its counters begin anew (1)",
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        secrets: dict[str, str] = {}
        for pair in (pair for group in options["secret"] for pair in group):
            key, separator, value = pair.partition("=")
            if not separator or not value:
                raise Invalid(f"--secret {key} has no value; write it as KEY=VALUE")
            secrets[key] = self.secret(value)
        carrier = add_carrier(
            name=options["name"],
            kind=options["kind"],
            url=options["url"],
            secrets=secrets,
            cycle_day=options["cycle_day"],
            by=OPERATOR,
        )
        return {"carrier": carrier.name, "kind": carrier.kind, "url": carrier.url, "secrets": sorted(secrets)}
