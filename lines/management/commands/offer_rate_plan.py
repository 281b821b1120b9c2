"""offer_rate_plan NAME --public | --to UUID [UUID...]."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from lines.commands.offers import offer_plan, offered_to
from lines.management.naming import rate_plan_named


class Command(OperatorCommand):
    help = "Say who may take a rate plan: everybody, or these accounts only. Lines that are on it stay on it."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--public", action="store_true", help="every account may take it")
        who.add_argument("--to", nargs="*", metavar="UUID", help="only these accounts; without any, nobody")

    def answer(self, **options: Any) -> dict[str, Any]:
        plan = rate_plan_named(options["name"])
        accounts = None if options["public"] else [account_by_uuid(uuid) for uuid in options["to"]]
        offer_plan(plan=plan, accounts=accounts, by=OPERATOR)
        named = offered_to(plan=plan)
        return {
            "rate_plan": plan.name,
            "public": named is None,
            "accounts": [{"name": account.name, "uuid": account.uuid} for account in named or ()],
        }
