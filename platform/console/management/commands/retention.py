"""retention [--now]: how long rows of each kind are kept, and how many would go; drops them by hand."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit import clock
from kit.operator import OperatorCommand
from kit.retention import before, waiting

from lines.commands.retention import forget_old, kinds


class Command(OperatorCommand):
    help = "Say how long rows of each kind are kept and how many are older. Workers drop those every hour."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--now", action="store_true", help="drop them now")

    def answer(self, **options: Any) -> dict[str, Any]:
        today = clock.today()
        older = {kind.name: waiting(kind, today=today) for kind in kinds()}
        gone = forget_old(today=today) if options["now"] else {}
        return {
            "kinds": [
                {
                    "kind": kind.name,
                    "kept_months": kind.kept or "for ever",
                    "since": before(today, kind.kept).date() if kind.kept else None,
                    "archived": kind.is_archived,
                    "older": older[kind.name],
                    "dropped": gone.get(kind.name, 0),
                }
                for kind in kinds()
            ]
        }
