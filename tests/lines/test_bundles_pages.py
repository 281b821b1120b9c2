"""Where bundles are set and shown: the desk of rate plans, prices, explanations, Home, a line's page, sub-accounts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from kit import clock
from kit.errors import Invalid

from accounts.policy import OPERATOR
from lines.commands.prices import Abroad, Tariff, Terms, reissue_prices, set_price
from lines.models import Line, Price, Zone, ZoneCountry
from lines.queries import costs_between, pools_between
from tests.console.test_back_office import enrolled
from tests.fleets import at, usage_days
from tests.lines.test_bundles import Bundled, settle
from tests.lines.test_resale import both_books_hold, resold, sweep
from tests.lines.test_zones_desk import of_owner, words
from tests.proofs import log_in

pytestmark = pytest.mark.django_db


def test_the_operator_sets_what_a_plan_includes() -> None:
    office = log_in(Client(), enrolled(), proved=("password", "mfa"))
    plan = Bundled().plans["simbase"]
    path = reverse("admin:lines_rateplan_set_price", args=[plan.pk])
    given = {"per_mb": "0.02", "per_sms": "0.05", "per_day": "0", "since": "2098-01-01 00:00"}
    given |= {"cost_per_mb": "0.004", "cost_per_sms": "0.01", "cost_per_day": "0"}
    more = {"per_month": "2", "activation": "1.5", "included_mb": "500", "is_pooled": "on"}
    assert "A pool needs included data" in words(office.post(path, given | {"is_pooled": "on"}))
    said = words(office.post(path, given | more, follow=True))
    assert "simbase costs 0.020000 a MB beyond 500 MB from 1 January 2098" in said
    row = Price.objects.get(plan=plan, valid_from__isnull=False)
    assert (row.per_mb, row.per_mb_beyond, row.included_mb, row.is_pooled) == (0, Decimal("0.02"), 500, True)
    assert (row.per_month, row.activation) == (2, Decimal("1.5"))
    assert "0.004000 500 Yes 0.020000" in words(office.get(reverse("admin:lines_rateplan_change", args=[plan.pk])))


def used_up(*, pooled: bool) -> tuple[Bundled, list[Line]]:
    """Two lines with 100 MB each, the first of which used 250."""
    fleet = Bundled()
    fleet.terms(is_pooled=pooled)
    lines = fleet.begun(fleet.account(), 2)
    fleet.use(lines[0], "2026-11-11T10:00", 250)
    settle("2026-11-11")
    return fleet, lines


@pytest.mark.parametrize(
    ("pooled", "home", "line"),
    [
        (True, "50 MB beyond 200 MB", "50 MB beyond 200 MB"),
        (False, "250 MB of 200 MB used", "150 MB beyond 100 MB"),
    ],
)
def test_pages_say_what_is_left_and_what_is_beyond(pooled: bool, home: str, line: str) -> None:
    _, lines = used_up(pooled=pooled)
    assert lines[0].payer is not None
    client = of_owner(lines[0].payer)
    with clock.frozen(at("2026-11-11T23:30")):
        assert home in words(client.get(reverse("home")))
        assert line in words(client.get(reverse("line", args=[lines[0].iccid])))
        said = words(client.get(f"{reverse('explain')}?day=2026-11-11"))
        assert ("Beyond included data, all lines" in said) is pooled
        assert ("beyond included data" in said) is not pooled
        assert ("$0.500000" if pooled else "$1.500000") in said
        other = words(client.get(reverse("line", args=[lines[1].iccid])))
        assert ("50 MB beyond 200 MB" if pooled else "100 MB of 100 MB left") in other


@pytest.mark.parametrize("pooled", [True, False])
def test_a_statement_adds_up_to_what_was_charged(pooled: bool) -> None:
    _, lines = used_up(pooled=pooled)
    account = lines[0].payer
    assert account is not None
    first, last = dt.date(2026, 11, 1), dt.date(2026, 12, 1)
    by_line = sum(row[5] + row[6] for batch in costs_between(account.pk, first, last) for row in batch)
    of_pools = sum(cost for *_, cost in pools_between(account.pk, first, last))
    assert (by_line, of_pools) == ((0, Decimal("0.5")) if pooled else (Decimal("1.5"), 0))


def test_a_list_of_zones_that_changes_keeps_what_a_plan_includes() -> None:
    plan = Bundled().plans["simbase"]
    zone = Zone.objects.create(carrier=plan.carrier, name="Asia")
    ZoneCountry.objects.create(zone=zone, carrier=plan.carrier, code="JP")
    terms = Terms(per_month=Decimal(2), included_mb=500, is_pooled=True)
    price, abroad = Tariff(Decimal("0.02"), Decimal(0), Decimal(0)), {zone.pk: Abroad(Decimal("0.50"))}
    with clock.frozen(at("2026-11-01T00:00")):
        since = at("2026-11-02T00:00")
        set_price(plan=plan, since=since, price=price, cost=None, zones=abroad, terms=terms, by=OPERATOR)
        ZoneCountry.objects.create(zone=zone, carrier=plan.carrier, code="KR")
        made = reissue_prices(plan=plan, since=at("2026-11-03T00:00"), by=OPERATOR)
    assert made is not None
    assert (made.rate, made.per_mb, made.included, made.is_pooled) == (Decimal("0.02"), 0, 500 << 20, True)
    assert (made.per_month, made.activation) == (2, 0)
    with pytest.raises(Invalid, match="from 1 to"):
        Terms(included_mb=0).checked()


@pytest.mark.parametrize(("pooled", "charged"), [(False, "2.25"), (True, "0")])
def test_a_sub_account_is_charged_a_percentage_of_what_its_line_used_beyond(pooled: bool, charged: str) -> None:
    """150 MB beyond at a cent each, and half of it more. What is beyond a pool stays the account's."""
    fleet = Bundled()
    fleet.terms(is_pooled=pooled)
    account = fleet.account()
    harbour = fleet.account(parent=account)
    with clock.frozen(at("2026-11-01T00:00")):
        resold(account, harbour)
    line = fleet.begun(harbour, 1)[0]
    fleet.use(line, "2026-11-11T10:00", 250)
    settle("2026-11-11")
    with clock.frozen(at("2026-11-11T23:30")):
        sweep()
        sweep()
    assert sum(usage_days(harbour).values()) == Decimal(charged)
    assert both_books_hold()
