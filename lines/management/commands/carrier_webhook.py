"""carrier_webhook NAME [--open [--secret @FILE|-] | --close]: where a carrier calls us."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.webhooks import open_webhook, opened, shut_webhook, webhook_known, webhook_of
from lines.management.naming import carrier_named
from lines.models import Carrier


class Command(OperatorCommand):
    help = "Say where a carrier calls us when something has happened to a SIM, make that address anew, or shut it."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--open", action="store_true", help="make an address; one from before is shut")
        what.add_argument("--close", action="store_true", help="nothing that calls there is heard any more")
        parser.add_argument(
            "--secret", metavar="@FILE|-", default="", help="the carrier's own secret, where it makes one"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        carrier: Carrier = carrier_named(options["name"])
        webhook_of(kind=carrier.kind)
        if options["close"]:
            shut_webhook(carrier=carrier, by=OPERATOR)
        elif options["open"]:
            open_webhook(carrier=carrier, secret=self.secret(options["secret"]), by=OPERATOR)
        return {"carrier": carrier.name} | _told(carrier)


def _told(carrier: Carrier) -> dict[str, Any]:
    row = webhook_known(carrier=carrier)
    if row is None:
        return {"open": False}
    made = opened(webhook=row)
    return {
        "open": True,
        "address": made.address,
        "header": made.header or None,
        "secret": made.secret or None,
        "setup": f"{made.proof} {made.setup}",
        "last_call_at": made.called_at,
    }
