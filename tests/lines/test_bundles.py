"""Bundles and pools: what is included, what is beyond it, whoever reads when; fees a month and for activation."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import connection
from kit import clock

from accounts.commands import open_account
from accounts.models import Account, Event
from accounts.policy import OPERATOR
from billing.commands import seal_days
from billing.models import Notice
from lines.commands.bundles import charge_bundles
from lines.commands.fees import charge_fees
from lines.commands.plans import change_plan_of_lines
from lines.commands.wishes import activate, deactivate
from lines.models import Bundle, HolderDay, Line, LineDay, LineState, OnSpan, Overage, Price, RatePlan
from lines.policy import MEGABYTE
from lines.policy.bundles import granted
from lines.recount.bundles import recount_bundles
from tests.fleets import MB, Fleet, at, available, books_hold, usage_days, usage_rows
from tests.lines.test_second_books import second_books

BEGINNING = "2026-10-31T12:00"  # every line is on before November begins
NOVEMBER = dt.date(2026, 11, 1)


class Bundled(Fleet):
    """A fleet whose Simbase plan includes data."""

    def terms(self, since: str | None = None, kind: str = "simbase", **more: Any) -> Price:
        given = {"included_mb": 100, "per_mb_beyond": Decimal("0.01"), "is_pooled": False} | more
        moment = at(since) if since else at("2026-10-01T00:00")
        return Price.objects.create(plan=self.plans[kind], valid_from=moment, per_mb=Decimal(0), **given)

    def begun(self, account: Account, count: int, kind: str = "simbase") -> list[Line]:
        lines = self.fresh(account, count, kind)
        for line in lines:
            self.read(line, BEGINNING, 0)
        return lines

    def fresh(self, account: Account, count: int = 1, kind: str = "simbase") -> list[Line]:
        """Wanted on long ago: each is on from its first reading on."""
        lines = self.lines(account, count, kind)
        LineState.objects.filter(line__in=lines).update(wanted_at=at("2026-10-01T00:00"))
        return lines

    def use(self, line: Line, when: str, megabytes: float) -> None:
        self.read(line, when, int(megabytes * MB))


@pytest.fixture
def fleet(db: None) -> Bundled:
    return Bundled()


def settle(day: str) -> int:
    today = dt.date.fromisoformat(day)
    charge_fees(today=today)
    with clock.frozen(at(f"{day}T23:00")):
        return charge_bundles(today=today)


def all_agree(day: str = "2026-11-30") -> bool:
    found = recount_bundles()
    assert (found.differences, found.waiting) == ([], 0)
    assert second_books(dt.date.fromisoformat(day)).differences == 0
    return books_hold()


def test_data_of_a_bundle_costs_nothing_until_it_is_used_up(fleet: Bundled) -> None:
    """100 MB are included, 10 cents a MB beyond: 60 MB on the 3rd, 60 on the 4th, 5 on the 5th."""
    fleet.terms(per_mb_beyond=Decimal("0.10"))
    account = fleet.account()
    line = fleet.begun(account, 1)[0]
    for day, used in ((3, 60), (4, 120), (5, 125)):
        fleet.use(line, f"2026-11-{day:02}T10:00", used)
        settle(f"2026-11-{day:02}")
    assert usage_days(account) == {"2026-11-04": Decimal(2), "2026-11-05": Decimal("0.50")}
    assert available(account) == Decimal("97.50")
    assert Overage.objects.get(day="2026-11-04").used == 20 * MB
    assert all_agree()


def test_each_line_has_its_own_unless_the_plan_pools(fleet: Bundled) -> None:
    fleet.terms()
    account = fleet.account()
    one, _ = fleet.begun(account, 2)
    fleet.use(one, "2026-11-03T10:00", 150)
    settle("2026-11-03")
    assert usage_days(account) == {"2026-11-03": Decimal("0.50")}
    assert all_agree()


def test_a_pool_is_what_its_lines_have_together(fleet: Bundled) -> None:
    """Three lines bring 300 MB. One alone uses 250, then another 70: 20 are beyond."""
    fleet.terms(is_pooled=True)
    account = fleet.account()
    one, other, _ = fleet.begun(account, 3)
    fleet.use(one, "2026-11-03T10:00", 250)
    settle("2026-11-03")
    assert usage_days(account) == {}
    fleet.use(other, "2026-11-04T10:00", 70)
    settle("2026-11-04")
    assert usage_days(account) == {"2026-11-04": Decimal("0.20")}
    bundle = Bundle.objects.get()
    assert (bundle.lines, bundle.used, bundle.included, bundle.beyond) == (3, 320 * MB, 300 * MB, 20 * MB)
    assert all_agree()


def test_two_accounts_never_share_a_pool(fleet: Bundled) -> None:
    fleet.terms(is_pooled=True)
    one, other = fleet.account(), fleet.account()
    line, theirs = fleet.begun(one, 1)[0], fleet.begun(other, 5)[0]
    fleet.use(line, "2026-11-03T10:00", 130)
    fleet.use(theirs, "2026-11-03T10:00", 60)
    settle("2026-11-03")
    assert (usage_days(one), usage_days(other)) == ({"2026-11-03": Decimal("0.30")}, {})
    assert all_agree()


def test_sub_accounts_use_the_pool_of_who_pays(fleet: Bundled) -> None:
    fleet.terms(is_pooled=True)
    account = fleet.account()
    sub = open_account(name="north", owner_email="north@acme.example", parent=account, by=OPERATOR)
    own, north = fleet.begun(account, 1)[0], fleet.begun(sub, 1)[0]
    fleet.use(own, "2026-11-03T10:00", 120)
    fleet.use(north, "2026-11-03T10:00", 90)
    settle("2026-11-03")
    assert usage_days(account) == {"2026-11-03": Decimal("0.10")}
    assert HolderDay.objects.filter(account=account).values_list("cost", flat=True)[0] == Decimal("0.10")
    assert all_agree()


@pytest.mark.parametrize("pooled", [False, True])
def test_late_usage_of_an_earlier_day_moves_what_is_beyond_and_never_the_sum(fleet: Bundled, pooled: bool) -> None:
    """The 3rd is read late, after the 5th was charged and sealed: what is found later is late usage."""
    fleet.terms(is_pooled=pooled)
    account = fleet.account()
    line = fleet.begun(account, 1)[0]
    fleet.use(line, "2026-11-05T10:00", 130)
    settle("2026-11-05")
    with clock.frozen(at("2026-11-06T01:00")):
        seal_days(before=dt.date(2026, 11, 6))
    LineDay.objects.filter(line=line).update(used=100 * MB)  # of what follows the books are asked at the end
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lines_lineday (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)"
            " SELECT line_id, '2026-11-03', payer_id, price_id, account_id, cycle, %s, 0, 0 FROM lines_lineday",
            [80 * MB],
        )
        cursor.execute(
            "UPDATE lines_holderday SET used = %s;"
            " INSERT INTO lines_holderday (payer_id, day, account_id, price_id, days, used, cost)"
            " SELECT payer_id, '2026-11-03', account_id, price_id, 1, %s, 0 FROM lines_holderday",
            [100 * MB, 80 * MB],
        )
    settle("2026-11-06")
    assert Overage.objects.get().used == 80 * MB
    with clock.frozen(at("2026-11-07T01:00")):
        seal_days(before=dt.date(2026, 11, 7))
    assert usage_rows(account) == [("2026-11-05", Decimal("-0.30")), ("2026-11-05", Decimal("-0.50"))]
    assert recount_bundles().differences == []


def test_any_number_of_readings_in_any_order_costs_the_same(fleet: Bundled) -> None:
    """Four lines of a pool, two of them read often and late: one sum, that of all bytes beyond 400 MB."""
    random = Random(3)
    fleet.terms(is_pooled=True, per_mb_beyond=Decimal("0.013"))
    accounts = fleet.account(credit="1000"), fleet.account(credit="1000")
    fleets = [fleet.begun(account, 4) for account in accounts]
    counters = [0] * 4
    for day in range(2, 20):
        for place in range(4):
            counters[place] += random.randrange(15 * MB)
            fleet.read(fleets[0][place], f"2026-11-{day:02}T20:00", counters[place])
            if day % 3 == 0:
                for hour in random.sample(range(6, 20), 3):
                    fleet.read(fleets[1][place], f"2026-11-{day:02}T{hour:02}:00", random.randrange(counters[place]))
            fleet.read(fleets[1][place], f"2026-11-{day:02}T20:00", counters[place])
        if day % 4 == 0:
            settle(f"2026-11-{day:02}")
    settle("2026-11-20")
    beyond = sum(counters) - 400 * MB
    assert beyond > 0
    expected = (beyond * Decimal("0.013") / MEGABYTE).quantize(Decimal("0.000001"))
    assert [sum(usage_days(account).values()) for account in accounts] == [expected] * 2
    assert all_agree()


def test_it_is_harmless_twice_and_looks_only_at_what_changed(fleet: Bundled) -> None:
    fleet.terms()
    account = fleet.account()
    line = fleet.begun(account, 1)[0]
    fleet.use(line, "2026-11-03T10:00", 150)
    assert [settle("2026-11-03") for _ in range(3)] == [1, 0, 0]
    assert available(account) == Decimal("99.50")


def test_without_bundles_nothing_is_asked_for(fleet: Bundled, django_assert_num_queries: Any) -> None:
    fleet.begun(fleet.account(), 1)
    with django_assert_num_queries(1):
        assert charge_bundles(today=dt.date(2026, 11, 3)) == 0


def test_a_line_that_comes_later_brings_the_part_of_the_month_that_is_left(fleet: Bundled) -> None:
    """On from the 16th of 30 days: 50 of 100 MB."""
    fleet.terms()
    account = fleet.account()
    line = fleet.fresh(account)[0]
    fleet.read(line, "2026-11-16T10:00", 0)
    fleet.use(line, "2026-11-17T10:00", 60)
    settle("2026-11-17")
    assert granted(100 * MB, dt.date(2026, 11, 16), NOVEMBER) == 50 * MB
    assert usage_days(account) == {"2026-11-17": Decimal("0.10")}
    assert all_agree()


def test_a_pool_grows_with_a_line_that_comes_and_gives_back_what_it_covers(fleet: Bundled) -> None:
    fleet.terms(is_pooled=True)
    account = fleet.account()
    line = fleet.begun(account, 1)[0]
    fleet.use(line, "2026-11-10T10:00", 120)
    settle("2026-11-10")
    assert usage_days(account) == {"2026-11-10": Decimal("0.20")}
    fleet.read(fleet.fresh(account)[0], "2026-11-16T10:00", 0)
    settle("2026-11-16")
    assert usage_days(account) == {"2026-11-10": Decimal(0)}
    assert (available(account), Overage.objects.count()) == (Decimal(100), 0)
    assert all_agree()


def test_a_line_that_goes_off_takes_nothing_back(fleet: Bundled) -> None:
    fleet.terms(is_pooled=True)
    account = fleet.account()
    one, other = fleet.begun(account, 2)
    fleet.use(one, "2026-11-10T10:00", 190)
    settle("2026-11-10")
    with clock.frozen(at("2026-11-11T10:00")):
        deactivate(line=other, by=OPERATOR)
    fleet.use(one, "2026-11-12T10:00", 195)
    settle("2026-11-12")
    assert usage_days(account) == {}
    assert all_agree()


def test_another_plan_in_the_month_leaves_what_was_used_where_it_was(fleet: Bundled) -> None:
    """80 MB at the bundle, then a cent a MB at another plan."""
    fleet.terms()
    plain = RatePlan.objects.create(name="plain", carrier=fleet.carriers["simbase"])
    Price.objects.create(plan=plain, valid_from=None, per_mb=Decimal("0.01"))
    account = fleet.account()
    line = fleet.begun(account, 1)[0]
    fleet.use(line, "2026-11-10T10:00", 80)
    settle("2026-11-10")
    with clock.frozen(at("2026-11-10T12:00")):
        change_plan_of_lines(line_ids=[line.pk], plan=plain, by=OPERATOR)
    fleet.use(line, "2026-11-10T14:00", 81)
    fleet.use(line, "2026-11-10T16:00", 130)
    settle("2026-11-11")
    assert usage_days(account) == {"2026-11-10": Decimal("0.49")}
    assert all_agree()


def test_a_new_price_in_the_month_goes_on_with_what_was_used(fleet: Bundled) -> None:
    """90 of 100 MB are used; from the 15th on 200 MB are included, and 2 cents a MB beyond them."""
    fleet.terms()
    fleet.terms("2026-11-15T00:00", included_mb=200, per_mb_beyond=Decimal("0.02"))
    account = fleet.account()
    line = fleet.begun(account, 1)[0]
    for day, used in ((10, 90), (16, 150), (17, 230)):
        fleet.use(line, f"2026-11-{day}T10:00", used)
    settle("2026-11-18")
    assert usage_days(account) == {"2026-11-17": Decimal("0.60")}
    assert all_agree()


@pytest.mark.parametrize("pooled", [False, True])
def test_a_larger_bundle_from_a_later_day_on_gives_nothing_back(fleet: Bundled, pooled: bool) -> None:
    fleet.terms(is_pooled=pooled)
    fleet.terms("2026-11-15T00:00", is_pooled=pooled, included_mb=5_000)
    account = fleet.account()
    line = fleet.begun(account, 1)[0]
    fleet.use(line, "2026-11-10T10:00", 130)
    fleet.use(line, "2026-11-16T10:00", 900)
    settle("2026-11-16")
    assert usage_days(account) == {"2026-11-10": Decimal("0.30")}
    assert all_agree()


def test_a_month_begins_anew(fleet: Bundled) -> None:
    fleet.terms(kind="iotportal")
    account = fleet.account()
    line = fleet.begun(account, 1, "iotportal")[0]
    fleet.use(line, "2026-11-10T10:00", 130)
    fleet.use(line, "2026-12-05T10:00", 90)
    settle("2026-12-05")
    assert usage_days(account) == {"2026-11-10": Decimal("0.30")}
    assert all_agree("2026-12-10")


def test_a_fee_a_month_is_owed_by_the_days_on_which_a_line_is_on(fleet: Bundled) -> None:
    """$10 a month and $3 once: on from the 21st to the 30th, a third of a month."""
    Price.objects.create(
        plan=fleet.plans["simbase"], valid_from=at("2026-10-01T00:00"), per_mb=0, per_month=10, activation=3
    )
    account = fleet.account()
    line = fleet.fresh(account)[0]
    fleet.read(line, "2026-11-21T10:00", 0)
    for day in range(21, 31):
        charge_fees(today=dt.date(2026, 11, day))
    assert sum(usage_days(account).values()) == Decimal("6.333333")
    assert usage_days(account)["2026-11-21"] == Decimal("3.333333")
    assert all_agree()


def test_activation_is_owed_once_and_not_by_lines_that_were_on_before(fleet: Bundled) -> None:
    account = fleet.account()
    before, later = fleet.begun(account, 1)[0], fleet.fresh(account)[0]
    Price.objects.create(plan=fleet.plans["simbase"], valid_from=at("2026-11-02T00:00"), per_mb=0, activation=3)
    fleet.read(before, "2026-11-03T10:00", 0)
    fleet.read(later, "2026-11-03T10:00", 0)
    settle("2026-11-03")
    with clock.frozen(at("2026-11-04T10:00")):
        deactivate(line=later, by=OPERATOR)
    with clock.frozen(at("2026-11-05T10:00")):
        activate(line=later, by=OPERATOR)
    fleet.read(later, "2026-11-05T11:00", 0)
    assert OnSpan.objects.filter(line=later).count() == 2
    settle("2026-11-05")
    assert usage_days(account) == {"2026-11-03": Decimal(3)}
    assert all_agree()


def test_people_are_told_at_80_and_at_100_percent_once_a_month(fleet: Bundled) -> None:
    fleet.terms(is_pooled=True)
    account = fleet.account()
    line = fleet.begun(account, 1)[0]
    for day, used in ((3, 79), (4, 85), (5, 99), (6, 100), (7, 150)):
        fleet.use(line, f"2026-11-{day:02}T10:00", used)
        settle(f"2026-11-{day:02}")
    told = Event.objects.filter(verb="bundle.threshold").order_by("pk")
    assert [event.detail["at"] for event in told] == [80, 100]
    assert told[0].detail | {"cycle": "2026-11-01"} == told[0].detail
    assert Notice.objects.filter(about__startswith="bundle:").count() == 1 + 1


def test_of_lines_with_bundles_of_their_own_each_is_told_of(fleet: Bundled) -> None:
    fleet.terms()
    account = fleet.account()
    lines = fleet.begun(account, 3)
    for line, used in zip(lines, (85, 20, 120), strict=True):
        fleet.use(line, "2026-11-03T10:00", used)
    for _ in range(2):
        settle("2026-11-03")
    told = Event.objects.filter(verb="bundle.threshold").order_by("subject")
    assert [(event.subject, event.detail["at"]) for event in told] == [
        (f"line:{lines[0].iccid}", 80),
        (f"line:{lines[2].iccid}", 100),
    ]


FAULTS = {
    "a day beyond a bundle dropped": "DELETE FROM lines_overage WHERE day = '2026-11-04'",
    "one too dear": "UPDATE lines_overage SET cost = cost + 0.01",
    "bytes that were not beyond": "UPDATE lines_overage SET used = used + 1",
    "one of another line": "UPDATE lines_overage SET line_id = NULL",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_second_books_find_what_is_wrong(fleet: Bundled, fault: str) -> None:
    fleet.terms()
    line = fleet.begun(fleet.account(), 1)[0]
    fleet.use(line, "2026-11-04T10:00", 120)
    settle("2026-11-04")
    assert recount_bundles().differences == []
    with connection.cursor() as cursor:
        cursor.execute(FAULTS[fault])
    assert recount_bundles().differences
