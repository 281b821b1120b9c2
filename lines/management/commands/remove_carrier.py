"""remove_carrier NAME: forgets a carrier on which nothing hangs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.carriers import remove_carrier
from lines.management.naming import carrier_named


class Command(OperatorCommand):
    help = "Forget a carrier without lines and rate plans."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")

    def answer(self, **options: Any) -> dict[str, Any]:
        carrier = carrier_named(options["name"])
        remove_carrier(carrier=carrier, by=OPERATOR)
        return {"removed": carrier.name}
