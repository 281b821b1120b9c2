"""erase_account UUID --name NAME [--preview]: what no law wants kept of an account is deleted for good."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from accounts.queries import account_by_uuid
from console import erasing


class Command(OperatorCommand):
    help = (
        "Delete for good what no law wants kept of an account and its sub-accounts: people, keys, notes, texts, places,"
        " rules, webhooks, and what the audit's events said. Ledger, payments and invoices stay. Export it first."
    )

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="UUID")
        parser.add_argument("--name", required=True, help="the account's name, so that it is the right one")
        parser.add_argument("--preview", action="store_true", help="only count what would be deleted or emptied")

    def answer(self, **options: Any) -> dict[str, Any]:
        account = account_by_uuid(options["account"])
        if options["name"] != account.name:
            raise Invalid(f"That account’s name is not {options['name']}")
        do, word = (erasing.preview, "would_go") if options["preview"] else (erasing.erase_account, "erased")
        gone = do(account=account, by=OPERATOR)
        return {"account_uuid": account.uuid, word: {name: count for name, count in gone.items() if count}}
