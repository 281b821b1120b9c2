"""account_export UUID --to FOLDER: everything of an account as one zip file of JSON and CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from console import account_data


class Command(OperatorCommand):
    help = "Write everything of an account and its sub-accounts, without keys, into one zip file of JSON and CSV."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="UUID")
        parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")

    def answer(self, **options: Any) -> dict[str, Any]:
        path, rows = account_data.export(account_by_uuid(options["account"]), options["to"], by=OPERATOR)
        return {"file": str(path), "rows": {name: count for name, count in rows.items() if count}}
