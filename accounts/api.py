"""The API's calls about accounts (observed API: accounts)."""

from __future__ import annotations

import msgspec
from kit.endpoints import endpoint, moment
from kit.paging import Page, Paging, listed

from accounts.models import Account
from accounts.policy import Right
from accounts.queries import Caller

GROUP = "Sub-accounts"


class SubAccount(msgspec.Struct):
    """An account that holds lines which its parent pays for."""

    number: int
    uuid: str
    name: str
    is_active: bool
    created_at: str


@endpoint(
    "accounts",
    right=Right.SEE_LINES,
    sample=[SubAccount(2, "0" * 32, "Sample sub-account", True, "2026-01-15 09:30:00")],
)
def accounts(caller: Caller, asked: Paging) -> Page[SubAccount]:
    """The account's sub-accounts, the oldest first; a sub-account has none"""
    rows = Account.objects.filter(parent=caller.account).order_by("pk")
    return listed(
        asked, [SubAccount(row.pk, row.uuid.hex, row.name, row.is_active, moment(row.created_at)) for row in rows]
    )


ENDPOINTS = (accounts,)
