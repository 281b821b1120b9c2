"""base_backup: copies the server's files into the archive, from which its kept log leads to any later moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid
from kit.operator import OperatorCommand

from console import archives


class Command(OperatorCommand):
    help = (
        "Copy the whole server into the archive while everything runs. `restore --until` begins with it. Older copies"
        " and the log that only they needed are dropped."
    )

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--archive", type=Path, help="the archive's folder; default: WAL_ARCHIVE")
        parser.add_argument("--keep", type=int, default=7, help="copies that are kept, this one included: 7")

    def answer(self, **options: Any) -> dict[str, Any]:
        if options["keep"] < 1:
            raise Invalid("At least one copy is kept")
        return archives.take(archives.folder_of(options["archive"]), keep=options["keep"])
