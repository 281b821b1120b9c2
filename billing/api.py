"""The API's calls about money (observed API: the account itself, current_balance, balance_history,
balance_payments). USD."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

import msgspec
from kit import clock
from kit.endpoints import Linked, endpoint, moment
from kit.money import currency
from kit.paging import Page, Paging, listed

from accounts.policy import Right
from accounts.queries import Caller
from billing.daybook import balance_days, has_moved, paid_by_card
from billing.models import Payment
from billing.policy import Colour
from billing.queries import balance_of

GROUP = "Balance"
OwnMoney = Annotated[Decimal | None, msgspec.Meta(description="null for a sub-account")]


class TheAccount(Linked):
    """The caller's account. The balance is low when it is below its minimum or lasts under seven days."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "lines": "iot_sim_cards",
        "sub_accounts": "accounts",
        "balance": "current_balance",
        "balance_history": "balance_history",
        "payments": "balance_payments",
        "usages": "balance_usages",
        "prices": "prices",
        "rate_plans": "rate_plans",
        "sms": "sms",
        "rules": "rules",
        "rule_activity": "rule_activity",
        "jobs": "jobs",
        "orders": "orders",
        "tags": "tags",
        "webhooks": "webhooks",
        "audit_log": "audit_log",
        "coverage": "coverage",
    }

    number: int
    name: str
    current_balance: OwnMoney
    minimum_balance: OwnMoney
    is_exist_balance_history: bool
    is_low_balance: Annotated[bool | None, msgspec.Meta(description="null for a sub-account")]
    is_allowed_discount: bool


@endpoint(
    "",
    right=Right.SEE_LINES,
    is_observed=True,
    sample=TheAccount(1, "Sample account", Decimal("94.120000"), Decimal("5.000000"), True, False, False),
)
def account(caller: Caller) -> TheAccount:
    """The account itself; there are no discounts here, so none is ever allowed"""
    own = caller.account
    if not caller.may(Right.SEE_MONEY):
        return TheAccount(own.pk, own.name, None, None, False, None, False)
    balance = balance_of(own, today=clock.today())
    return TheAccount(
        number=own.pk,
        name=own.name,
        current_balance=balance.available,
        minimum_balance=balance.minimum,
        is_exist_balance_history=has_moved(own),
        is_low_balance=balance.colour is not Colour.GREEN,
        is_allowed_discount=False,
    )


class CurrentBalance(Linked):
    """What is available now: what was posted, less the usage that is not in the ledger yet."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "history": "balance_history",
        "payments": "balance_payments",
        "usages": "balance_usages",
    }

    current_balance: Decimal
    minimum_balance: Decimal
    currency: str


@endpoint(
    "current_balance",
    right=Right.SEE_MONEY,
    is_observed=True,
    sample=CurrentBalance(Decimal("94.120000"), Decimal("5.000000"), "USD"),
)
def current_balance(caller: Caller) -> CurrentBalance:
    """The available balance"""
    balance = balance_of(caller.account, today=clock.today())
    return CurrentBalance(balance.available, balance.minimum, currency().code)


class BalanceDay(Linked):
    """What a day put to the balance and took from it, and what was available at its end."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "usages": "balance_usages",
    }

    date: str
    credit: Decimal
    debit: Decimal
    balance: Decimal


@endpoint(
    "balance_history",
    right=Right.SEE_MONEY,
    is_observed=True,
    sample=[
        BalanceDay("2026-11-02", Decimal("0.000000"), Decimal("5.880000"), Decimal("94.120000")),
        BalanceDay("2026-11-01", Decimal("100.000000"), Decimal("0.000000"), Decimal("100.000000")),
    ],
)
def balance_history(caller: Caller, asked: Paging) -> Page[BalanceDay]:
    """Debits and credits, a row for each day on which the balance moved, the latest first"""
    days = balance_days(caller.account)
    return listed(asked, [BalanceDay(day.day.isoformat(), day.credit, day.debit, day.balance) for day in days])


class CardPayment(Linked):
    """What a card paid in. The transaction's id is the payment's, as the console's address of it has it."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "balance": "current_balance",
        "history": "balance_history",
    }

    date: str
    amount: Decimal
    transaction_id: str
    last_credit_card_digits: str
    created_at: str
    updated_at: str


@endpoint(
    "balance_payments",
    right=Right.SEE_MONEY,
    is_observed=True,
    sample=[
        CardPayment(
            date="2026-11-01",
            amount=Decimal("100.000000"),
            transaction_id="0" * 32,
            last_credit_card_digits="4242",
            created_at="2026-11-01 09:30:00",
            updated_at="2026-11-01 09:30:02",
        )
    ],
)
def balance_payments(caller: Caller, asked: Paging) -> Page[CardPayment]:
    """The payments by card that succeeded, the latest first"""
    return listed(asked, [_payment(row) for row in paid_by_card(caller.account)])


def _payment(row: Payment) -> CardPayment:
    ended = row.ended_at or row.created_at
    return CardPayment(
        date=ended.astimezone(dt.UTC).date().isoformat(),
        amount=row.amount,
        transaction_id=row.uuid.hex,
        last_credit_card_digits=row.last4,
        created_at=moment(row.created_at),
        updated_at=moment(ended),
    )


ENDPOINTS = (account, current_balance, balance_history, balance_payments)
