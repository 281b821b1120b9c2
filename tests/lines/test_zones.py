"""Prices by zone: what usage costs in which country, from when on, and where it was."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import connection
from kit import clock
from kit.errors import Invalid

from accounts.models import Membership
from accounts.policy import OPERATOR
from lines.carriers.base import Device
from lines.commands.devices import keep_device
from lines.commands.leaving import release_lines
from lines.commands.prices import Abroad, Tariff, set_price
from lines.commands.reading_sql import COUNTRY_AT
from lines.commands.resale import Own, Plus, add_price_list, charge_by, set_list_price
from lines.commands.reselling import charge_subaccounts
from lines.commands.zones import load_zones, set_zones, zones_in
from lines.models import HeldMovement, Line, LineCountry, LineDay, Price, ResaleDay, Zone, ZoneCountry
from lines.policy.zones import Stay, country_at
from lines.queries import costs_of_day
from lines.queries.breakdown import By, Question, breakdown_of
from lines.queries.cards import charges_by_key, prices_of
from lines.queries.devices import charged_in
from lines.queries.resale import prices_on
from lines.recount.resale import recount_resale
from tests.fleets import MB, Fleet, at, books_hold, holders_of, reading_of
from tests.lines.test_second_books import second_books

pytestmark = pytest.mark.django_db
EUROPE, ASIA = ("DE", "FR"), ("JP",)
START = "2026-11-10T00:00"


def zoned(fleet: Fleet, kind: str = "simbase", *, since: str = START, europe: str = "0.02", asia: str = "0.50") -> None:
    """The plan's own price is 0.01 a MB; there are two zones from a moment on."""
    with clock.frozen(at("2026-11-01T00:00")):
        zones = {"Europe": EUROPE, "Asia": ASIA}
        set_zones(carrier=fleet.carriers[kind], plan=None, zones=zones, since=at(since), by=OPERATOR)
        numbers = {zone.name: zone.pk for zone in Zone.objects.filter(carrier=fleet.carriers[kind])}
        prices = {numbers["Europe"]: Abroad(Decimal(europe)), numbers["Asia"]: Abroad(Decimal(asia))}
        price = Tariff(Decimal("0.01"), Decimal("0.05"), Decimal(0))
        set_price(plan=fleet.plans[kind], since=at(since), price=price, cost=None, zones=prices, by=OPERATOR)


def look(line: Line, when: str, country: str | None, **session: Any) -> None:
    keep_device(line_id=line.pk, device=Device(country=country, **session), asked_at=at(when))


