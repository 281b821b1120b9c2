"""import_coverage FILE.csv: where rate plans work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.coverage import COLUMNS, load_coverage, rows_of


class Command(OperatorCommand):
    help = (
        f"Load where rate plans work from a CSV file with the columns {', '.join(COLUMNS)}. The file is the whole"
        " truth about each plan that it names; if any row is bad, nothing changes and each is named."
    )

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv")

    def answer(self, **options: Any) -> dict[str, Any]:
        loaded = load_coverage(rows=rows_of(path=Path(options["file"])), by=OPERATOR)
        return {"networks": loaded.plans, "refused": len(loaded.bad_rows), "bad_rows": loaded.bad_rows}

    def exit_code(self, answer: dict[str, Any]) -> int:
        """1 when nothing was loaded."""
        return 0 if answer["networks"] else 1
