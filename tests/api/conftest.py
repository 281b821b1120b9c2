"""Accounts that a client calls for."""

from __future__ import annotations

import pytest

from accounts.models import Account
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


@pytest.fixture
def account(fleet: Fleet) -> Account:
    """A professional account with money."""
    account = fleet.account()
    account.is_professional = True
    account.save()
    return account


@pytest.fixture
def client(account: Account) -> KeepgoClient:
    return client_of(account)
