"""Accounts in a database whose clock stands still."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from accounts.commands import open_account
from accounts.models import Account
from accounts.policy import OPERATOR


@pytest.fixture(autouse=True)
def _noon_of_the_twentieth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00Z")


@pytest.fixture
def open_one(db: None) -> Callable[..., Account]:
    """Opens accounts, each of another owner."""
    numbers = count(1)

    def opened(parent: Account | None = None) -> Account:
        number = next(numbers)
        return open_account(
            name=f"account {number}", owner_email=f"owner{number}@acme.example", parent=parent, by=OPERATOR
        )

    return opened


@pytest.fixture
def account(open_one: Callable[..., Account]) -> Account:
    return open_one()
