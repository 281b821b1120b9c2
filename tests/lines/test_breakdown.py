"""The usage page's sums: they are the day rows', the ledger's and the statement's, whoever divides them and how."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from kit import clock

from accounts.commands import open_account
from accounts.models import Account, Membership
from accounts.policy import OPERATOR
from billing.models import Entry, UsageDay
from billing.queries.statements import months_of
from lines.models import Line, LineDay, LineTag, Sighting, SmsMessage, Tag
from lines.policy import SmsState
from lines.queries import breakdown
from lines.queries.breakdown import By, Question, TooMuch, breakdown_of, dimensions_of, each_day
from lines.queries.named import key_of, names_of
from tests.fleets import MB, Fleet, holders_of, sum_day_rows

pytestmark = pytest.mark.django_db


def viewer(account: Account) -> Membership:
    return Membership.objects.select_related("account").get(account=account, role="owner")


class World:
    """A reseller with a customer: lines of two plans, thirty days of rows, fees, messages, tags and countries."""

    def __init__(self) -> None:
        self.fleet = fleet = Fleet(per_mb="0.013", per_day="0.07")
        self.acme = fleet.account()
        self.sub = open_account(
            name="Harbour", owner_email="h@harbour.example", password="orbit-lantern-42", parent=self.acme, by=OPERATOR
        )
        self.stranger = fleet.account()
        self.today = clock.today()
        self.lines = [fleet.line(self.acme), fleet.line(self.acme, kind="iotportal"), fleet.line(self.acme)]
        self.lines[2].account = self.sub
        self.lines[2].save(update_fields=["account"])
        self.others = fleet.line(self.stranger)
        for number, line in enumerate([*self.lines, self.others], 1):
            for ago in range(45):
                self.day(line, ago, used=number * (ago + 1) * 70_001)
        tag = Tag.objects.create(account=self.acme, name="north")
        LineTag.objects.create(tag=tag, line=self.lines[0])
        self.seen(self.lines[0], "NL", days=40)
        self.seen(self.lines[0], "DE", days=2)
        self.message(self.lines[2], ago=1)
        sum_day_rows()
        for account in (self.acme, self.stranger):
            for day in LineDay.objects.filter(payer=account).values_list("day", flat=True).distinct():
                rows = LineDay.objects.filter(payer=account, day=day)
                usage = sum((row.cost + row.fee for row in rows), Decimal(0))
                about, _ = UsageDay.objects.get_or_create(account=account, day=day)
                about.usage = usage
                about.save()

    def day(self, line: Line, ago: int, used: int) -> None:
        day = self.today - dt.timedelta(days=ago)
        price = line.plan.prices.get()
        LineDay.objects.create(
            line=line, day=day, price=price, **holders_of(line),
            cycle=day.replace(day=1), used=used, cost=Decimal(used) / MB * price.per_mb, fee=price.per_day,
        )  # fmt: skip

    def seen(self, line: Line, country: str, *, days: int) -> None:
        since = clock.now() - dt.timedelta(days=days)
        Sighting.objects.create(
            line=line, **holders_of(line), cycle=since.date().replace(day=1),
            started_at=since, is_session=True, country=country,
        )  # fmt: skip

    def message(self, line: Line, *, ago: int) -> None:
        day = self.today - dt.timedelta(days=ago)
        sms = SmsMessage.objects.create(
            line=line, carrier=line.carrier, **holders_of(line), to_device=True,
            text="hello", price=Decimal("0.05"), state=SmsState.SENT, accepted_at=clock.now(), is_open=False,
        )  # fmt: skip
        Entry.objects.create(account=self.acme, kind="sms", amount=Decimal("-0.05"), key=f"sms:{sms.pk}", day=day)
        UsageDay.objects.update_or_create(account=self.acme, day=day, defaults={"sms": Decimal("0.05")})

    def last(self, days: int, by: By, **about: object) -> Question:
        return Question(by=by, first=self.today - dt.timedelta(days=days - 1), last=self.today, **about)  # type: ignore[arg-type]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("by", list(By))
@pytest.mark.parametrize("days", [1, 7, 30])
def test_however_it_is_divided_the_sum_is_the_day_rows_and_the_ledgers(world: World, by: By, days: int) -> None:
    question = world.last(days, by)
    found = breakdown_of(viewer(world.acme), question)
    rows = LineDay.objects.filter(payer=world.acme, day__range=(question.first, question.last))
    assert found.total.used == sum(row.used for row in rows) == sum(row.used for row in found.rows)
    billed = UsageDay.objects.filter(account=world.acme, day__range=(question.first, question.last))
    assert found.total.cost == sum(row.cost for row in found.rows) == sum(one.usage + one.sms for one in billed)
    file = [row for batch in each_day(viewer(world.acme), question) for row in batch]
    assert (sum(row[2] for row in file), sum(row[3] for row in file)) == (found.total.used, found.total.cost)


def test_a_cycle_is_the_statements_month(world: World) -> None:
    first = world.today.replace(day=1)
    found = breakdown_of(viewer(world.acme), Question(By.SUBACCOUNT, first, world.today))
    month = next(one for one in months_of(world.acme, today=world.today) if one.start == first)
    assert found.total.cost == -month.usage


@pytest.mark.parametrize("by", [By.LINE, By.COUNTRY])
def test_a_sub_accounts_people_see_their_own_bytes_and_no_money(world: World, by: By) -> None:
    theirs = viewer(world.sub)
    found = breakdown_of(theirs, world.last(30, by))
    rows = LineDay.objects.filter(account=world.sub, day__gt=world.today - dt.timedelta(days=30))
    assert found.total.used == sum(row.used for row in rows)
    assert set(dimensions_of(theirs)) == {By.LINE, By.COUNTRY}
    assert key_of(theirs, By.LINE, world.lines[0].iccid) == "0"


def test_nobody_sees_a_strangers(world: World) -> None:
    stranger = viewer(world.stranger)
    assert key_of(stranger, By.SUBACCOUNT, world.sub.uuid.hex) == "0"
    mine = LineDay.objects.filter(payer=world.stranger, day__gt=world.today - dt.timedelta(days=30))
    for filters in ({}, {By.SUBACCOUNT: str(world.sub.pk)}, {By.LINE: str(world.lines[0].pk)}):
        found = breakdown_of(stranger, world.last(30, By.PLAN, filters=filters))
        assert found.total.used == (0 if filters else sum(row.used for row in mine))


def test_a_filter_narrows_to_what_its_row_had(world: World) -> None:
    acme = viewer(world.acme)
    for by in By:
        for row in breakdown_of(acme, world.last(7, by)).rows:
            found = breakdown_of(acme, world.last(7, By.LINE, filters={by: row.key}))
            assert (found.total.used, found.total.cost) == (row.used, row.cost), by


def test_a_country_is_where_the_line_was_last_seen_by_that_day(world: World) -> None:
    rows = breakdown_of(viewer(world.acme), world.last(30, By.COUNTRY)).rows
    days = LineDay.objects.filter(line=world.lines[0], day__gt=world.today - dt.timedelta(days=30))
    since = world.today - dt.timedelta(days=2)
    by_key = {row.key: row.used for row in rows}
    assert by_key["DE"] == sum(one.used for one in days if one.day >= since)
    assert by_key["NL"] == sum(one.used for one in days if one.day < since)
    assert by_key["none"]


def test_the_period_before_stands_beside(world: World) -> None:
    first = world.today - dt.timedelta(days=6)
    before = first - dt.timedelta(days=7), first - dt.timedelta(days=1)
    found = breakdown_of(viewer(world.acme), world.last(7, By.PLAN, before=before))
    rows = LineDay.objects.filter(payer=world.acme, day__range=before)
    assert found.total_before.used == sum(row.used for row in rows) == sum(row.used_before for row in found.rows)
    assert found.total == breakdown_of(viewer(world.acme), world.last(7, By.PLAN)).total


def test_what_is_left_over_from_the_largest_is_one_part_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakdown, "SERIES", 1)
    found = breakdown_of(viewer(world.acme), world.last(7, By.LINE))
    assert {part for parts in found.days.values() for part in parts} == {found.rows[0].key, None}
    assert sum(one.used for parts in found.days.values() for one in parts.values()) == found.total.used


def test_too_many_day_rows_are_not_read_and_the_days_that_would_be_are_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breakdown, "MOST_ROWS", 10)
    with pytest.raises(TooMuch) as refusal:
        breakdown_of(viewer(world.acme), world.last(30, By.LINE))
    assert (refusal.value.rows, refusal.value.days) == (90, 3)
    assert breakdown_of(viewer(world.acme), world.last(30, By.PLAN)).total.used
    assert breakdown_of(viewer(world.acme), world.last(3, By.LINE)).total.used


def test_by_sub_account_plan_and_carrier_no_day_row_is_read(world: World) -> None:
    for by in breakdown.OF_SUMS:
        with CaptureQueriesContext(connection) as asked:
            breakdown_of(viewer(world.acme), world.last(30, by))
        assert not [one for one in asked.captured_queries if "lines_lineday" in one["sql"]]


def test_the_ledger_is_looked_through_for_messages_only_where_some_were_charged(world: World) -> None:
    for first, last, looks in ((45, 40, False), (7, 0, True)):
        question = Question(By.PLAN, world.today - dt.timedelta(days=first), world.today - dt.timedelta(days=last))
        with CaptureQueriesContext(connection) as asked:
            breakdown_of(viewer(world.acme), question)
        assert any("billing_entry" in one["sql"] for one in asked.captured_queries) is looks


def test_keys_have_the_names_that_people_know(world: World) -> None:
    acme = viewer(world.acme)
    for by, label in {By.SUBACCOUNT: "Harbour", By.TAG: "north", By.COUNTRY: "Germany", By.PLAN: "simbase"}.items():
        keys = [row.key for row in breakdown_of(acme, world.last(7, by)).rows]
        names = names_of(acme, by, keys)
        assert label in {one.label for one in names.values()}
        for one in names.values():
            assert one.key == "none" or key_of(acme, by, one.slug) == one.key
