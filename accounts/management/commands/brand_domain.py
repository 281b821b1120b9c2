"""Puts a brand's domain live, once its address leads here and its certificate is there; or takes it down."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.commands import put_domain_live
from accounts.policy import OPERATOR


class Command(OperatorCommand):
    help = "Shows a brand at the domain that its account asked for (--live), or there no longer (--down)."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("domain")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--live", action="store_true")
        which.add_argument("--down", action="store_true")

    def answer(self, **options: Any) -> dict[str, Any]:
        brand = put_domain_live(domain=options["domain"], live=options["live"], by=OPERATOR)
        return {"domain": brand.domain, "account": brand.account.uuid, "live_since": brand.domain_live_at}
