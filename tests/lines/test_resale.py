"""What sub-accounts owe their accounts: by price lists, from day rows, the same however it is computed."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from kit import clock
from kit.errors import Invalid, NotFound

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from billing.commands import seal_days
from billing.commands.wallets import credit_wallet
from billing.models import Entry, Notice, UsageDay
from lines.carriers.base import Sms
from lines.commands.fees import charge_fees
from lines.commands.holders import assign
from lines.commands.resale import (
    Credit,
    ListExists,
    Own,
    Plus,
    add_price_list,
    charge_by,
    set_list_price,
    stop_charging,
)
from lines.commands.reselling import charge_subaccounts
from lines.commands.sms import send_sms, sms_accepted
from lines.commands.wishes import InsufficientWallet, activate, enforce
from lines.models import Line, LineDay, ListPrice, PriceList, ResaleDay
from lines.policy import Why
from lines.recount.resale import recount_resale
from tests.fleets import MB, Fleet, at, available, books_hold, state, usage_days, wallet

DAY = dt.date(2026, 11, 10)


@pytest.fixture
def acme(fleet: Fleet) -> Account:
    return fleet.account(credit="1000")


@pytest.fixture
def harbour(fleet: Fleet, acme: Account) -> Account:
    return fleet.account(parent=acme)


def usd(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.000001"))


def resold(
    account: Account, holder: Account, *, percent: str = "50", credit: str = "100", limit: Decimal | None = None
) -> PriceList:
    """A sub-account that is charged by a list from today on, with credit."""
    made = add_price_list(account=account, name=f"list {uuid.uuid4().hex}", plus=Plus(Decimal(percent)), by=OPERATOR)
    first = Credit(Decimal(credit), "paid by transfer", uuid.uuid4().hex) if Decimal(credit) else None
    charge_by(subaccount=holder, price_list=made, since=clock.today(), credit_limit=limit, credit=first, by=OPERATOR)
    return made


def give(holder: Account, amount: str, key: str = "") -> Entry:
    return credit_wallet(
        subaccount=holder, amount=Decimal(amount), note="paid by transfer", key=key or uuid.uuid4().hex, by=OPERATOR
    )


def both_books_hold() -> bool:
    """The sums, and what sub-accounts owe computed once more; no day waits."""
    found = recount_resale()
    assert (found.differences, found.waiting) == ([], 0)
    return books_hold()


def sweep() -> None:
    charge_subaccounts(today=clock.today())
    enforce()


def test_a_day_costs_the_accounts_price_plus_the_percentage(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        resold(acme, harbour)
        fleet.read(line, "2026-11-10T08:00", 0)
        fleet.read(line, "2026-11-10T09:00", 100 * MB)
        sweep()
        assert usage_days(acme) == {"2026-11-10": usd("1.00")}
        assert usage_days(harbour) == {"2026-11-10": usd("1.50")}
        assert available(harbour) == usd("98.50")
        assert available(acme) == usd("999.00")
        row = ResaleDay.objects.get()
        assert (row.used, row.data, row.cost) == (100 * MB, usd("1.50"), usd("1.00"))
        assert both_books_hold()


def test_the_sum_is_the_same_however_many_readings_and_sweeps(fleet: Fleet, acme: Account) -> None:
    one, many = fleet.account(parent=acme), fleet.account(parent=acme)
    first, second = fleet.line(one), fleet.line(many)
    with clock.frozen(at("2026-11-10T08:00")):
        for holder in (one, many):
            made = resold(acme, holder)
            set_list_price(
                price_list=made, plan=first.plan, price=Own(Decimal("0.0333")), since=dt.date(2026, 11, 11), by=OPERATOR
            )
    with clock.frozen(at("2026-11-11T00:00")):
        for line in (first, second):
            fleet.read(line, "2026-11-11T00:00", 0)
    for number in range(1, 20):
        when = f"2026-11-11T{number:02}:00"
        with clock.frozen(at(when)):
            fleet.read(second, when, number * 12_345)
            sweep()
            sweep()
    with clock.frozen(at("2026-11-11T20:00")):
        fleet.read(first, "2026-11-11T20:00", 19 * 12_345)
        sweep()
        assert usage_days(one) == usage_days(many) == {"2026-11-11": usd("0.007449")}
        assert both_books_hold()


def test_a_price_holds_from_its_day_and_never_for_a_day_that_has_begun(
    fleet: Fleet, acme: Account, harbour: Account
) -> None:
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        made = resold(acme, harbour)
        fleet.read(line, "2026-11-10T08:00", 0)
        for since in (dt.date(2026, 11, 9), dt.date(2026, 11, 10)):
            with pytest.raises(Invalid, match="11 November 2026"):
                set_list_price(price_list=made, plan=line.plan, price=Own(Decimal(1)), since=since, by=OPERATOR)
        for per_mb in ("9", "0.02"):  # a mistake, and its correction before the day comes
            set_list_price(
                price_list=made, plan=line.plan, price=Own(Decimal(per_mb)), since=dt.date(2026, 11, 11), by=OPERATOR
            )
    for day, counter in (("2026-11-10", 100), ("2026-11-11", 200), ("2026-11-12", 300)):
        with clock.frozen(at(f"{day}T12:00")):
            fleet.read(line, f"{day}T12:00", counter * MB)
            sweep()
    with clock.frozen(at("2026-11-12T13:00")):
        assert usage_days(harbour) == {"2026-11-10": usd("1.50"), "2026-11-11": usd("2"), "2026-11-12": usd("2")}
        seal_days(before=clock.today())
        assert both_books_hold()


def test_a_line_that_changes_hands_at_noon_is_each_holders_for_its_part(fleet: Fleet, acme: Account) -> None:
    one, two = fleet.account(parent=acme), fleet.account(parent=acme)
    line = fleet.line(one)
    with clock.frozen(at("2026-11-10T08:00")):
        resold(acme, one)
        resold(acme, two, percent="100")
        fleet.read(line, "2026-11-10T08:00", 0)
        fleet.read(line, "2026-11-10T09:00", 100 * MB)
        sweep()
    with clock.frozen(at("2026-11-10T12:00")):
        assign(line_ids=[line.pk], holder=two, by=OPERATOR)
        fleet.read(line, "2026-11-10T12:30", 150 * MB)
        sweep()
        assert usage_days(one) == {"2026-11-10": usd("1.50")}
        assert usage_days(two) == {"2026-11-10": usd("1.00")}
        assign(line_ids=[line.pk], holder=one, by=OPERATOR)
        fleet.read(line, "2026-11-10T13:30", 160 * MB)
        assign(line_ids=[line.pk], holder=acme, by=OPERATOR)
        fleet.read(line, "2026-11-10T14:30", 200 * MB)
        sweep()
        assert usage_days(one) == {"2026-11-10": usd("1.65")}
        assert usage_days(two) == {"2026-11-10": usd("1.00")}
        assert usage_days(acme) == {"2026-11-10": usd("2.00")}
        assert sum(LineDay.objects.values_list("used", flat=True)) == 200 * MB
        assert both_books_hold()


def test_a_red_wallet_stops_its_own_lines_and_credit_starts_them(fleet: Fleet, acme: Account) -> None:
    poor, other = fleet.account(parent=acme), fleet.account(parent=acme)
    line, beside, own = fleet.line(poor), fleet.line(other), fleet.line(acme)
    with clock.frozen(at("2026-11-10T08:00")):
        resold(acme, poor, credit="10")
        resold(acme, other, credit="10")
        fleet.read(line, "2026-11-10T08:00", 0)
        fleet.read(line, "2026-11-10T09:00", 600 * MB)
        sweep()
        assert available(poor) == usd("1.00")
        assert state(line).why == Why.WALLET
        assert {state(one).why for one in (beside, own)} == {""}
        with pytest.raises(InsufficientWallet):
            activate(line=line, by=OPERATOR)
        assert Event.objects.filter(verb="wallet.red", account=acme).count() == 1
        assert Notice.objects.filter(account=acme, subject__contains="1 line was suspended").count() == 1
        give(poor, "4")
        enforce()
        assert state(line).why == ""
        assert wallet(poor).is_red is False


def test_a_line_comes_back_only_where_both_balances_let_it(fleet: Fleet, acme: Account, harbour: Account) -> None:
    from billing.commands import adjust

    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        resold(acme, harbour, credit="10")
        adjust(account=acme, amount=Decimal(-1000), reason="a test", by=OPERATOR)
        enforce()
        assert state(line).why == Why.BALANCE
        give(harbour, "-9")
        enforce()
        assert (state(line).why, wallet(harbour).is_red) == (Why.BALANCE, True)
        adjust(account=acme, amount=Decimal(1000), reason="a test", by=OPERATOR)
        enforce()
        assert state(line).why == Why.WALLET
        adjust(account=acme, amount=Decimal(-1000), reason="a test", by=OPERATOR)
        give(harbour, "9")
        enforce()
        assert state(line).why == Why.BALANCE
        adjust(account=acme, amount=Decimal(1000), reason="a test", by=OPERATOR)
        enforce()
        assert state(line).why == ""


def test_postpaid_is_red_below_its_limit(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        resold(acme, harbour, credit="0", limit=Decimal(20))
        enforce()
        assert state(line).why == ""
        give(harbour, "-20")
        enforce()
        assert state(line).why == ""
        give(harbour, "-0.000001")
        enforce()
        assert state(line).why == Why.WALLET


def test_a_second_click_is_one_credit(fleet: Fleet, acme: Account, harbour: Account) -> None:
    with clock.frozen(at("2026-11-10T08:00")):
        resold(acme, harbour, credit="0")
        assert give(harbour, "25", "one") == give(harbour, "25", "one")
        assert available(harbour) == usd("25")
        with pytest.raises(Invalid, match="another amount"):
            give(harbour, "26", "one")
        for amount in ("0", "0.0000001", "1000000000"):
            with pytest.raises(Invalid):
                give(harbour, amount)
        with pytest.raises(NotFound):
            give(acme, "5")
        assert available(acme) == usd("1000")
        assert both_books_hold()


def test_messages_are_resold_at_the_plan_that_the_line_had(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        made = resold(acme, harbour)
        own = Own(Decimal(1), per_sms=Decimal("0.2"))
        set_list_price(price_list=made, plan=line.plan, price=own, since=dt.date(2026, 11, 11), by=OPERATOR)
        fleet.read(line, "2026-11-10T08:00", 0)
    for when in ("2026-11-10T09:00", "2026-11-11T09:00", "2026-11-11T10:00"):
        with clock.frozen(at(when)):
            message = send_sms(line=line, text="reboot", by=OPERATOR)
            sms_accepted(message_id=message.pk, sms=Sms(when, True, "reboot", at(when)), follow=False)
            sweep()
            sweep()
    with clock.frozen(at("2026-11-11T11:00")):
        assert usage_days(harbour) == {"2026-11-10": usd("0.075"), "2026-11-11": usd("0.40")}
        assert available(acme) == usd("999.85")
        assert both_books_hold()


def test_a_list_is_the_accounts_own(fleet: Fleet, acme: Account, harbour: Account) -> None:
    other = fleet.account()
    theirs = add_price_list(account=other, name="Theirs", plus=Plus(Decimal(5)), by=OPERATOR)
    with pytest.raises(Invalid, match="another account"):
        charge_by(subaccount=harbour, price_list=theirs, since=clock.today(), credit_limit=None, by=OPERATOR)
    with pytest.raises(ListExists):
        add_price_list(account=other, name=" Theirs ", plus=Plus(Decimal(5)), by=OPERATOR)
    with pytest.raises(Invalid, match="sub-account"):
        add_price_list(account=harbour, name="x", plus=Plus(Decimal(5)), by=OPERATOR)


def test_its_account_pays_again(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        resold(acme, harbour, credit="0")
        enforce()
        assert state(line).why == Why.WALLET
        stop_charging(subaccount=harbour, by=OPERATOR)
        enforce()
        assert state(line).why == ""
        with pytest.raises(NotFound):
            give(harbour, "5")
    with clock.frozen(at("2026-11-11T08:00")):
        fleet.read(line, "2026-11-11T08:00", 0)
        fleet.read(line, "2026-11-11T09:00", 100 * MB)
        sweep()
        assert usage_days(harbour) == {}
        assert state(line).why == ""
        assert both_books_hold()


def test_usage_found_late_is_charged_late(fleet: Fleet, acme: Account, harbour: Account) -> None:
    """What is found after a month's statement is closed stands in the open one, of a sub-account too."""
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-30T20:00")):
        resold(acme, harbour)
        fleet.read(line, "2026-11-30T20:00", 0)
        fleet.read(line, "2026-11-30T21:00", 100 * MB)
        sweep()
    with clock.frozen(at("2026-12-01T01:00")):
        sweep()
        seal_days(before=clock.today())
    with clock.frozen(at("2026-12-06T10:00")):
        fleet.read(line, "2026-12-06T10:00", 150 * MB, "2026-11-01")
        sweep()
    with clock.frozen(at("2026-12-07T01:00")):
        seal_days(before=clock.today())
        rows = Entry.objects.filter(account=harbour, kind="usage").order_by("pk")
        assert [(row.day.isoformat(), row.amount, row.booked_on) for row in rows] == [
            ("2026-11-30", usd("-1.50"), None),
            ("2026-11-30", usd("-0.75"), dt.date(2026, 12, 6)),
        ]
        assert both_books_hold()


