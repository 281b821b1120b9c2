"""tune_carrier NAME [--url URL] [--read-every N] [--apn APN] [--apn-user U] [--apn-password P] [--bulk-edits yes|no]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.errors import NotFound
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.tuning import tune_carrier
from lines.models import Carrier


class Command(OperatorCommand):
    help = "Change a carrier's address, pace, APN, or what our account there may do. What is not given stays."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--url", metavar="URL", help="the API's root")
        parser.add_argument("--read-every", type=int, metavar="SECONDS", help="between two readings of all its lines")
        parser.add_argument("--apn", metavar="APN", help="of 2G, 3G and LTE, where the carrier says none; '' for none")
        parser.add_argument("--apn-user", metavar="USER")
        parser.add_argument("--apn-password", metavar="PASSWORD")
        parser.add_argument(
            "--bulk-edits", choices=["yes", "no"], help="our account may switch many SIMs by one call (BulkEditDevice)"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        carrier = Carrier.objects.filter(name=options["name"]).first()
        if carrier is None:
            raise NotFound(f"There is no carrier named {options['name']!r}")
        bulk = options["bulk_edits"]
        names = ("url", "read_every", "apn", "apn_user", "apn_password")
        given = {name: options[name] for name in names}
        carrier = tune_carrier(
            carrier=carrier, by=OPERATOR, bulk_edits=None if bulk is None else bulk == "yes", **given
        )
        shown = {name: getattr(carrier, name) for name in names if name != "apn_password"}
        return {"carrier": carrier.name, **shown, "bulk_edits": carrier.bulk_edits}
