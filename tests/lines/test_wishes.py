"""What is wanted of a line: a balance, a person and a rule change it, each by what it may do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from kit import clock

from accounts.models import Account, Event
from accounts.policy import OPERATOR, Actor, ActorKind
from billing.commands import adjust
from lines.commands.holds import give_back_lines, hold_lines
from lines.commands.wishes import InsufficientBalance, LineInStock, activate, change_wishes, deactivate, enforce
from lines.models import Drive, Line, LineState
from lines.policy import Wanted, Why
from lines.policy.precedence import Standing, wish_of
from tests.fleets import OFF, ON, Fleet, at, books_hold, reading_of, state

MIA = Actor(ActorKind.PERSON, "mia@acme.example")
RULE = Actor(ActorKind.RULE, "512 MB a day")


def credit(account: Account, amount: str) -> None:
    adjust(account=account, amount=Decimal(amount), reason="a test", by=OPERATOR)
    enforce(account_ids=[account.pk])


def wish(line: Line) -> tuple[str, str, str]:
    found = state(line)
    return Wanted(found.wanted).name, found.why, found.why_who


def test_a_red_balance_suspends_every_active_line_and_says_why(fleet: Fleet) -> None:
    account = fleet.account(credit="6")
    lines = fleet.lines(account, 3)
    off = fleet.line(account, active=False)
    credit(account, "-2")
    assert {wish(line) for line in lines} == {("SUSPENDED", Why.BALANCE.value, "")}
    assert wish(off) == ("DEACTIVATED", "new", "")
    event = Event.objects.get(verb="balance.red")
    assert (event.account, event.detail) == (account, {"lines_suspended": 3})
    before = list(LineState.objects.order_by("pk").values_list("wanted_at", flat=True))
    for _ in range(2):
        assert enforce().suspended == 0
    assert list(LineState.objects.order_by("pk").values_list("wanted_at", flat=True)) == before
    credit(account, "2")
    assert {wish(line) for line in lines} == {("ACTIVE", "", "")}
    assert Event.objects.get(verb="balance.recovered", account=account, detail={"lines_reactivated": 3})


def test_another_accounts_balance_suspends_nobody_else(fleet: Fleet) -> None:
    poor, rich = fleet.account(credit="6"), fleet.account(credit="6")
    lines = [fleet.line(poor), fleet.line(rich)]
    credit(poor, "-2")
    assert [wish(line)[0] for line in lines] == ["SUSPENDED", "ACTIVE"]


def test_activating_is_refused_while_the_balance_is_red(fleet: Fleet) -> None:
    account = fleet.account(credit="4.99")
    line = fleet.line(account, active=False)
    with pytest.raises(InsufficientBalance, match="add funds"):
        activate(line=line, by=MIA)
    assert wish(line)[0] == "DEACTIVATED"
    credit(account, "0.01")
    activate(line=line, by=MIA)
    assert wish(line) == ("ACTIVE", "", "mia@acme.example")


def test_activating_looks_at_the_balance_and_not_at_an_old_flag(fleet: Fleet) -> None:
    """Money moved, and nobody has decided about it yet."""
    account = fleet.account(credit="6")
    line = fleet.line(account, active=False)
    adjust(account=account, amount=Decimal(-2), reason="a test", by=OPERATOR)
    with pytest.raises(InsufficientBalance):
        activate(line=line, by=MIA)
    adjust(account=account, amount=Decimal(2), reason="a test", by=OPERATOR)
    assert activate(line=line, by=MIA).wanted == Wanted.ACTIVE


def test_a_suspended_line_that_is_deactivated_stays_off_after_a_credit(fleet: Fleet) -> None:
    account = fleet.account(credit="6")
    off, on = fleet.lines(account, 2)
    credit(account, "-2")
    deactivate(line=off, by=MIA)
    assert wish(off) == ("DEACTIVATED", "person", "mia@acme.example")
    credit(account, "10")
    assert [wish(line)[0] for line in (off, on)] == ["DEACTIVATED", "ACTIVE"]


def test_a_second_click_changes_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    line = fleet.line(fleet.account())
    deactivate(line=line, by=MIA)
    first = state(line)
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T13:00:00Z")
    deactivate(line=line, by=OPERATOR)
    assert (state(line).wanted_at, state(line).why_who) == (first.wanted_at, "mia@acme.example")
    assert Event.objects.filter(verb="line.deactivated").count() == 1
    for _ in range(2):
        activate(line=line, by=MIA)
    event = Event.objects.get(verb="line.activated")
    assert (event.subject, event.detail) == (f"line:{line.iccid}", {"before": "DEACTIVATED", "after": "ACTIVE"})


def test_a_line_in_stock_can_be_neither_activated_nor_deactivated(fleet: Fleet) -> None:
    line = fleet.line(None)
    for act in (activate, deactivate):
        with pytest.raises(LineInStock):
            act(line=line, by=MIA)


def test_only_lines_whose_carrier_disagrees_are_driven(fleet: Fleet) -> None:
    account = fleet.account(credit="6")
    on, off, unknown = fleet.lines(account, 3)
    fleet.read(on, "2026-11-20T08:00", 0, status=ON)
    fleet.read(off, "2026-11-20T08:00", 0, status=OFF)
    assert set(Drive.objects.values_list("pk", flat=True)) == {off.pk, unknown.pk}
    credit(account, "-2")
    assert set(Drive.objects.values_list("pk", flat=True)) == {on.pk, unknown.pk}
    credit(account, "2")
    assert set(Drive.objects.values_list("pk", flat=True)) == {off.pk, unknown.pk}


def test_a_credit_that_does_not_reach_the_minimum_brings_nothing_back(fleet: Fleet) -> None:
    account = fleet.account(credit="6")
    line = fleet.line(account)
    credit(account, "-8")
    credit(account, "6.999999")
    assert wish(line)[0] == "SUSPENDED"
    credit(account, "0.000001")
    assert wish(line)[0] == "ACTIVE"


def test_a_parents_balance_decides_about_its_sub_accounts_lines(fleet: Fleet) -> None:
    parent = fleet.account(credit="6")
    line = fleet.line(fleet.account(parent=parent))
    credit(parent, "-2")
    assert wish(line)[0] == "SUSPENDED"
    with pytest.raises(InsufficientBalance):
        activate(line=line, by=MIA)


def test_rules_neither_take_nor_give_back_what_a_person_switched_off(fleet: Fleet) -> None:
    account = fleet.account()
    line, held = fleet.lines(account, 2)
    deactivate(line=line, by=OPERATOR)
    ids = [line.pk, held.pk]
    assert hold_lines(line_ids=ids, by=RULE) == [held.pk]
    deactivate(line=held, by=OPERATOR)
    given = give_back_lines(line_ids=ids, by=RULE)
    assert (given.left, given.activated) == (ids, [])
    assert {state(one).why for one in (line, held)} == {"person"}


def test_lines_come_back_by_index_though_none_waited_when_drives_were_last_analysed(fleet: Fleet) -> None:
    """Else each line that comes back would be sought in all that wait: two hundred thousand took hours."""
    account = fleet.account()
    lines = fleet.lines(account, 60)
    fleet.apply("simbase", "2026-11-19T08:00", [reading_of(line, 5, "2026-11-01", status=ON) for line in lines])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lines_drive")
        credit(account, "-200")
        assert Drive.objects.count() == 60
        before = scanned(cursor)
        credit(account, "200")
        assert scanned(cursor) == before
    assert not Drive.objects.exists()


def scanned(cursor: CursorWrapper) -> int:
    """Rows of waiting lines that this transaction has read otherwise than by index."""
    cursor.execute("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'lines_drive'")
    return int(cursor.fetchone()[0])


def test_times_on_are_the_same_whoever_turns_lines(fleet: Fleet) -> None:
    """One of each pair by the statement that turns many, the other by a bare change of its state, which a trigger sees.
    The lines are on, on but not yet confirmed, and off at their carrier; one is a line of stock."""
    account = fleet.account()
    pairs = [fleet.lines(account, 2) for _ in range(3)] + [fleet.lines(None, 2)]
    told = (ON, None, OFF, ON)
    page = [
        reading_of(line, 0, "2026-11-01", status=status)
        for pair, status in zip(pairs, told, strict=True)
        for line in pair
    ]
    fleet.apply("simbase", "2026-11-10T08:00", page)

    def spans(which: int) -> list[list[tuple[object, ...]]]:
        return [
            list(pair[which].on_spans.order_by("pk").values_list("payer", "plan", "started_at", "ended_at", "due_day"))
            for pair in pairs
        ]

    for moment, to in (("2026-11-12T09:00", Standing.PERSON), ("2026-11-14T10:00", Standing.BALANCE),
                       ("2026-11-14T11:00", Standing.ON), ("2026-11-14T11:30", Standing.ON)):  # fmt: skip
        wanted, why = wish_of(to)
        with clock.frozen(at(moment)):
            ids = [one.pk for one, _ in pairs]
            change_wishes(which="l.id = ANY(%(ids)s)", ids=ids, to=to, instead_of=list(Standing))
            LineState.objects.filter(line__in=[other for _, other in pairs]).update(
                wanted=wanted, wanted_at=at(moment), why=why or ""
            )
        assert spans(0) == spans(1)
    assert [len(one) for one in spans(0)] == [2, 0, 0, 0]
    assert books_hold()
