"""Open an account with its owner: add_account NAME --owner EMAIL."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts import commands, queries
from accounts.policy import OPERATOR


class Command(OperatorCommand):
    help = "Open an account with its owner. Answers its UUID and its API credential."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="the owner's mail address")
        parser.add_argument(
            "--password",
            metavar="PW",
            help="@FILE, or - for standard input; without it the owner resets theirs by mail",
        )
        parser.add_argument("--professional", action="store_true", help="the API gives real data, not samples")
        parser.add_argument("--parent", metavar="UUID", help="open a sub-account of this account")

    def answer(self, **options: Any) -> dict[str, Any]:
        parent = queries.account_by_uuid(options["parent"]) if options["parent"] else None
        account = commands.open_account(
            name=options["name"],
            owner_email=options["owner"],
            password=self.secret(options["password"]) if options["password"] else None,
            professional=options["professional"],
            parent=parent,
            by=OPERATOR,
        )
        credential = queries.credential_of(account)
        return {
            "account_uuid": account.uuid,
            "user_uuid": credential.user_uuid,
            "shared_key": credential.shared_key,
            "name": account.name,
            "owner": queries.owner_of(account).email,
            "professional": account.is_professional,
            "parent": parent.uuid if parent else None,
        }
