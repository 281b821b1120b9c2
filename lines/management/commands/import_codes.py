"""import_codes FILE.csv (columns iccid, pin, puk, pin2, puk2)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.devices import CODES, keep_secrets


class Command(OperatorCommand):
    help = "Keep PINs and PUKs of lines, encrypted; what is kept already is replaced."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv")

    def answer(self, **options: Any) -> dict[str, Any]:
        try:
            with Path(options["file"]).open(encoding="utf-8-sig", newline="") as file:
                rows = [
                    {name: (row.get(name) or "").strip() for name in ("iccid", *CODES)} for row in csv.DictReader(file)
                ]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise Invalid(f"{options['file']} cannot be read: {error}") from error
        kept, unknown = keep_secrets(rows=rows, by=OPERATOR)
        return {"kept": kept, "unknown": unknown}
