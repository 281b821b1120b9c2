"""A reseller with two price lists: a retail customer who pays in advance and a large one who pays later."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from billing.commands import seal_days
from billing.commands.wallets import credit_wallet
from billing.queries import balance_of, months_of
from lines.commands.resale import Credit, Own, Plus, add_price_list, charge_by, set_list_price
from lines.commands.reselling import charge_subaccounts
from lines.commands.wishes import enforce
from lines.models import Line
from lines.queries.resale import Resold, resold_in
from lines.recount.resale import recount_resale
from tests.fleets import MB, Fleet, at, available, books_hold, state, usage_rows


def usd(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.000001"))


def test_november_of_a_reseller(db: None) -> None:
    """The plan costs $0.01 per MB. Retail pays 50 % more; wholesale pays $0.012, rounded by nothing.

    | | used | pays | costs | left |
    |---|---|---|---|---|
    | retail | 600 MB | 9.00 | 6.00 | 3.00 |
    | wholesale | 5,000 MB, then 1,000 at 0.009 | 69.00 | 60.00 | 9.00 |
    """
    fleet = Fleet(per_mb="0.01")
    seller = fleet.account(credit="500")
    retail, wholesale = fleet.account(parent=seller), fleet.account(parent=seller)
    small, large = fleet.line(retail), fleet.line(wholesale)
    with clock.frozen(at("2026-11-01T00:00")):
        shop = add_price_list(account=seller, name="Retail", plus=Plus(Decimal(50)), by=OPERATOR)
        bulk = add_price_list(account=seller, name="Wholesale", plus=Plus(Decimal(25)), by=OPERATOR)
        set_list_price(
            price_list=bulk, plan=large.plan, price=Own(Decimal("0.012")), since=dt.date(2026, 11, 1), by=OPERATOR
        )
        paid = Credit(Decimal(12), "invoice 7", uuid.uuid4().hex)
        charge_by(subaccount=retail, price_list=shop, since=clock.today(), credit_limit=None, credit=paid, by=OPERATOR)
        charge_by(subaccount=wholesale, price_list=bulk, since=clock.today(), credit_limit=Decimal(65), by=OPERATOR)
        for line in (small, large):
            fleet.read(line, "2026-11-01T00:00", 0)

    _day(fleet, "2026-11-02", {small: 300, large: 5_000})
    with clock.frozen(at("2026-11-02T21:00")):
        assert (available(retail), available(wholesale)) == (usd("7.50"), usd("-60"))
        assert (state(small).why, state(large).why) == ("", "")
        set_list_price(
            price_list=bulk, plan=large.plan, price=Own(Decimal("0.009")), since=dt.date(2026, 11, 3), by=OPERATOR
        )

    _day(fleet, "2026-11-03", {small: 600, large: 6_000})
    with clock.frozen(at("2026-11-03T21:00")):
        assert (available(retail), available(wholesale)) == (usd("3"), usd("-69"))
        assert (state(small).why, state(large).why) == ("wallet", "wallet")  # under 5.00, and under -65.00
        assert balance_of(seller, today=clock.today()).available == usd("434")
        credit_wallet(subaccount=retail, amount=Decimal(10), note="invoice 8", key="8", by=OPERATOR)
        enforce()
        assert (state(small).why, state(large).why) == ("", "wallet")
        left = {row.name: (row.income, row.cost, row.left) for row in _margins(seller)}
        assert left == {
            retail.name: (usd("9"), usd("6"), usd("3")),
            wholesale.name: (usd("69"), usd("60"), usd("9")),
        }

    with clock.frozen(at("2026-11-04T01:00")):
        seal_days(before=clock.today())
        assert usage_rows(retail) == [("2026-11-02", usd("-4.50")), ("2026-11-03", usd("-4.50"))]
        assert usage_rows(wholesale) == [("2026-11-02", usd("-60")), ("2026-11-03", usd("-9"))]
        (month,) = months_of(retail, today=clock.today())
        assert (month.moved["credit"], month.usage, month.ending) == (usd("22"), usd("-9"), usd("13"))
        found = recount_resale()
        assert (found.differences, found.waiting, found.days) == ([], 0, 4)
        assert books_hold()


def _day(fleet: Fleet, day: str, counters: dict[Line, int]) -> None:
    """Each line is read each hour until its counter is there."""
    before = {line: state(line).counter for line in counters}
    for hour in range(1, 21):
        when = f"{day}T{hour:02}:00"
        with clock.frozen(at(when)):
            for line, megabytes in counters.items():
                fleet.read(line, when, before[line] + (megabytes * MB - before[line]) * hour // 20)
            charge_subaccounts(today=clock.today())
            enforce()


def _margins(seller: Account) -> list[Resold]:
    return resold_in(seller, month=dt.date(2026, 11, 1), by="subaccount")
