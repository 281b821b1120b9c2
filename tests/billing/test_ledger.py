"""The ledger only ever grows, each of its rows once, and a balance is the sum of its rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from kit.errors import Invalid

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from billing.commands import (
    Charge,
    PaidByParent,
    adjust,
    charge_sms,
    charge_usage,
    lock_wallets,
    mark_colours,
    post,
    seal_days,
)
from billing.models import Adjustment, Entry, UsageDay, Wallet
from billing.policy import Colour, EntryKind
from billing.queries import balance_of, colour_changes

TODAY = dt.date(2026, 11, 20)


def day(number: int) -> dt.date:
    return dt.date(2026, 11, number)


def charge(account: Account, number: int, amount: str) -> None:
    with transaction.atomic():
        lock_wallets(account_ids=[account.pk])
        charge_usage(charges=[Charge(account.pk, day(number), Decimal(amount))])


def usage_rows(account: Account) -> list[tuple[str, str]]:
    rows = Entry.objects.filter(account=account, kind="usage").order_by("id")
    return [(row.key.split(":", 2)[2], str(row.amount)) for row in rows]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_entry SET amount = 1",
        "UPDATE billing_entry SET note = 'another'",
        "DELETE FROM billing_entry",
        "TRUNCATE billing_entry CASCADE",
        "UPDATE accounts_event SET verb = 'x'",
        "DELETE FROM accounts_event",
        "TRUNCATE accounts_event CASCADE",
    ],
)
def test_the_database_refuses_to_change_what_happened(account: Account, sql: str) -> None:
    adjust(account=account, amount=Decimal("5"), reason="a start", by=OPERATOR)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or TRUNCATE is refused for another reason
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(sql)
    assert Entry.objects.get().amount == Decimal("5")


def test_the_database_refuses_a_row_of_nothing(account: Account) -> None:
    with pytest.raises(IntegrityError, match="entry_is_not_zero"), transaction.atomic():
        Entry.objects.create(account=account, key="x", kind="adjustment", amount=0, day=TODAY)


def test_the_same_key_twice_is_one_row(account: Account) -> None:
    with transaction.atomic():
        lock_wallets(account_ids=[account.pk])
        answers = [
            post(account_id=account.pk, key="top-up:81", kind=EntryKind.TOP_UP, amount=Decimal(amount), day=TODAY)
            for amount in ("10", "10", "99")
        ]
    assert answers == [True, False, False]
    assert Entry.objects.get().amount == Decimal("10")
    assert Wallet.objects.get().posted == Decimal("10")


def test_an_adjustment_is_a_row_an_event_and_a_balance(account: Account) -> None:
    entry = adjust(account=account, amount=Decimal("25.5"), reason="  a present ", by=OPERATOR)
    assert (entry.kind, entry.amount, entry.day, entry.note) == ("adjustment", Decimal("25.5"), TODAY, "a present")
    assert entry.key == f"adjustment:{Adjustment.objects.get().pk}"
    event = Event.objects.get(verb="balance.adjusted")
    assert (event.account, event.actor_name, event.detail["amount"]) == (account, "operator", "25.500000")
    assert balance_of(account, today=TODAY).available == Decimal("25.5")
    adjust(account=account, amount=Decimal("-30"), reason="a mistake", by=OPERATOR)
    assert balance_of(account, today=TODAY).available == Decimal("-4.5")


@pytest.mark.parametrize(
    "amount",
    ["0", "0.0", "-0", "0.0000001", "1.0000001", "NaN", "sNaN", "Infinity", "-Infinity", "1000000000", "-1e9", "1e30"],
)
def test_an_adjustment_refuses_what_is_no_amount(account: Account, amount: str) -> None:
    with pytest.raises(Invalid):
        adjust(account=account, amount=Decimal(amount), reason="no", by=OPERATOR)
    assert not Entry.objects.exists()
    assert not Adjustment.objects.exists()


@pytest.mark.parametrize("reason", ["", "   ", "\t\n", "x" * 301])
def test_an_adjustment_refuses_to_go_without_a_reason(account: Account, reason: str) -> None:
    with pytest.raises(Invalid):
        adjust(account=account, amount=Decimal(5), reason=reason, by=OPERATOR)
    assert not Entry.objects.exists()


def test_a_sub_account_has_nothing_to_adjust(account: Account, open_one: Callable[..., Account]) -> None:
    child = open_one(parent=account)
    with pytest.raises(PaidByParent):
        adjust(account=child, amount=Decimal(5), reason="no", by=OPERATOR)
    assert not Wallet.objects.exists()


def test_usage_counts_at_once_and_is_a_row_when_its_day_is_over(account: Account) -> None:
    adjust(account=account, amount=Decimal(50), reason="a start", by=OPERATOR)
    charge(account, 19, "1.25")
    charge(account, 20, "0.50")
    charge(account, 20, "0.25")
    balance = balance_of(account, today=TODAY)
    assert (balance.available, balance.accrued) == (Decimal("48"), Decimal("2"))
    assert usage_rows(account) == []
    assert seal_days(before=TODAY) == 1
    assert usage_rows(account) == [("2026-11-19", "-1.250000")]
    balance = balance_of(account, today=TODAY)
    assert (balance.available, balance.accrued) == (Decimal("48"), Decimal("0.75"))
    assert seal_days(before=day(21)) == 1
    assert usage_rows(account) == [("2026-11-19", "-1.250000"), ("2026-11-20", "-0.750000")]


def test_sealing_twice_is_the_same_as_once(account: Account) -> None:
    charge(account, 18, "1")
    assert [seal_days(before=TODAY) for _ in range(3)] == [1, 0, 0]
    assert usage_rows(account) == [("2026-11-18", "-1.000000")]


def test_what_is_found_after_a_day_was_sealed_has_one_row_for_each_day_of_finding(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1.00 sealed; 0.50 and 0.25 found on the 20th in two sweeps, 0.10 on the 21st: two rows more, none before its day
    is over, and the balance knows of each at once."""
    charge(account, 18, "1")
    seal_days(before=TODAY)
    for amount in ("0.5", "0.25"):
        charge(account, 18, amount)
        assert seal_days(before=TODAY) == 0
    assert balance_of(account, today=TODAY).available == Decimal("-1.75")
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-21T00:00:05Z")
    assert seal_days(before=day(21)) == 1
    charge(account, 18, "0.1")
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-22T00:00:05Z")
    seal_days(before=day(22))
    assert usage_rows(account) == [
        ("2026-11-18", "-1.000000"),
        ("2026-11-18:found-2026-11-20", "-0.750000"),
        ("2026-11-18:found-2026-11-21", "-0.100000"),
    ]
    assert Wallet.objects.get().posted == Decimal("-1.85")
    assert UsageDay.objects.get().sealed == Decimal("1.85")


