"""Prices in the database: none is changed, none in force goes away, a correction is a row with a later date."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from kit import clock

from accounts.policy import OPERATOR
from lines.commands.prices import Tariff, know_cost, set_price
from lines.models import Price
from tests.fleets import Fleet


def refused(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            cursor.execute(sql)
    return str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        "per_mb = 0.02",
        "per_sms = 0.01",
        "per_day = 0.01",
        "per_month = 1",
        "activation = 1",
        "per_mb = 0, included_mb = 5, per_mb_beyond = 0.01",
        "valid_from = '2026-11-01'",
        "plan_id = (SELECT max(id) FROM lines_rateplan)",
        "per_mb = 0.02, cost_per_mb = 0, cost_per_sms = 0, cost_per_day = 0",
    ],
)
@pytest.mark.parametrize("since", ["2026-11-19T00:00", "2999-01-01T00:00"])
def test_a_price_is_never_changed(fleet: Fleet, change: str, since: str) -> None:
    price = fleet.price("simbase", since, "0.01", per_day="0.25")
    said = refused(f"UPDATE lines_price SET {change} WHERE id = {price.pk}")
    assert "a price is never changed" in said
    assert "later date" in said


def test_a_price_in_force_is_never_taken_away(fleet: Fleet) -> None:
    dated = fleet.price("simbase", "2026-11-19T00:00", "0.02")
    first = Price.objects.get(plan=fleet.plans["iotportal"])  # from the beginning
    for price in (dated, first):
        assert "DELETE" in refused(f"DELETE FROM lines_price WHERE id = {price.pk}")
    assert "TRUNCATE" in refused("TRUNCATE lines_price CASCADE")


def test_a_price_whose_moment_has_not_come_may_be_taken_back(fleet: Fleet) -> None:
    price = fleet.price("simbase", "2999-01-01T00:00", "0.02")
    assert price.delete()[0] == 1


def test_what_the_carrier_takes_is_learned_later_and_a_correction_is_a_new_row(fleet: Fleet) -> None:
    plan, cost = fleet.plans["simbase"], Tariff(Decimal("0.004"), Decimal("0.01"), Decimal(0))
    first = Price.objects.get(plan=plan)
    know_cost(price_id=first.pk, cost=cost, by=OPERATOR)
    since = clock.now() + dt.timedelta(hours=1)
    new = set_price(plan=plan, since=since, price=Tariff(*map(Decimal, ("0.02", "0.05", "0"))), cost=cost, by=OPERATOR)
    kept = Price.objects.filter(plan=plan).order_by("pk").values_list("pk", "per_mb", "cost_per_mb")
    assert list(kept) == [(first.pk, Decimal("0.01"), Decimal("0.004")), (new.pk, Decimal("0.02"), Decimal("0.004"))]
