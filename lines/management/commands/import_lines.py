"""import_lines FILE.csv --carrier NAME --rate-plan NAME [--account UUID] [--activate]."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid, NotFound
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from lines.commands.stock import import_lines
from lines.management.naming import carrier_named, rate_plan_named


class Command(OperatorCommand):
    help = "Add lines from a CSV file with a column `iccid`: into stock, or straight to an account. Bad rows are named."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv")
        parser.add_argument("--carrier", required=True, metavar="NAME")
        parser.add_argument("--rate-plan", required=True, metavar="NAME")
        parser.add_argument("--account", metavar="UUID", help="the account that holds them; without it, stock")
        parser.add_argument("--unchecked", action="store_true", help="take ICCIDs with a wrong check digit, too")
        parser.add_argument("--activate", action="store_true", help="want them active; otherwise Deactivated")

    def answer(self, **options: Any) -> dict[str, Any]:
        imported = import_lines(
            rows=_rows(Path(options["file"])),
            carrier=carrier_named(options["carrier"]),
            plan=rate_plan_named(options["rate_plan"]),
            account=account_by_uuid(options["account"]) if options["account"] else None,
            active=options["activate"],
            by=OPERATOR,
            unchecked=options["unchecked"],
        )
        return {
            "rows": imported.rows,
            "added": imported.added,
            "already_there": len(imported.already),
            "refused": len(imported.refused),
            "bad_rows": imported.refused,
        }

    def exit_code(self, answer: dict[str, Any]) -> int:
        """1 when nothing at all could be added."""
        return 1 if answer["refused"] and not answer["added"] else 0


def _rows(path: Path) -> Iterator[tuple[int, str]]:
    """Each line number of the file with its ICCID. Raises NotFound, Invalid."""
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    with file:
        try:
            reader = csv.DictReader(file)
            names = {(name or "").strip().lower(): name for name in reader.fieldnames or []}
            if "iccid" not in names:
                raise Invalid(f"{path} has no column iccid; its first row must name the columns")
            for row in reader:
                yield reader.line_num, (row[names["iccid"]] or "").strip()
        except (UnicodeDecodeError, csv.Error) as error:
            raise Invalid(f"{path} is no CSV file in UTF-8: {error}") from None
