"""import_coverage FILE.csv: where rate plans work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.coverage import HEADS, coverage_of, load_coverage
from lines.management.naming import rate_plan_named


class Command(OperatorCommand):
    help = (
        f"Load where rate plans work from a CSV file with the columns {', '.join(HEADS)}. The file is the whole"
        " truth about each plan that it names; if any row is bad, nothing changes and each is named."
    )

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv")
        parser.add_argument("--rate-plan", metavar="NAME", help="of rows that name none, as in tables of all networks")

    def answer(self, **options: Any) -> dict[str, Any]:
        plan = rate_plan_named(options["rate_plan"]) if options["rate_plan"] else None
        loaded = load_coverage(table=coverage_of(path=Path(options["file"])), plan=plan, by=OPERATOR)
        return {
            "rows": loaded.rows,
            "networks": loaded.plans,
            "left_out": len(loaded.left_out),
            "refused": len(loaded.bad_rows),
            "bad_rows": loaded.bad_rows,
            "notes": loaded.notes,
        }

    def exit_code(self, answer: dict[str, Any]) -> int:
        """1 when nothing was loaded."""
        return 0 if answer["networks"] else 1