def costs(line: Line) -> dict[tuple[str, str], tuple[int, Decimal]]:
    """Day and country -> MB and USD."""
    rows = LineDay.objects.filter(line=line).select_related("price")
    return {(row.day.isoformat()[5:], row.price.country): (row.used // MB, row.cost) for row in rows if row.used}


def books_agree() -> None:
    assert books_hold()
    found = second_books()
    assert not found.differences, found.first


def test_usage_costs_the_price_of_the_country_of_the_sighting_nearest_to_it() -> None:
    """10 MB before anybody told where: the plan's $0.01. 10 MB in Germany at $0.02, 10 MB in Japan at $0.50, and 10 MB
    in the USA, which is in no zone: $0.01 again. 0.10 + 0.20 + 5.00 + 0.10 = $5.40."""
    fleet = Fleet()
    zoned(fleet)
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-11T00:00", 0)
    fleet.read(line, "2026-11-11T01:00", 10 * MB)
    look(line, "2026-11-11T01:01", "DE")
    fleet.read(line, "2026-11-11T02:00", 20 * MB)
    look(line, "2026-11-11T02:01", "JP")
    fleet.read(line, "2026-11-11T03:00", 30 * MB)
    look(line, "2026-11-11T03:01", "US")
    fleet.read(line, "2026-11-11T04:00", 40 * MB)
    assert costs(line) == {
        ("11-11", ""): (20, Decimal("0.200000")),
        ("11-11", "DE"): (10, Decimal("0.200000")),
        ("11-11", "JP"): (10, Decimal("5.000000")),
    }
    books_agree()


def test_where_nobody_knows_the_country_it_is_the_plans_default_price() -> None:
    fleet = Fleet()
    zoned(fleet)
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-11T00:00", 0)
    look(line, "2026-11-11T00:30", None)
    fleet.read(line, "2026-11-11T01:00", 10 * MB)
    assert costs(line) == {("11-11", ""): (10, Decimal("0.100000"))}
    books_agree()


def test_a_zones_price_holds_from_its_moment_and_never_for_what_was_used_before() -> None:
    """The zone begins on the 12th at 00:00. What moved after the reading of 23:50 is of the old price still, however
    late it is read; what moved after the reading of 00:00 exactly is the zone's."""
    fleet = Fleet()
    zoned(fleet, since="2026-11-12T00:00")
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-11T23:40", 0)
    look(line, "2026-11-11T23:41", "DE")
    fleet.read(line, "2026-11-11T23:50", 10 * MB)
    fleet.read(line, "2026-11-12T00:00", 20 * MB)
    fleet.read(line, "2026-11-12T00:10", 30 * MB)
    assert costs(line) == {
        ("11-11", ""): (10, Decimal("0.100000")),
        ("11-12", ""): (10, Decimal("0.100000")),
        ("11-12", "DE"): (10, Decimal("0.200000")),
    }
    books_agree()


def test_a_country_that_moves_to_another_zone_costs_that_zones_price_from_then_on() -> None:
    fleet = Fleet()
    zoned(fleet)
    line = fleet.line(fleet.account())
    with clock.frozen(at("2026-11-11T00:00")):
        moved = set_zones(
            carrier=fleet.carriers["simbase"], plan=None, zones={"Europe": ["DE"], "Asia": ["FR", "JP"]},
            since=at("2026-11-12T00:00"), by=OPERATOR,
        )  # fmt: skip
    assert moved.plans == ["simbase"]
    fleet.read(line, "2026-11-11T22:00", 0)
    look(line, "2026-11-11T22:01", "FR")
    fleet.read(line, "2026-11-11T23:00", 10 * MB)
    fleet.read(line, "2026-11-12T01:00", 20 * MB)  # since 23:00
    fleet.read(line, "2026-11-12T02:00", 30 * MB)
    assert costs(line)["11-11", "FR"] == (10, Decimal("0.200000"))
    rows = LineDay.objects.filter(line=line, day="2026-11-12").select_related("price__zone").order_by("cost")
    assert [(row.price.zone.name, row.cost) for row in rows if row.price.zone] == [
        ("Europe", Decimal("0.200000")),
        ("Asia", Decimal("5.000000")),
    ]
    books_agree()


def test_what_a_session_tells_late_changes_no_charge() -> None:
    fleet = Fleet()
    zoned(fleet)
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-11T00:00", 0)
    look(line, "2026-11-11T00:01", "DE")
    fleet.read(line, "2026-11-11T08:00", 10 * MB)
    look(line, "2026-11-11T09:00", "JP", session_started=at("2026-11-11T04:00"), session_ended=None)
    assert costs(line) == {("11-11", "DE"): (10, Decimal("0.200000"))}
    fleet.read(line, "2026-11-11T10:00", 20 * MB)
    assert costs(line)["11-11", "JP"] == (10, Decimal("5.000000"))
    books_agree()


def test_a_final_total_is_of_the_country_of_its_months_end() -> None:
    """Seen in Germany until the 30th, in Japan from the 2nd on. 5 MB of November come to light on the 3rd: Germany."""
    fleet = Fleet()
    zoned(fleet)
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-29T00:00", 0)
    look(line, "2026-11-29T00:01", "DE")
    fleet.read(line, "2026-11-30T12:00", 10 * MB)
    look(line, "2026-11-30T12:01", "DE")
    fleet.read(line, "2026-12-02T00:00", 0)
    look(line, "2026-12-02T00:01", "JP", session_started=at("2026-12-02T00:00"), session_ended=None)
    fleet.apply("simbase", "2026-12-03T00:00", [reading_of(line, 15 * MB, "2026-11-01", status=None)], are_finals=True)
    assert sum(mb for (_, country), (mb, _) in costs(line).items() if country == "DE") == 15
    assert ("11-30", "DE") in costs(line)
    books_agree()


def test_what_is_held_keeps_the_country_that_it_was_held_in() -> None:
    """9 GB at once are held in Germany; the look after it says Japan, and the next reading agrees: Germany's price."""
    fleet = Fleet()
    zoned(fleet)
    line = fleet.line(fleet.account(credit="100000"))
    fleet.read(line, "2026-11-11T00:00", 0)
    look(line, "2026-11-11T00:01", "DE")
    fleet.read(line, "2026-11-11T01:00", 9_000 * MB)
    assert HeldMovement.objects.get().price.country == "DE"
    began = at("2026-11-11T00:30")
    look(line, "2026-11-11T01:01", "JP", session_started=began, session_ended=None)
    fleet.read(line, "2026-11-11T02:00", 9_001 * MB)
    assert costs(line) == {
        ("11-11", "DE"): (9_000, Decimal("180.000000")),
        ("11-11", "JP"): (1, Decimal("0.500000")),
    }
    books_agree()


def test_what_is_told_again_after_a_boundary_keeps_the_countries_of_its_readings() -> None:
    """A carrier without times: 10 MB in Germany and 10 MB in Japan were charged to the old month since the boundary."""
    fleet = Fleet()
    zoned(fleet, "iotportal")
    line = fleet.line(fleet.account(), "iotportal")
    fleet.read(line, "2026-11-29T00:00", 0)
    look(line, "2026-11-29T00:01", "DE")
    fleet.read(line, "2026-11-30T23:50", 5 * MB)
    fleet.read(line, "2026-12-01T06:00", 15 * MB)
    look(line, "2026-12-01T06:01", "JP")
    fleet.read(line, "2026-12-02T00:00", 25 * MB)
    look(line, "2026-12-02T00:01", "DE")
    fleet.read(line, "2026-12-04T06:00", 26 * MB)
    found = costs(line)
    assert found["11-30", "DE"][0] == 5
    assert sum(mb for (day, _), (mb, _) in found.items() if day >= "12") == 26
    assert found["12-02", "JP"] == (10, Decimal("5.000000"))
    books_agree()


def test_who_has_a_line_next_is_not_charged_by_where_it_was_before() -> None:
    fleet = Fleet()
    zoned(fleet)
    one, other = fleet.account(), fleet.account()
    line = fleet.line(one)
    fleet.read(line, "2026-11-11T00:00", 0)
    look(line, "2026-11-11T00:01", "JP")
    with clock.frozen(at("2026-11-11T01:00")):
        release_lines(line_ids=[line.pk], to=other, by=OPERATOR)
    fleet.read(line, "2026-11-11T02:00", 10 * MB)
    fleet.read(line, "2026-11-11T03:00", 20 * MB)
    assert costs(line) == {("11-11", ""): (10, Decimal("0.100000"))}
    books_agree()


def test_zones_of_one_plan_hold_for_it_alone() -> None:
    fleet = Fleet()
    zoned(fleet)
    plan = fleet.plans["simbase"]
    with clock.frozen(at("2026-11-09T00:00")), pytest.raises(Invalid, match=r"has prices from 10 November"):
        set_zones(carrier=plan.carrier, plan=plan, zones={"Asia": ["DE"]}, since=at("2026-11-10T00:00"), by=OPERATOR)
    with clock.frozen(at("2026-11-11T00:00")):
        since = at("2026-11-12T00:00")
        set_zones(carrier=plan.carrier, plan=plan, zones={"Asia": ["DE"]}, since=since, by=OPERATOR)
    rows = Price.objects.filter(plan=plan, valid_from=since).exclude(country="")
    assert [(row.country, row.per_mb, row.zone and row.zone.plan) for row in rows] == [("DE", Decimal("0.50"), plan)]


FILE = "zone;country\nEurope;DE\nEurope;France\nAsia;JPN\n"


def test_lists_are_read_from_a_file_whole_or_not_at_all() -> None:
    fleet = Fleet()
    carrier, since = fleet.carriers["simbase"], clock.now() + dt.timedelta(days=1)

    def load(text: str) -> list[tuple[int, str]]:
        found = load_zones(table=zones_in(content=text.encode()), carrier=carrier, since=since, by=OPERATOR)
        return found.bad_rows

    assert load(FILE) == []
    kept = set(ZoneCountry.objects.values_list("zone__name", "code"))
    assert kept == {("Europe", "DE"), ("Europe", "FR"), ("Asia", "JP")}
    assert load(FILE + "Asia;DE\nEurope;UK\nNowhere;\n;IT\n") == [
        (5, "Germany is in Europe already, in row 2"),
        (6, "UK isn’t the ISO 3166-1 code of United Kingdom: write GB."),
        (7, "“” isn’t a country code. Write the two letters of ISO 3166-1, such as DE."),
        (8, "a zone has a name of 1 to 60 characters"),
    ]
    assert set(ZoneCountry.objects.values_list("zone__name", "code")) == kept
    assert load("zone,country\nEurope,DE\n") == []
    assert set(ZoneCountry.objects.values_list("zone__name", "code")) == {("Europe", "DE")}


def test_a_country_is_in_one_zone_and_lists_count_from_a_moment_to_come() -> None:
    fleet = Fleet()
    carrier = fleet.carriers["simbase"]
    soon = clock.now() + dt.timedelta(hours=1)
    with pytest.raises(Invalid, match="Germany is in Europe already"):
        set_zones(carrier=carrier, plan=None, zones={"Europe": ["DE"], "Asia": ["DE"]}, since=soon, by=OPERATOR)
    with pytest.raises(Invalid, match="isn’t a country code"):
        set_zones(carrier=carrier, plan=None, zones={"Europe": ["XX"]}, since=soon, by=OPERATOR)
    with pytest.raises(Invalid, match="in the future"):
        set_zones(carrier=carrier, plan=None, zones={"Europe": ["DE"]}, since=clock.now(), by=OPERATOR)
    assert not Zone.objects.exists()


def test_the_statement_asks_for_the_country_as_the_policy_does() -> None:
    fleet = Fleet()
    line = fleet.line(fleet.account())
    random = Random(18)
    asked = f"SELECT {COUNTRY_AT.format('q', 'q.at')} FROM (SELECT %s::bigint AS line_id, %s::bigint AS payer_id,"
    payer = line.payer
    assert payer is not None
    for _ in range(300):
        LineCountry.objects.all().delete()
        stays = []
        for _ in range(random.randrange(5)):
            stay = Stay(at(START) + dt.timedelta(hours=random.randrange(6)), random.choice(["DE", "FR", "JP"]))
            if stay not in stays:
                stays.append(stay)
                LineCountry.objects.create(
                    line=line, payer_id=holders_of(line)["payer_id"], since=stay.since, country=stay.country
                )
        moment = at(START) + dt.timedelta(hours=random.randrange(-1, 7))
        with connection.cursor() as cursor:
            cursor.execute(f"{asked} %s AS at, NULL::bigint AS known_by) q", [line.pk, line.payer_id, moment])
            assert cursor.fetchone()[0] == country_at(stays, moment)


def test_a_sub_account_pays_its_lists_price_of_the_zone_or_a_percentage_of_what_the_zone_costs() -> None:
    """10 MB in Japan at $0.50 and 10 MB in Germany at $0.02. By a list of 10 % on everything: $5.50 and $0.22. By
    one of 20 % on the plan, with a price of its own of $0.80 for Asia: $8.00 and $0.24."""
    fleet = Fleet()
    zoned(fleet)
    account = fleet.account()
    subs = [fleet.account(parent=account) for _ in range(2)]
    plan, day = fleet.plans["simbase"], dt.date(2026, 11, 10)
    with clock.frozen(at("2026-11-09T00:00")):
        plus = Plus(Decimal(10))
        lists = [add_price_list(account=account, name=name, plus=plus, by=OPERATOR) for name in ("ten", "own")]
        asia = Zone.objects.get(name="Asia")
        own = Own(Decimal("0.80"), Decimal(9), Decimal(9))
        set_list_price(price_list=lists[1], plan=plan, price=Plus(Decimal(20)), since=day, by=OPERATOR)
        made = set_list_price(price_list=lists[1], plan=plan, zone=asia, price=own, since=day, by=OPERATOR)
        assert (made.per_sms, made.per_day) == (0, 0)
        for sub, price_list in zip(subs, lists, strict=True):
            charge_by(subaccount=sub, price_list=price_list, since=day, credit_limit=Decimal(100), by=OPERATOR)
    for sub in subs:
        line = fleet.line(sub)
        fleet.read(line, "2026-11-11T00:00", 0)
        look(line, "2026-11-11T00:01", "JP")
        fleet.read(line, "2026-11-11T01:00", 10 * MB)
        look(line, "2026-11-11T01:01", "DE")
        fleet.read(line, "2026-11-11T02:00", 20 * MB)
    charge_subaccounts(today=dt.date(2026, 11, 11))
    owed = [ResaleDay.objects.get(account=sub).data for sub in subs]
    assert owed == [Decimal("5.720000"), Decimal("8.240000")]
    now = at("2026-11-11T03:00")
    shown = [(one.name, one.per_mb) for one in prices_on(lists[1], [plan], now=now)]
    assert shown == [
        ("simbase", Decimal("0.012")), ("simbase, Asia", Decimal("0.80")), ("simbase, Europe", Decimal("0.024")),
    ]  # fmt: skip
    books_agree()
    found = recount_resale()
    assert (found.waiting, found.differences) == (0, [])


def test_a_list_takes_no_zone_that_the_plan_has_no_price_for() -> None:
    fleet = Fleet()
    zoned(fleet)
    account = fleet.account()
    made = add_price_list(account=account, name="list", plus=Plus(Decimal(10)), by=OPERATOR)
    zone, plan = Zone.objects.filter(carrier__kind="simbase")[0], fleet.plans["iotportal"]
    with pytest.raises(Invalid, match="has a price"):
        set_list_price(price_list=made, plan=plan, zone=zone, price=Plus(Decimal(1)), since=clock.today(), by=OPERATOR)


def test_calls_of_the_api_tell_countries_and_zones_and_the_breakdown_counts_by_them() -> None:
    fleet = Fleet()
    zoned(fleet)
    account = fleet.account()
    line = fleet.line(account)
    fleet.read(line, "2026-11-11T00:00", 0)
    fleet.read(line, "2026-11-11T00:30", 1 * MB)
    look(line, "2026-11-11T00:31", "JP")
    fleet.read(line, "2026-11-11T01:00", 11 * MB)
    look(line, "2026-11-11T01:01", "US")
    fleet.read(line, "2026-11-11T02:00", 31 * MB)
    day = dt.date(2026, 11, 11)
    rows = charges_by_key(account, day, day, None, False, 0, 10)
    assert sorted((row.used // MB, row.country or "", row.zone or "", row.cost) for row in rows) == [
        (10, "JP", "Asia", Decimal("5.000000")),
        (21, "US", "", Decimal("0.210000")),
    ]
    shown = costs_of_day(account.pk, day, limit=9)[0]
    assert [(one.country, one.zone, one.cost) for one in shown] == [
        ("JP", "Asia", Decimal("5.000000")), ("", None, Decimal("0.210000")),
    ]  # fmt: skip
    owner = Membership.objects.get(account=account)
    told = charged_in(owner, line, dt.date(2026, 11, 1))
    assert [(one.country, one.zone, one.cost) for one in told] == [
        ("JP", "Asia", Decimal("5.000000")), ("", "", Decimal("0.210000")),
    ]  # fmt: skip
    found = breakdown_of(owner, Question(By.COUNTRY, day, day, in_money=True))
    assert {row.key: row.cost for row in found.rows} == {"JP": Decimal("5.000000"), "US": Decimal("0.210000")}
    with clock.frozen(at("2026-11-11T03:00")):
        prices = [(price.country, price.per_mb) for _, price in prices_of(owner, now=clock.now())]
    assert prices == [("", Decimal("0.01")), ("DE", Decimal("0.02")), ("FR", Decimal("0.02")), ("JP", Decimal("0.50"))]
    with clock.frozen(at("2026-11-09T03:00")):  # in force, and announced
        prices = [(price.country, price.per_mb) for _, price in prices_of(owner, now=clock.now())]
    assert [country for country, _ in prices] == ["", "", "DE", "FR", "JP"]
