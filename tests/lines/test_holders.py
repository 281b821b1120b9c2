"""Lines given to sub-accounts, and what becomes of them when one is switched off and on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from kit import clock

from accounts.models import Account, Event, Membership
from accounts.policy import OPERATOR, Actor, ActorKind
from billing.commands import adjust
from lines.commands import wishes
from lines.commands.fees import charge_fees
from lines.commands.holders import assign, follow_holder
from lines.commands.wishes import enforce
from lines.models import HolderDay, Line, LineDay, LineState
from lines.policy import Wanted, Why
from lines.queries import Asked, fleet_of, line_of, list_lines, top_lines
from lines.queries.cards import card_of
from lines.queries.export import rows_for
from tests.fleets import MB, Fleet, at, books_hold, reading_of, state

JANE = Actor(ActorKind.PERSON, "jane@acme.example")


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


def switch(account: Account, *, on: bool) -> int:
    Account.objects.filter(pk=account.pk).update(is_active=on)
    account.refresh_from_db()
    return follow_holder(holder=account)


def wish(line: Line) -> tuple[Wanted, str]:
    found = state(line)
    return Wanted(found.wanted), found.why


def test_lines_go_to_a_subaccount_and_back_and_their_payer_stays(fleet: Fleet) -> None:
    parent = fleet.account()
    sub, lines = fleet.account(parent=parent), fleet.lines(parent, 3)
    ids = [line.pk for line in lines]
    assert assign(line_ids=ids[:2], holder=sub, by=JANE) == 2
    assert assign(line_ids=ids, holder=sub, by=JANE) == 1  # the others are there already
    assert set(Line.objects.values_list("account", "payer")) == {(sub.pk, parent.pk)}
    event = Event.objects.get(verb="line.assigned", subject=f"line:{lines[0].iccid}")
    assert event.account_id == parent.pk
    assert event.detail == {"before": parent.name, "after": sub.name}
    assert assign(line_ids=ids, holder=parent, by=JANE) == 3
    assert wish(lines[0]) == (Wanted.ACTIVE, "")
    assert books_hold()


def test_nobody_takes_anothers_line_or_one_from_stock(fleet: Fleet) -> None:
    sub = fleet.account(parent=fleet.account())
    theirs, stock = fleet.line(fleet.account()), fleet.line(None)
    assert assign(line_ids=[theirs.pk, stock.pk], holder=sub, by=JANE) == 0
    assert not Line.objects.filter(account=sub).exists()


def test_a_subaccount_switched_off_stops_its_lines_and_no_others(fleet: Fleet) -> None:
    parent = fleet.account()
    sub, sister = fleet.account(parent=parent), fleet.account(parent=parent)
    line, other, own = fleet.line(sub), fleet.line(sister), fleet.line(parent)
    assert switch(sub, on=False) == 1
    assert wish(line) == (Wanted.DEACTIVATED, Why.SUBACCOUNT)
    assert (wish(other), wish(own)) == ((Wanted.ACTIVE, ""), (Wanted.ACTIVE, ""))
    assert follow_holder(holder=sub) == 0
    assert switch(sub, on=True) == 1
    assert wish(line) == (Wanted.ACTIVE, "")
    assert follow_holder(holder=sub) == 0


def test_switching_on_lifts_no_persons_deactivated_and_no_balance_suspension(fleet: Fleet) -> None:
    parent = fleet.account(credit="10")
    sub = fleet.account(parent=parent)
    by_person, running = fleet.line(sub), fleet.line(sub)
    wishes.deactivate(line=by_person, by=JANE)
    switch(sub, on=False)
    adjust(account=parent, amount=Decimal("-9"), reason="spent", by=OPERATOR)
    enforce(account_ids=[parent.pk])
    assert wish(running) == (Wanted.DEACTIVATED, Why.SUBACCOUNT)
    switch(sub, on=True)
    assert wish(running) == (Wanted.SUSPENDED, Why.BALANCE)
    assert wish(by_person) == (Wanted.DEACTIVATED, Why.PERSON)
    adjust(account=parent, amount=Decimal("9"), reason="paid", by=OPERATOR)
    enforce(account_ids=[parent.pk])
    assert wish(running) == (Wanted.ACTIVE, "")


def test_a_recovered_balance_starts_nothing_of_a_subaccount_that_is_off(fleet: Fleet) -> None:
    parent = fleet.account(credit="10")
    sub = fleet.account(parent=parent)
    line = fleet.line(sub)
    adjust(account=parent, amount=Decimal("-9"), reason="spent", by=OPERATOR)
    enforce(account_ids=[parent.pk])
    assert wish(line) == (Wanted.SUSPENDED, Why.BALANCE)
    switch(sub, on=False)
    adjust(account=parent, amount=Decimal("9"), reason="paid", by=OPERATOR)
    enforce(account_ids=[parent.pk])
    assert wish(line) == (Wanted.DEACTIVATED, Why.SUBACCOUNT)
    switch(sub, on=True)
    assert wish(line) == (Wanted.ACTIVE, "")


def test_a_line_given_to_who_is_off_stops_and_taken_away_runs_again(fleet: Fleet) -> None:
    parent = fleet.account()
    sub, line = fleet.account(parent=parent), fleet.line(parent)
    switch(sub, on=False)
    assign(line_ids=[line.pk], holder=sub, by=JANE)
    assert wish(line) == (Wanted.DEACTIVATED, Why.SUBACCOUNT)
    assign(line_ids=[line.pk], holder=parent, by=JANE)
    assert wish(line) == (Wanted.ACTIVE, "")


def test_what_is_found_late_is_not_told_to_who_holds_the_line_since(fleet: Fleet) -> None:
    """Read until the 30th, given away on the 2nd; the final total of November then brings another megabyte."""
    parent = fleet.account()
    sub, line = fleet.account(parent=parent), fleet.line(parent)
    fleet.read(line, "2026-11-30T08:00", 0, cycle="2026-11-01")
    fleet.read(line, "2026-11-30T09:00", MB, cycle="2026-11-01")
    with clock.frozen(at("2026-12-02T10:00")):
        assign(line_ids=[line.pk], holder=sub, by=JANE)
    fleet.read(line, "2026-12-02T11:00", MB, cycle="2026-12-01")
    final = [reading_of(line, 3 * MB, "2026-11-01", status=None)]
    fleet.apply("simbase", "2026-12-02T12:00", final, are_finals=True)
    days = dict(LineDay.objects.values_list("day__day", "account"))
    assert days == {30: parent.pk, 2: sub.pk}
    assert LineDay.objects.get(day="2026-11-30").used == 3 * MB
    assert books_hold()


def test_what_another_used_before_is_not_told_to_who_holds_the_line_now(fleet: Fleet) -> None:
    """3 MB yesterday by one sub-account, 2 MB today by another: the list, Home, the file and the API tell of the 2."""
    parent = fleet.account()
    first, second = fleet.account(parent=parent), fleet.account(parent=parent)
    line = fleet.line(first)
    fleet.read(line, "2026-11-19T08:00", 0)
    fleet.read(line, "2026-11-19T09:00", 3 * MB)
    with clock.frozen(at("2026-11-20T07:00")):
        assign(line_ids=[line.pk], holder=second, by=JANE)
    fleet.read(line, "2026-11-20T08:00", 5 * MB)
    today = dt.date(2026, 11, 20)
    for account, month in ((second, 2 * MB), (parent, 5 * MB)):
        viewer = Membership.objects.get(account=account)
        seen = [
            list_lines(viewer, Asked(), today=today).rows[0],
            line_of(viewer, line.iccid, today=today),
            top_lines(viewer, today=today)[0],
            fleet_of(viewer, today=today),
            card_of(viewer, line.iccid, today=today),
        ]
        assert [(one.today_bytes, one.month_bytes) for one in seen if one] == [(2 * MB, month)] * 5
        (row,) = rows_for(viewer, Asked(), today=today)
        assert row[4:6] == (2, month // MB)


def test_a_days_sums_follow_a_line_that_changes_its_holder(db: None) -> None:
    fleet = Fleet(per_day="0.25")
    parent = fleet.account()
    sub, line = fleet.account(parent=parent), fleet.line(parent)
    LineState.objects.update(wanted_at=at("2026-11-19T08:00"))
    fleet.read(line, "2026-11-19T08:00", 5)
    fleet.read(line, "2026-11-19T09:00", 5 + 3 * MB)
    assert held_days() == [(parent.pk, 1, 3 * MB, Decimal("0.03"))]
    charge_fees(today=dt.date(2026, 11, 19))
    charge_fees(today=dt.date(2026, 11, 19))
    assert held_days() == [(parent.pk, 1, 3 * MB, Decimal("0.28"))]
    with clock.frozen(at("2026-11-19T10:00")):
        assign(line_ids=[line.pk], holder=sub, by=JANE)
    for _ in range(2):
        fleet.read(line, "2026-11-19T11:00", 5 + 4 * MB)
        assert held_days() == [(parent.pk, 0, 0, Decimal(0)), (sub.pk, 1, 4 * MB, Decimal("0.29"))]
    assert books_hold()


def held_days() -> list[tuple[int, int, int, Decimal]]:
    return list(HolderDay.objects.order_by("account").values_list("account", "days", "used", "cost"))
