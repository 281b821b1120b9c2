"""release_lines FILE [--account UUID]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.identifiers import all_spellings, read_iccid
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from lines.commands.leaving import release_lines
from lines.management.naming import file_rows
from lines.models import Line


class Command(OperatorCommand):
    help = "Take lines from the accounts that pay for them: back into inventory, or to another account."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="with a column iccid")
        parser.add_argument("--account", metavar="UUID", help="the account that pays for them from now on")

    def answer(self, **options: Any) -> dict[str, Any]:
        iccids = [read_iccid(row["iccid"]) for row in file_rows(Path(options["file"]), ("iccid",))]
        account = account_by_uuid(options["account"]) if options["account"] else None
        lines = Line.objects.filter(iccid__in=all_spellings(iccids)).order_by("pk")
        released = release_lines(line_ids=list(lines.values_list("pk", flat=True)), to=account, by=OPERATOR)
        return {"rows": len(iccids), "released": released, "account": account.name if account else None}
