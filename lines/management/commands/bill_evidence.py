"""bill_evidence ICCID --to FOLDER: what a stranger computes a line's bill from (docs/recompute-a-bill.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from kit.errors import Invalid, NotFound
from kit.operator import OperatorCommand

from lines.models import Line
from lines.recount.evidence import write_evidence


class Command(OperatorCommand):
    help = "Write a line's kept readings, and its rate plans and prices with their dates, as two CSV files."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("iccid", metavar="ICCID")
        parser.add_argument("--to", required=True, metavar="FOLDER", help="where readings.csv and plans.csv go")

    def answer(self, **options: Any) -> dict[str, Any]:
        folder = Path(options["to"])
        if not Line.objects.filter(iccid=options["iccid"]).exists():
            raise NotFound(f"There is no line with the ICCID {options['iccid']}")
        if not folder.is_dir():
            raise Invalid(f"{folder} is not a folder")
        readings, plans = folder / "readings.csv", folder / "plans.csv"
        with transaction.atomic(), readings.open("w", newline="") as told, plans.open("w", newline="") as dated:
            counts = write_evidence(options["iccid"], told, dated)
        return {"readings": counts[0], "prices": counts[1], "files": [str(readings), str(plans)]}
