"""The API's calls that change sub-accounts; accounts lists them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec
from kit import clock
from kit.endpoints import Input, Linked, endpoint, megabytes, moment
from kit.errors import NotFound
from kit.money import ZERO

from accounts.commands import rename_subaccount
from accounts.commands.opening import LONGEST_NAME
from accounts.models import Account
from accounts.policy import Right
from accounts.queries import Caller
from billing.commands.wallets import LONGEST_NOTE, credit_wallet
from billing.queries import balance_of, wallet_of
from lines.commands.wishes import enforce
from lines.queries.resale import terms_on
from subaccounts import commands, queries

GROUP = "Sub-accounts"
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]


class SubAccountShown(Linked):
    """A sub-account and what its lines did this month (UTC). USD."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "self": "accounts/{uuid}",
        "lines": "iot_sim_cards?account_uuid={uuid}",
    }

    number: int
    uuid: str
    name: str
    is_active: bool
    created_at: str
    lines: int
    active_lines: int
    usage_mb: Decimal
    cost: Annotated[Decimal | None, msgspec.Meta(description="null for a key that reads no money")]


_SAMPLE = SubAccountShown(
    2, "0" * 32, "Sample sub-account", True, "2026-01-15 09:30:00", 12, 11, Decimal("34.250000"), Decimal("0.342500")
)


def _shown(account: Account, caller: Caller) -> SubAccountShown:
    held = queries.doing(account, today=clock.today())
    return SubAccountShown(
        number=account.pk,
        uuid=account.uuid.hex,
        name=account.name,
        is_active=account.is_active,
        created_at=moment(account.created_at),
        lines=held.lines,
        active_lines=held.active,
        usage_mb=megabytes(held.used),
        cost=(held.cost or ZERO) if caller.may(Right.SEE_MONEY) else None,
    )


def _own(caller: Caller, uuid: str) -> Account:
    found = queries.subaccount_of(caller.account, uuid)
    if found is None:
        raise NotFound("No such sub-account is yours; accounts lists them")
    return found


@endpoint("accounts/{account}", right=Right.SEE_SUBACCOUNTS, sample=_SAMPLE)
def subaccount(caller: Caller, account: str) -> SubAccountShown:
    """One sub-account and how its lines are doing this month"""
    return _shown(_own(caller, account), caller)


class BalanceShown(msgspec.Struct):
    """What a sub-account has with its account, and how it pays. USD."""

    available: Decimal
    minimum: Decimal
    average_daily: Decimal
    color: Literal["red", "orange", "green"]
    credit_limit: Annotated[Decimal | None, msgspec.Meta(description="null: it pays in advance")]
    price_list: Annotated[str | None, msgspec.Meta(description="null: today its account pays")]


_BALANCE = BalanceShown(
    Decimal("27.450000"), Decimal("5.000000"), Decimal("0.364286"), "green", None, "Sample price list"
)


def _balance_shown(subaccount: Account) -> BalanceShown:
    wallet = wallet_of(subaccount)
    if wallet is None:
        raise NotFound("The sub-account has no balance of its own; its account pays for it")
    today = clock.today()
    balance, terms = balance_of(subaccount, today=today), terms_on(subaccount, day=today)
    return BalanceShown(
        available=balance.available,
        minimum=balance.minimum,
        average_daily=balance.average_daily,
        color=balance.colour.value,
        credit_limit=wallet.credit_limit,
        price_list=terms.price_list.name if terms is not None and terms.price_list is not None else None,
    )


@endpoint("accounts/{account}/balance", right=Right.SEE_MONEY, sample=_BALANCE)
def subaccount_balance(caller: Caller, account: str) -> BalanceShown:
    """What a sub-account has on its own balance"""
    return _balance_shown(_own(caller, account))


class NewCredit(Input):
    """A credit, or with a minus a debit, and what it is for. The same key again is the same credit."""

    amount: Decimal
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NOTE)]
    key: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.-]{1,60}$")]


@endpoint(
    "accounts/{account}/credits",
    "POST",
    right=Right.MANAGE_SUBACCOUNTS,
    sample=_BALANCE,
    body=NewCredit(Decimal("25.00"), "Bank transfer of 2 November", "transfer-8841"),
)
def credit_subaccount(caller: Caller, account: str, asked: NewCredit) -> BalanceShown:
    """Puts credit on a sub-account's own balance; your balance does not move"""
    found = _own(caller, account)
    credit_wallet(subaccount=found, amount=asked.amount, note=asked.note, key=asked.key, by=caller.actor)
    enforce(account_ids=[found.pk])
    return _balance_shown(found)


class NewSubAccount(Input):
    """Its people are invited in the console."""

    name: Name


@endpoint("accounts", "POST", right=Right.MANAGE_SUBACCOUNTS, sample=_SAMPLE, body=NewSubAccount("Sample sub-account"))
def add_subaccount(caller: Caller, asked: NewSubAccount) -> SubAccountShown:
    """Adds a sub-account; give it lines by sim_card/{iccid}/account or by a job"""
    made = commands.create(parent=caller.account, name=asked.name, first_login="", address="", by=caller.actor)
    return _shown(made, caller)


class SubAccountChange(Input):
    """What is to change; what is not given stays. Switched off, its people are shut out and its lines stop."""

    name: Name | None = None
    is_active: bool | None = None


@endpoint(
    "accounts/{account}",
    "PUT",
    "POST",
    right=Right.MANAGE_SUBACCOUNTS,
    sample=_SAMPLE,
    body=SubAccountChange(is_active=True),
)
def change_subaccount(caller: Caller, account: str, asked: SubAccountChange) -> SubAccountShown:
    """Renames a sub-account, or switches it off or on"""
    found = _own(caller, account)
    if asked.name is not None:
        rename_subaccount(subaccount=found, name=asked.name, by=caller.actor)
    if asked.is_active is not None:
        commands.switch(subaccount=found, active=asked.is_active, by=caller.actor)
    return _shown(_own(caller, account), caller)


ENDPOINTS = (subaccount, add_subaccount, change_subaccount, subaccount_balance, credit_subaccount)
