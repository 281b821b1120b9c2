"""import_claim_codes FILE (columns iccid, code)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.claims import keep_claim_codes
from lines.management.naming import file_rows


class Command(OperatorCommand):
    help = "Keep the codes printed with cards in stock, hashed; who knows one may add its line. A new one replaces it."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="with columns iccid and code")

    def answer(self, **options: Any) -> dict[str, Any]:
        rows = [(row["iccid"], row["code"]) for row in file_rows(Path(options["file"]), ("iccid", "code"))]
        kept = keep_claim_codes(rows=rows, by=OPERATOR)
        return {"kept": kept.kept, "refused": [{"iccid": iccid, "why": why} for iccid, why in kept.refused]}

    def exit_code(self, answer: dict[str, Any]) -> int:
        """1 when nothing at all could be kept."""
        return 1 if answer["refused"] and not answer["kept"] else 0
