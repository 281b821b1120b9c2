"""sync [--carrier NAME]: one whole pass in this process."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.errors import NotFound
from kit.operator import OperatorCommand

from lines.management.naming import carrier_named
from lines.models import Carrier
from lines.work.clients import close_clients
from lines.work.sync import sync


class Command(OperatorCommand):
    help = "Read usage, charge it, let the balances decide, and drive the carriers until nothing is due."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--carrier", metavar="NAME", help="only this one")

    def answer(self, **options: Any) -> dict[str, Any]:
        carriers = (
            [carrier_named(options["carrier"])]
            if options["carrier"]
            else list(Carrier.objects.filter(is_active=True).order_by("name"))
        )
        if not carriers:
            raise NotFound("There is no carrier yet; add one with add_carrier")
        try:
            synced = sync(carriers)
        finally:
            close_clients()
        return {
            "carriers": [carrier.name for carrier in carriers],
            "readings": synced.readings,
            "unknown_lines": synced.unknown,
            "failed": synced.failed,
            "final_totals": synced.final_totals,
            "bytes": synced.bytes_moved,
            "charged": synced.charged,
            "line_fees": synced.fees,
            "suspended": synced.suspended,
            "reactivated": synced.reactivated,
            "driven": synced.driven,
            "confirmed": synced.confirmed,
            "messages_sent": synced.messages_sent,
            "messages_received": synced.messages_received,
            "errors": synced.errors,
            "seconds": synced.seconds,
        }
