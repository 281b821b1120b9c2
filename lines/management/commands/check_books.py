"""check_books [--recompute [--since DAY] [--line ICCID] [--account UUID]]: exits 1 where a rule of the ledger fails."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.core.management.base import CommandParser
from kit.clock import day_from
from kit.errors import Invalid, NotFound
from kit.operator import OperatorCommand

from accounts.queries import account_by_uuid
from lines.books import check_books, recompute_books, with_second_books
from lines.models import Line
from lines.recount.audit import Found, Scope


class Command(OperatorCommand):
    help = "Prove that every balance is the sum of its rows; with --recompute also that carriers' readings give them."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--recompute", action="store_true", help="compute days and costs again from kept readings")
        parser.add_argument("--since", metavar="DAY", help="compare only days from this one on, like 2026-11-20")
        parser.add_argument("--line", metavar="ICCID", help="only this line")
        parser.add_argument("--account", metavar="UUID", help="only lines that this account has paid for")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **{**options, "as_json": True})  # always JSON: it is a proof for machines

    def answer(self, **options: Any) -> dict[str, Any]:
        if not options["recompute"]:
            if options["since"] or options["line"] or options["account"]:
                raise Invalid("--since, --line and --account say what is recomputed; give --recompute too")
            return check_books()
        scope = Scope(_day(options["since"]), _iccid(options["line"]), _payer(options["account"]))
        began = time.monotonic()
        return with_second_books(
            check_books(),
            recompute_books(scope=scope, found=Found(), tell=lambda found: self._tell(found, time.monotonic() - began)),
            since=scope.since,
        )

    def _tell(self, found: Found, seconds: float) -> None:
        """Progress goes to standard error: standard output is the answer alone."""
        self.stderr.write(
            f"{found.lines:,} lines, {found.line_days:,} line-days, {found.readings:,} readings,"
            f" {found.differences:,} differences; {found.line_days / max(seconds, 0.001):,.0f} line-days/s",
            self.style.NOTICE,
        )

    def exit_code(self, answer: dict[str, Any]) -> int:
        return 0 if answer["ok"] else 1


def _day(text: str | None) -> dt.date | None:
    day = day_from(text) if text else None
    if text and day is None:
        raise Invalid(f"{text!r} is not a day; write it like 2026-11-20")
    return day


def _iccid(text: str | None) -> str | None:
    if text and not Line.objects.filter(iccid=text).exists():
        raise NotFound(f"There is no line with the ICCID {text}")
    return text


def _payer(text: str | None) -> int | None:
    return account_by_uuid(text).pk if text else None
