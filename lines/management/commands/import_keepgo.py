"""import_keepgo --carrier NAME --account UUID [--file FILE] [--dry-run | --confirm] [--months N] [--plan A=B]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit import clock
from kit.errors import Invalid
from kit.operator import OperatorCommand

from accounts.models import Account
from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from billing.queries import balance_of
from lines.commands.moves import NotThere, confirm_move, open_balance, summary
from lines.management.naming import carrier_named
from lines.models import Carrier, Move, MoveDay
from lines.queries.clearing import differing
from lines.work import moving


class Command(OperatorCommand):
    help = "Bring an account from Keepgo, or lines out of any CSV or XLSX file. Run again it goes on where it was."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--carrier", required=True, metavar="NAME", help="Keepgo as it is connected here")
        parser.add_argument("--account", required=True, metavar="UUID", help="the account that they come to")
        parser.add_argument("--file", metavar="FILE", help="lines out of a file: no usage, no balance")
        parser.add_argument("--rate-plan", default="", metavar="NAME", help="of lines whose own has no other here")
        parser.add_argument("--plan", action="append", default=[], metavar="THEIRS=OURS", help="ours for one of theirs")
        parser.add_argument("--months", type=int, default=12, metavar="N", help="of history before this one (12)")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="say what would come, and change nothing")
        what.add_argument("--compare", action="store_true", help="compare each imported line and day with Keepgo")
        what.add_argument("--confirm", action="store_true", help="let balance and rules turn the imported lines")

    def answer(self, **options: Any) -> dict[str, Any]:
        account = account_by_uuid(options["account"])
        carrier = carrier_named(options["carrier"])
        if options["confirm"]:
            return _confirm(account, carrier)
        if options["compare"]:
            return _compare(account, carrier)
        if not 0 <= options["months"] <= 120:
            raise Invalid("--months is 0 to 120")
        there = moving.look_into(Path(options["file"])) if options["file"] else moving.look(carrier)
        arranged = moving.arrange(
            there=there,
            account=account,
            carrier=carrier,
            plans=dict(_pair(text) for text in options["plan"]),
            default=options["rate_plan"],
        )
        told = arranged.told(account)
        if options["dry_run"]:
            return told | {"dry_run": True}
        move = moving.begin(arranged=arranged, account=account, carrier=carrier, months=options["months"], by=OPERATOR)
        open_balance(move=move, by=OPERATOR)
        moving.bring(move=move, by=OPERATOR)
        move.refresh_from_db()
        return told | summary(move=move)

    def exit_code(self, answer: dict[str, Any]) -> int:
        """1 where something waits, was refused or differs."""
        return 1 if any(answer.get(name) for name in ("waiting", "refused", "failed", "differences")) else 0


def _confirm(account: Account, carrier: Carrier) -> dict[str, Any]:
    move = Move.objects.filter(account=account, carrier=carrier, confirmed_at=None).first()
    if move is None:
        raise NotThere(f"No move of {account.name} from {carrier.name} is under way")
    lines = confirm_move(move=move, by=OPERATOR)
    return {"confirmed": lines}


def _compare(account: Account, carrier: Carrier) -> dict[str, Any]:
    move = Move.objects.filter(account=account, carrier=carrier).order_by("pk").last()
    if move is None:
        raise NotThere(f"{account.name} has not come from {carrier.name}")
    compared = moving.compare(move=move)
    move.refresh_from_db()
    rows = differing(MoveDay.objects.filter(move=move, settled=""), today=clock.today()).select_related("line")
    found = rows.order_by("day", "line__iccid")
    return {
        "compared": compared,
        "differences": found.count(),
        "balance_here": balance_of(account, today=clock.today()).available,
        "balance_there": move.balance_there,
        "first": [
            {
                "iccid": row.line.iccid,
                "day": row.day,
                "bytes_here": row.here,
                "bytes_there": row.used,
                "cost_here": row.charged,
                "cost_there": row.cost,
            }
            for row in found[:100]
        ],
    }


def _pair(text: str) -> tuple[str, str]:
    theirs, _, ours = text.rpartition("=")
    if not theirs or not ours:
        raise Invalid(f"--plan is THEIRS=OURS, not {text!r}")
    return theirs, ours
