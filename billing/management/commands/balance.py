"""balance UUID: what an account has, and why its colour is what it is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit import clock
from kit.errors import Invalid
from kit.operator import OperatorCommand

from accounts.queries import account_by_uuid
from billing.policy import runway_shown
from billing.queries import balance_of


class Command(OperatorCommand):
    help = "Show an account's balance. Money is USD with six places; no runway means unlimited."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="UUID")

    def answer(self, **options: Any) -> dict[str, Any]:
        account = account_by_uuid(options["account"])
        if account.parent is not None:
            raise Invalid(f"{account.name} is a sub-account; {account.parent.name} pays for it and has the balance")
        balance = balance_of(account, today=clock.today())
        runway = runway_shown(balance.runway_days)
        return {
            "account_uuid": account.uuid,
            "available": balance.available,
            "average_daily": balance.average_daily,
            "minimum": balance.minimum,
            "runway_days": None if runway is None else float(runway),
            "colour": balance.colour.value,
            "accrued": balance.accrued,
        }
