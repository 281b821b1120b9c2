"""Averages and colours of many accounts are decided in SQL; they are what the pure rules say."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.commands import open_account
from accounts.policy import OPERATOR
from billing.commands import Charge, adjust, charge_sms, charge_usage, lock_wallets, mark_colours
from billing.models import Wallet
from billing.policy import Colour
from billing.queries import AVERAGES, balance_of, colour_changes, is_low

TODAY = dt.date(2026, 11, 20)
CHARGES = st.lists(
    st.tuples(st.integers(-1, 40), st.decimals("0.000001", "12", places=6, allow_nan=False)), max_size=12
)
CREDIT = st.one_of(
    st.decimals("-20", "90", places=6, allow_nan=False), st.sampled_from([Decimal(5), Decimal("4.999999"), Decimal(12)])
)


@pytest.mark.django_db
@given(histories=st.lists(st.tuples(CHARGES, CREDIT), min_size=1, max_size=4))
@example(histories=[([(1, Decimal(7))], Decimal(19)), ([(1, Decimal(7))], Decimal("18.999999"))])  # 7.0 days, and less
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_decides_as_the_rules_do(db: None, histories: list[tuple[list[tuple[int, Decimal]], Decimal]]) -> None:
    with transaction.atomic():
        accounts = []
        for number, (charges, credit) in enumerate(histories):
            account = open_account(name=f"a{number}", owner_email="owner@acme.example", by=OPERATOR)
            accounts.append(account)
            if credit:
                adjust(account=account, amount=credit, reason="a start", by=OPERATOR)
            lock_wallets(account_ids=[account.pk])
            charge_usage(
                charges=[Charge(account.pk, TODAY - dt.timedelta(days=ago), amount) for ago, amount in charges]
            )
        with connection.cursor() as cursor:
            cursor.execute(AVERAGES, {"today": TODAY, "accounts": None})
            found = {row[0]: (row[1], row[3]) for row in cursor.fetchall()}
        mark_colours(today=TODAY)
        for account, (charges, _) in zip(accounts, histories, strict=True):
            balance = balance_of(account, today=TODAY)
            assert found[account.pk] == (balance.available, balance.average_daily)
            assert Wallet.objects.get(account=account).is_red == (balance.colour is Colour.RED)
            assert is_low(account.pk, today=TODAY) == (balance.colour is not Colour.GREEN)
            # and the rule itself, on paper
            window = [amount for ago, amount in charges if 1 <= ago <= 30]
            first = max((ago for ago, _ in charges), default=1)
            counted = max(7, min(30, first))
            expected = (sum(window, Decimal(0)) / counted).quantize(Decimal("0.000001"), rounding="ROUND_HALF_UP")
            assert balance.average_daily == expected
        assert colour_changes(today=TODAY) == []
        transaction.set_rollback(True)


def test_messages_are_in_the_average_too(db: None) -> None:
    account = open_account(name="a", owner_email="owner@acme.example", by=OPERATOR)
    adjust(account=account, amount=Decimal(100), reason="a start", by=OPERATOR)
    lock_wallets(account_ids=[account.pk])
    yesterday = TODAY - dt.timedelta(days=1)
    charge_sms(account_id=account.pk, key="sms:1", amount=Decimal(70), day=yesterday, note="")
    assert balance_of(account, today=TODAY).average_daily == Decimal(10)
    with connection.cursor() as cursor:
        cursor.execute(AVERAGES, {"today": TODAY, "accounts": None})
        assert cursor.fetchone()[3] == Decimal(10)
    assert is_low(account.pk, today=TODAY)
