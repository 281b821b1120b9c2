"""Test accounts: whose clock stands where."""

from __future__ import annotations

import datetime as dt

from kit.errors import NotFound

from accounts.models import Account
from accounts.queries import Caller
from lines.models import Line, Sandbox
from lines.queries.scope import lines_of


def ahead_of(account: Account) -> dt.timedelta:
    """By how much an account's clock is ahead of the real one: none but a test account's is."""
    if not account.is_test:
        return dt.timedelta()
    found = Sandbox.objects.filter(account=account.payer_id).values_list("ahead", flat=True).first()
    return found or dt.timedelta()


def sandbox_of(account: Account) -> Sandbox:
    """A test account's, or that of the test account that it belongs to. Raises NotFound."""
    found = Sandbox.objects.select_related("account").filter(account=account.payer_id, account__is_test=True).first()
    if found is None:
        raise NotFound(f"{account.name} is no test account.")
    return found


def test_line_of(caller: Caller, iccid: str) -> Line:
    """A line of the caller's test account. Raises NotFound."""
    found = lines_of(caller).filter(iccid=iccid, payer__is_test=True).select_related("carrier").first()
    if found is None:
        raise NotFound("No such line is in this test account; iot_sim_cards lists its lines")
    return found
