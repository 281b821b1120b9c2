"""stock_differences [--carrier NAME]."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from lines.carriers import CLIENTS
from lines.commands.differences import find_differences
from lines.management.naming import carrier_named
from lines.models import Carrier, Difference

SHOWN = 1000


class Command(OperatorCommand):
    help = "Compare the carriers' SIMs with ours, as their last whole reading brought them."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--carrier", metavar="NAME", help="only this one")

    def answer(self, **options: Any) -> dict[str, Any]:
        carriers = [carrier_named(options["carrier"])] if options["carrier"] else list(Carrier.objects.order_by("name"))
        for carrier in carriers:
            find_differences(carrier=carrier, by_page=CLIENTS[carrier.kind].abilities.lists_lines)
        rows = Difference.objects.filter(carrier__in=carriers, settled_at=None).select_related("carrier")
        return {
            "differences": rows.count(),
            "first": [
                {
                    "carrier": row.carrier.name,
                    "iccid": row.iccid,
                    "kind": row.kind,
                    "said": row.said,
                    "found_at": row.found_at,
                }
                for row in rows.order_by("carrier_id", "kind", "iccid")[:SHOWN]
            ],
        }
