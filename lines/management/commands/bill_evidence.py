"""bill_evidence ICCID --to FOLDER: what a stranger computes a line's bill from (docs/recompute-a-bill.md)."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from kit.errors import Invalid, NotFound
from kit.operator import OperatorCommand

from lines.models import Line
from lines.recount.evidence import write_evidence


class Command(OperatorCommand):
    help = "Write a line's kept readings, its rate plans and prices with their dates, and where it was, as CSV files."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("iccid", metavar="ICCID")
        parser.add_argument("--to", required=True, metavar="FOLDER", help="where the three files go")

    def answer(self, **options: Any) -> dict[str, Any]:
        folder = Path(options["to"])
        if not Line.objects.filter(iccid=options["iccid"]).exists():
            raise NotFound(f"There is no line with the ICCID {options['iccid']}")
        if not folder.is_dir():
            raise Invalid(f"{folder} is not a folder")
        names = ("readings", "plans", "places")
        files = [folder / f"{name}.csv" for name in names]
        with ExitStack() as stack:
            stack.enter_context(transaction.atomic())
            told, dated, seen = (stack.enter_context(file.open("w", newline="")) for file in files)
            counts = write_evidence(options["iccid"], told, dated, seen)
        return {"readings": counts[0], "prices": counts[1], "places": counts[2], "files": [*map(str, files)]}
