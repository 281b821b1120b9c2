"""restore FILE: puts a backup in the place of the database; what was there stays beside it under another name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from console import backups


class Command(OperatorCommand):
    help = "Put a backup in the place of the database, which stays beside it. Then run migrate and sync."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--while-running", action="store_true", help="end the sessions of everything that runs")

    def answer(self, **options: Any) -> dict[str, Any]:
        return backups.restore(options["file"], while_running=options["while_running"])
