"""verify_backup FILE: restores a backup into a database of its own and proves its books and its audit there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from console import backups


class Command(OperatorCommand):
    help = "Prove that a backup can be restored, and that books and audit are right in it. Exits 1 where not."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def answer(self, **options: Any) -> dict[str, Any]:
        return backups.verify(options["file"])
