"""Reads behind the pages: scope, search, filters, sorting, paging, sums; and that SQL says what the rules say."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal

import pytest
from django.db import connection
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from lines import queries
from lines.carriers.base import Switch
from lines.commands.wishes import deactivate_on
from lines.models import Carrier, Line, LineDay, LineState, RatePlan
from lines.policy import MEGABYTE, Status, Wanted, Why, cycle_start, status
from lines.queries import Asked
from lines.queries.cards import cards_by_key
from lines.queries.scope import STATUS, lines_of, month_bytes, of_status
from lines.queries.search import by_index
from lines.queries.sought import Sought
from tests.console.console_people import MakeLine, place_of

pytestmark = pytest.mark.django_db


def listed(account: Account, **asked: object) -> list[str]:
    found = queries.list_lines(place_of(account), Asked(**asked), today=clock.today())  # type: ignore[arg-type]
    return [row.iccid for row in found.rows]


def iccids(*lines: Line) -> list[str]:
    return sorted(line.iccid for line in lines)


def test_an_account_sees_its_own_lines_and_its_subaccounts(acme: Account, fleet: dict[str, Line]) -> None:
    assert listed(acme) == iccids(*fleet.values())


def test_a_subaccount_sees_only_what_it_holds(harbour: Account, fleet: dict[str, Line]) -> None:
    assert listed(harbour) == iccids(fleet["harbour's"], fleet["harbour's off"])


def test_nobody_sees_stock_or_others(acme: Account, stranger: Account, fleet: dict[str, Line]) -> None:
    Line.objects.filter(pk=fleet["new"].pk).update(account=None, payer=None)
    assert len(listed(acme)) == len(fleet) - 1
    assert listed(stranger) == ["8999999999999999999"]


def test_a_subaccount_is_not_told_carrier_plan_holder_or_staff(harbour: Account, fleet: dict[str, Line]) -> None:
    line = queries.line_of(place_of(harbour), fleet["harbour's off"].iccid, today=clock.today())
    assert line is not None
    assert (line.carrier, line.plan, line.holder, line.who) == ("", "", "", "")


def test_a_line_of_somebody_else_is_none(harbour: Account, fleet: dict[str, Line], stranger: Account) -> None:
    for iccid in (fleet["running"].iccid, "8999999999999999999", "89450000000000000000"):
        assert queries.line_of(place_of(harbour), iccid, today=clock.today()) is None


def test_the_status_in_sql_is_the_rules_status(acme: Account, make_line: MakeLine) -> None:
    for wanted, reported, blocked in itertools.product(Wanted, (None, *Switch), (False, True)):
        why = "" if wanted is Wanted.ACTIVE else Why.PERSON
        line = make_line(acme, wanted=wanted, why=why, reported=reported, blocked=blocked)
        said = Line.objects.filter(pk=line.pk).values_list(STATUS, flat=True).get()
        assert Status(said) is status(wanted, confirmed_on=reported is Switch.ON and not blocked)
        having = [one for one in Status if Line.objects.filter(of_status(one), pk=line.pk).exists()]
        assert having == [Status(said)]


@pytest.mark.parametrize("cycle_day", [1, 15, 28])
def test_the_current_cycle_in_sql_is_the_rules_cycle(acme: Account, make_line: MakeLine, cycle_day: int) -> None:
    line = make_line(acme, megabytes=7)
    Carrier.objects.update(cycle_day=cycle_day)
    for today in (dt.date(2026, 1, 1), dt.date(2026, 3, 14), dt.date(2026, 3, 15), dt.date(2026, 3, 28)):
        LineState.objects.update(cycle=cycle_start(today, cycle_day))
        of_line, used = Line.objects.filter(pk=line.pk), month_bytes(today, place_of(acme))
        assert of_line.values_list(used, flat=True).get() == 7 * MEGABYTE
        LineState.objects.update(cycle=cycle_start(today, cycle_day) - dt.timedelta(days=31))
        assert of_line.values_list(used, flat=True).get() == 0


def test_the_apis_list_says_of_each_line_what_the_console_says(
    acme: Account, harbour: Account, stranger: Account, fleet: dict[str, Line], plan: RatePlan
) -> None:
    names = ("iccid", "status", "holder", "plan", "cycle_start", "today_bytes", "month_bytes", "sms_sent", "notes")
    line = fleet["running"]
    deactivate_on(line=line, date=clock.today() + dt.timedelta(days=3), by=OPERATOR)
    for cycle_day, later in itertools.product((1, 15, 28), (0, 1, 40)):
        today = clock.today() + dt.timedelta(days=later)
        plan.carrier.cycle_day = cycle_day
        plan.carrier.save()
        LineState.objects.filter(line=line).update(cycle=cycle_start(clock.today(), cycle_day))
        for viewer in map(place_of, (acme, harbour)):
            found = [row.card for row in cards_by_key(viewer, Sought(), None, False, 0, 100, today=today)]
            assert [card.iccid for card in found] == sorted(lines_of(viewer).values_list("iccid", flat=True))
            for card in found:
                shown = queries.line_of(viewer, card.iccid, today=today)
                assert shown is not None
                assert [getattr(card, name) for name in names] == [getattr(shown, name) for name in names]
                assert (card.deactivation_date, card.sessions) == (shown.deactivation_date, None)


def test_numbers_of_another_day_or_month_are_not_this_ones(acme: Account, make_line: MakeLine) -> None:
    line = make_line(acme, megabytes=7)
    tomorrow, later = clock.today() + dt.timedelta(days=1), clock.today() + dt.timedelta(days=40)
    shown = queries.line_of(place_of(acme), line.iccid, today=tomorrow)
    assert shown is not None
    assert shown.today_bytes == 0
    shown = queries.line_of(place_of(acme), line.iccid, today=later)
    assert shown is not None
    assert shown.month_bytes == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("truck", "running"),
        ("rotter truck", "running"),
        ("356789", "running"),
        ("5678", "running"),
        ("882391", "harbour's"),
        ("+88 2391", "harbour's"),
        ("4567", "harbour's"),
        ("north-quay", "harbour's"),
    ],
)
def test_a_line_is_found_by_any_part(acme: Account, fleet: dict[str, Line], text: str, kind: str) -> None:
    assert listed(acme, q=text) == [fleet[kind].iccid]


def test_a_line_is_found_by_the_start_the_end_and_the_middle_of_its_iccid(acme: Account, make_line: MakeLine) -> None:
    line = make_line(acme, iccid="8931081234567890123")
    make_line(acme)
    for text in ("893108", "0123", "8931 0812 3456 7890 123", "1234567", line.iccid):
        assert listed(acme, q=text) == [line.iccid], text


@pytest.mark.parametrize("text", ["CANARY", "8999", "359999", "' OR 1=1 --", "%", "\\", "*:&|!", "²", "𝟛"])
def test_a_search_finds_nothing_of_others_and_survives_anything(
    acme: Account, fleet: dict[str, Line], stranger: Account, text: str
) -> None:
    assert listed(acme, q=text) == []


def test_a_frequent_part_finds_as_much_as_a_rare_one(
    acme: Account, fleet: dict[str, Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = listed(acme, q="8945")
    monkeypatch.setattr("lines.queries.search.FEW", 3)
    assert listed(acme, q="8945") == rare == iccids(*fleet.values())


def test_a_large_fleet_is_not_read_through_for_what_no_index_finds(
    acme: Account, make_line: MakeLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make_line(acme, iccid="8931081234567890123")
    assert listed(acme, q="1234567") == [line.iccid]
    monkeypatch.setattr("lines.queries.search.SMALL", 0)
    assert listed(acme, q="1234567") == []


def test_the_search_goes_by_its_indexes(acme: Account, make_line: MakeLine) -> None:
    make_line(acme)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        sql, parameters = by_index(Line.objects.all(), "8945").values("pk").query.sql_with_params()
        cursor.execute("EXPLAIN " + sql, parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    for index in ("line_by_last_digits", "line_by_imei", "line_by_imei_end", "line_by_msisdn_end", "line_by_words"):
        assert index in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ("activated", ["running", "harbour's"]),
        ("suspended", ["by balance"]),
        ("activation-ready", ["activating", "blocked"]),
        ("deactivated", ["by person", "by rule", "new", "stopping", "harbour's off"]),
        ("waiting", ["activating", "stopping"]),
    ],
)
def test_lines_are_filtered_by_status(acme: Account, fleet: dict[str, Line], wanted: str, kinds: list[str]) -> None:
    assert listed(acme, status=wanted) == iccids(*(fleet[kind] for kind in kinds))


def test_lines_are_filtered_by_subaccount_plan_and_reason(
    acme: Account, harbour: Account, fleet: dict[str, Line]
) -> None:
    assert listed(acme, subaccount=harbour.uuid.hex) == iccids(fleet["harbour's"], fleet["harbour's off"])
    assert len(listed(acme, subaccount="own")) == len(fleet) - 2
    assert len(listed(acme, plan=str(fleet["running"].plan_id))) == len(fleet)
    assert listed(acme, why="rule") == [fleet["by rule"].iccid]


@pytest.mark.parametrize("name", queries.SORTS)
def test_every_column_sorts_both_ways_over_all_pages(acme: Account, fleet: dict[str, Line], name: str) -> None:
    LineState.objects.filter(line=fleet["running"]).update(last_seen=clock.now())
    for sort in (name, f"-{name}"):
        pages = [listed(acme, sort=sort, per=4, page=page) for page in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [4, 4, 2, 0]
        assert len({iccid for page in pages for iccid in page}) == len(fleet)


def test_the_largest_come_first_and_the_never_seen_last(acme: Account, fleet: dict[str, Line]) -> None:
    LineState.objects.filter(line=fleet["new"]).update(last_seen=clock.now())
    assert listed(acme, sort="-month")[:2] == [fleet["running"].iccid, fleet["harbour's"].iccid]
    assert listed(acme, sort="-seen")[0] == listed(acme, sort="seen")[0] == fleet["new"].iccid


def test_counting_and_paging_stop_at_the_cap(
    acme: Account, fleet: dict[str, Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lines.queries.listing.COUNTED", 5)
    listing = queries.list_lines(place_of(acme), Asked(per=3, page=2), today=clock.today())
    assert (listing.total, listing.is_more, len(listing.rows), listing.has_next) == (5, True, 2, False)


def test_a_fleet_in_sums_is_the_sum_of_its_lines(acme: Account, fleet: dict[str, Line]) -> None:
    found = queries.fleet_of(place_of(acme), today=clock.today())
    assert found.total == len(fleet)
    assert found.by_status == {
        Status.ACTIVATED: 2,
        Status.DEACTIVATED: 5,
        Status.SUSPENDED: 1,
        Status.ACTIVATION_READY: 2,
    }
    assert found.waiting == 2
    assert found.today_bytes == found.month_bytes == 150 * MEGABYTE
    assert {group.why: (group.count, group.who) for group in found.off} == {
        "person": (3, ["jane@acme.example", "tom@acme.example"]),
        "balance": (1, []),
        "rule": (1, ["Over 500 MB"]),
    }
    assert found.off[0].why == "person"
    assert found.never_on == 1


def test_a_subaccounts_fleet_names_nobody(harbour: Account, fleet: dict[str, Line]) -> None:
    found = queries.fleet_of(place_of(harbour), today=clock.today())
    assert [(group.why, group.who) for group in found.off] == [("person", [])]


def test_the_most_used_lines_come_first(acme: Account, fleet: dict[str, Line]) -> None:
    top = queries.top_lines(place_of(acme), today=clock.today())
    assert [line.iccid for line in top] == [fleet["running"].iccid, fleet["harbour's"].iccid]


def test_usage_shows_every_day_of_two_cycles_and_every_month_of_a_year(acme: Account, make_line: MakeLine) -> None:
    line, today = make_line(acme, megabytes=7), clock.today()
    usage = queries.usage_of(place_of(acme), line.iccid, cycle=today.replace(day=1), today=today)
    assert usage.days[-1].start == today
    assert usage.days[-1].used == usage.this_month.used == 7 * MEGABYTE
    assert usage.days[-1].cost == Decimal("0.070000")
    assert len(usage.months) == 12
    first = (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    assert [day.start for day in usage.days] == [
        first + dt.timedelta(days=number) for number in range((today - first).days + 1)
    ]


def test_days_at_two_prices_and_their_fee_are_one_day(acme: Account, make_line: MakeLine) -> None:
    line, today = make_line(acme, megabytes=7), clock.today()
    row = LineDay.objects.get(line=line)
    row.pk, row.price, row.fee = (
        None,
        line.plan.prices.create(valid_from=clock.now(), per_mb=Decimal("0.02")),
        Decimal("0.1"),
    )
    row.save()
    usage = queries.usage_of(place_of(acme), line.iccid, cycle=today.replace(day=1), today=today)
    assert (usage.days[-1].used, usage.days[-1].cost) == (14 * MEGABYTE, Decimal("0.240000"))


def test_a_line_that_changed_hands_keeps_the_others_days_to_them(
    acme: Account, harbour: Account, stranger: Account, make_line: MakeLine
) -> None:
    line, today = make_line(harbour, megabytes=7), clock.today()
    LineDay.objects.update(account=acme)
    for account, used in ((acme, 7), (harbour, 0), (stranger, 0)):
        usage = queries.usage_of(place_of(account), line.iccid, cycle=today.replace(day=1), today=today)
        assert usage.this_month.used == used * MEGABYTE


def test_a_subaccounts_usage_has_no_cost(harbour: Account, fleet: dict[str, Line]) -> None:
    today = clock.today()
    usage = queries.usage_of(place_of(harbour), fleet["harbour's"].iccid, cycle=today.replace(day=1), today=today)
    assert usage.this_month.used == 30 * MEGABYTE
    assert {one.cost for one in (*usage.days, *usage.months)} == {None}


@pytest.mark.parametrize("name", queries.SORTS)
def test_a_large_list_is_in_the_same_order_and_shows_no_line_that_has_left(
    acme: Account, fleet: dict[str, Line], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    orders = {sort: listed(acme, sort=sort) for sort in (name, f"-{name}")}
    monkeypatch.setattr("lines.queries.listing.COUNTED", 8)
    for sort, whole in orders.items():
        pages = [listed(acme, sort=sort, per=4, page=page) for page in (1, 2, 3)]
        assert [iccid for page in pages for iccid in page] == whole[:8]
        Line.objects.filter(iccid=whole[0]).update(payer=None, account=None)
        assert listed(acme, sort=sort, per=4) == (whole[1:5] if name == "iccid" else whole[1:4])
        Line.objects.filter(iccid=whole[0]).update(payer=acme, account=acme)