def test_a_clock_that_went_back_makes_no_second_row_of_one_name(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    charge(account, 18, "1")
    seal_days(before=TODAY)
    for _ in range(2):
        monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00Z")
        charge(account, 18, "0.5")
        monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-21T00:00:05Z")
        seal_days(before=day(21))
    assert [key for key, _ in usage_rows(account)][1:] == [
        "2026-11-18:found-2026-11-20",
        "2026-11-18:found-2026-11-20:3",
    ]


def test_a_day_has_as_many_rows_as_it_needs(account: Account) -> None:
    """Its number of rows was a small integer, and 32,768 of them stopped the sealing of everybody."""
    charge(account, 18, "1")
    UsageDay.objects.update(parts=40_000)
    assert seal_days(before=day(22)) == 1


def test_sealing_takes_many_accounts_a_few_at_a_time(open_one: Callable[..., Account]) -> None:
    accounts = [open_one() for _ in range(5)]
    for account in accounts:
        charge(account, 18, "1")
        charge(account, 19, "2")
    assert [seal_days(before=TODAY, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert all(len(usage_rows(account)) == 2 for account in accounts)


def test_a_charge_of_nothing_is_no_usage(account: Account) -> None:
    charge(account, 18, "0")
    assert not UsageDay.objects.exists()
    assert Wallet.objects.get().first_usage_day is None


def test_the_first_day_of_usage_may_be_found_later_than_the_second(account: Account) -> None:
    charge(account, 18, "1")
    charge(account, 10, "1")
    charge(account, 19, "1")
    assert Wallet.objects.get().first_usage_day == day(10)
    assert balance_of(account, today=TODAY).days == 10
    with transaction.atomic():
        lock_wallets(account_ids=[account.pk])
        charge_sms(account_id=account.pk, key="sms:1", amount=Decimal("0.05"), day=day(9), note="SMS")
    assert balance_of(account, today=TODAY).days == 11


def test_todays_usage_is_in_no_average(account: Account) -> None:
    charge(account, 20, "9")
    assert balance_of(account, today=TODAY).average_daily == 0
    charge(account, 18, "3")
    assert balance_of(account, today=TODAY).average_daily == Decimal("0.428571")  # 3 / 7


def test_usage_older_than_thirty_days_is_in_no_average(account: Account) -> None:
    with transaction.atomic():
        lock_wallets(account_ids=[account.pk])
        charge_usage(
            charges=[
                Charge(account.pk, dt.date(2026, 10, 20), Decimal(300)),
                Charge(account.pk, dt.date(2026, 10, 21), Decimal(30)),
            ]
        )
    assert balance_of(account, today=TODAY).average_daily == Decimal(1)


def test_a_colour_is_written_down_when_it_changes(account: Account, open_one: Callable[..., Account]) -> None:
    other = open_one()
    for one, amount in ((account, "5"), (other, "4.999999")):
        adjust(account=one, amount=Decimal(amount), reason="a start", by=OPERATOR)
    with transaction.atomic():
        changes = mark_colours(today=TODAY)
        assert [(change.account_id, change.is_red) for change in changes] == [(account.pk, False)]
        assert mark_colours(today=TODAY) == []
    charge(account, 20, "0.000001")
    with transaction.atomic():
        assert mark_colours(today=TODAY, account_ids=[other.pk]) == []
        changes = mark_colours(today=TODAY, account_ids=[account.pk])
    assert [(change.account_id, change.is_red) for change in changes] == [(account.pk, True)]
    assert Wallet.objects.get(account=account).red_since is not None
    assert colour_changes(today=TODAY) == []


def test_an_account_that_never_moved_money_has_nothing_and_is_red(account: Account) -> None:
    balance = balance_of(account, today=TODAY)
    assert (balance.available, balance.average_daily, balance.colour) == (Decimal(0), Decimal(0), Colour.RED)
    assert balance.runway_days is None
