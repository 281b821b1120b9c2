"""restore FILE, or --until MOMENT: puts a backup in the place of the database, which stays beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid
from kit.operator import OperatorCommand

from console import archives, backups


class Command(OperatorCommand):
    help = (
        "Put a backup, or the database as it was at a moment, in the place of the database, which stays beside it. Then"
        " run migrate and sync."
    )

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="a file of `backup`")
        parser.add_argument("--until", help="2026-11-27T18:00:00Z, or latest: from the archive instead of a file")
        parser.add_argument("--archive", type=Path, help="the archive's folder; default: WAL_ARCHIVE")
        parser.add_argument("--while-running", action="store_true", help="end the sessions of everything that runs")

    def answer(self, **options: Any) -> dict[str, Any]:
        file, until, while_running = options["file"], options["until"], options["while_running"]
        if (file is None) == (until is None):
            raise Invalid("Give a backup's file, or --until MOMENT")
        if file is not None:
            return backups.restore(file, while_running=while_running)
        return archives.restore(archives.folder_of(options["archive"]), until, while_running=while_running)
