"""reserve_lines FILE --account UUID [--batch NAME] | --release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from lines.commands.claims import release, reserve
from lines.management.naming import file_rows


class Command(OperatorCommand):
    help = "Reserve lines in stock for an account, which then adds them without a code; or release them."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="with a column iccid")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--account", metavar="UUID")
        what.add_argument("--release", action="store_true", help="take the reservations back")
        parser.add_argument("--batch", default="", metavar="NAME", help="what the account reads beside each card")

    def answer(self, **options: Any) -> dict[str, Any]:
        iccids = [row["iccid"] for row in file_rows(Path(options["file"]), ("iccid",))]
        if options["release"]:
            return {"released": release(iccids=iccids, by=OPERATOR)}
        account = account_by_uuid(options["account"])
        kept = reserve(iccids=iccids, account=account, batch=options["batch"], by=OPERATOR)
        refused = [{"iccid": iccid, "why": why} for iccid, why in kept.refused]
        return {"reserved": kept.kept, "account": account.name, "refused": refused}

    def exit_code(self, answer: dict[str, Any]) -> int:
        """1 when nothing at all could be reserved."""
        return 1 if answer.get("refused") and not answer.get("reserved") else 0
