"""credit UUID AMOUNT --note TEXT [--key KEY]: an adjustment; lines that it brings back are driven by the next pass."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit import clock, money
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from billing.commands.credits import credit_once
from billing.policy import EntryKind
from billing.queries import balance_of
from lines.commands.wishes import enforce


class Command(OperatorCommand):
    help = "Credit an account, or with a minus debit it, by hand."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="UUID")
        parser.add_argument("amount", metavar="AMOUNT", help="USD, like 25.00 or -3.50")
        parser.add_argument("--note", required=True, metavar="TEXT", help="what it is for")
        parser.add_argument("--key", default="", metavar="KEY", help="the same key again credits nothing more")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--discount", action="store_true", help="a discount: listed as one, never a debit")
        which.add_argument("--transfer", action="store_true", help="a bank transfer, with its tax: it has an invoice")

    def answer(self, **options: Any) -> dict[str, Any]:
        account = account_by_uuid(options["account"])
        entry = credit_once(
            account=account,
            kind=_kind(**options),
            amount=money.parse(options["amount"]),
            reason=options["note"],
            key=options["key"],
            by=OPERATOR,
        )
        enforced = enforce(account_ids=[account.pk])
        balance = balance_of(account, today=clock.today())
        return {
            "account_uuid": account.uuid,
            "key": entry.key,
            "amount": entry.amount,
            "available": balance.available,
            "colour": balance.colour.value,
            "suspended": enforced.suspended,
            "reactivated": enforced.reactivated,
        }


def _kind(*, discount: bool, transfer: bool, **_: Any) -> EntryKind:
    if transfer:
        return EntryKind.TRANSFER
    return EntryKind.DISCOUNT if discount else EntryKind.ADJUSTMENT
