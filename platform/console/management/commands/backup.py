"""backup FOLDER: dumps the whole database into a new file there, with a manifest beside it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from console import backups


class Command(OperatorCommand):
    help = "Dump the whole database into a new file. ENCRYPTION_KEYS and SECRET_KEY are not in it: keep them elsewhere."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def answer(self, **options: Any) -> dict[str, Any]:
        path, manifest = backups.write(options["folder"])
        return {"backup": str(path), **asdict(manifest)}
