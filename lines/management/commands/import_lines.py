"""import_lines FILE.csv --carrier NAME --rate-plan NAME [--account UUID] [--activate] [--unchecked]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand
from kit.tables import read_file

from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from lines.commands.lists import ICCIDS
from lines.commands.stock import import_lines
from lines.management.naming import MOST_ROWS, carrier_named, rate_plan_named


class Command(OperatorCommand):
    help = "Add lines from a CSV or XLSX file with a column `iccid`: into stock, or to an account. Bad rows are named."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--carrier", required=True, metavar="NAME")
        parser.add_argument("--rate-plan", required=True, metavar="NAME")
        parser.add_argument("--account", metavar="UUID", help="the account that holds them; without it, stock")
        parser.add_argument("--unchecked", action="store_true", help="take ICCIDs with a wrong check digit, too")
        parser.add_argument("--activate", action="store_true", help="want them active; otherwise Deactivated")

    def answer(self, **options: Any) -> dict[str, Any]:
        table = read_file(Path(options["file"]), (ICCIDS,), most=MOST_ROWS)
        imported = import_lines(
            rows=[(row.number, row.cells["iccid"]) for row in table.rows],
            carrier=carrier_named(options["carrier"]),
            plan=rate_plan_named(options["rate_plan"]),
            account=account_by_uuid(options["account"]) if options["account"] else None,
            active=options["activate"],
            by=OPERATOR,
            unchecked=options["unchecked"],
        )
        unread: list[dict[str, object]] = [{"row": number, "iccid": "", "why": why} for number, why in table.bad]
        refused = sorted([*imported.refused, *unread], key=lambda bad: int(str(bad["row"])))
        return {
            "rows": table.total,
            "added": imported.added,
            "already_there": len(imported.already),
            "refused": len(refused),
            "bad_rows": refused,
            "notes": table.notes,
        }

    def exit_code(self, answer: dict[str, Any]) -> int:
        """1 when nothing at all could be added."""
        return 1 if answer["refused"] and not answer["added"] else 0
