"""import_codes FILE (columns iccid, pin, puk, pin2, puk2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand
from kit.tables import Column, read_file

from accounts.policy import OPERATOR
from lines.commands.devices import CODES, keep_secrets
from lines.commands.lists import ICCIDS
from lines.management.naming import MOST_ROWS

COLUMNS = (ICCIDS, *(Column(name, (f"{name}1",) if name in ("pin", "puk") else ()) for name in CODES))


class Command(OperatorCommand):
    help = "Keep PINs and PUKs of lines, encrypted; what is kept already is replaced."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE")

    def answer(self, **options: Any) -> dict[str, Any]:
        table = read_file(Path(options["file"]), COLUMNS, most=MOST_ROWS)
        done = keep_secrets(rows=[(row.number, row.cells) for row in table.rows], by=OPERATOR)
        bad = sorted([*done.bad, *table.bad])
        return {
            "rows": table.total,
            "kept": done.kept,
            "refused": len(bad),
            "bad_rows": [{"row": number, "why": why} for number, why in bad],
            "unknown": done.unknown,
            "notes": table.notes,
        }

    def exit_code(self, answer: dict[str, Any]) -> int:
        """1 when some rows were not kept."""
        return 1 if answer["refused"] or answer["unknown"] else 0