def test_what_is_written_stays(acme: Account) -> None:
    from django.db import DatabaseError, transaction

    made = add_price_list(account=acme, name="A", plus=Plus(Decimal(5)), by=OPERATOR)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ListPrice.objects.filter(price_list=made).update(percent=6)


def test_a_days_fee_is_whose_the_line_was_first(fleet: Fleet, acme: Account) -> None:
    one, two = fleet.account(parent=acme), fleet.account(parent=acme)
    fleet.plans["simbase"].prices.create(
        valid_from=at("2026-11-01"), per_mb=Decimal("0.01"), per_day=Decimal("0.10"), per_sms=Decimal("0.05")
    )
    with clock.frozen(at("2026-11-09T12:00")):
        line = fleet.line(one)
    with clock.frozen(at("2026-11-10T00:00")):
        resold(acme, one)
        resold(acme, two)
        fleet.read(line, "2026-11-10T00:00", 0)
    with clock.frozen(at("2026-11-10T12:00")):
        assign(line_ids=[line.pk], holder=two, by=OPERATOR)
        charge_fees(today=clock.today())
        sweep()
        assert (usage_days(one), usage_days(two)) == ({"2026-11-10": usd("0.15")}, {})
    with clock.frozen(at("2026-11-11T12:00")):
        charge_fees(today=clock.today())
        sweep()
        assert usage_days(two) == {"2026-11-11": usd("0.15")}
        assert usage_days(acme) == {"2026-11-10": usd("0.10"), "2026-11-11": usd("0.10")}
        assert Line.objects.get(pk=line.pk).account == two
        assert both_books_hold()


def test_the_second_books_see_a_cent_that_is_wrong(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        resold(acme, harbour)
        fleet.read(line, "2026-11-10T08:00", 0)
        fleet.read(line, "2026-11-10T09:00", 100 * MB)
        sweep()
        ResaleDay.objects.update(data=usd("1.49"))
        UsageDay.objects.filter(account=harbour).update(usage=usd("1.49"))
        assert [one["recomputed"] for one in recount_resale().differences] == ["1.500000"]
        fleet.read(line, "2026-11-10T10:00", 200 * MB)
        found = recount_resale()
        assert (found.differences, found.waiting) == ([], 1)  # until the next sweep has seen it
