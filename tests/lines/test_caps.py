"""Caps: what they count, when people are told, which lines they stop, and what lets those go. Told with numbers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from kit import clock
from kit.errors import Invalid

from accounts.models import Account, Event
from accounts.policy import OPERATOR, Actor, ActorKind, Right
from accounts.queries import Caller
from billing.models import Notice
from lines.books import check_books
from lines.carriers.base import Sms
from lines.commands.capping import check_caps
from lines.commands.caps import Draft, add_cap, change_cap, delete_cap
from lines.commands.holders import assign
from lines.commands.holds import give_back_lines, hold_lines
from lines.commands.sms import send_sms, sms_accepted
from lines.commands.tags import tag_lines, untag_lines
from lines.commands.wishes import CapFull, activate, deactivate, enforce
from lines.models import Cap, CapHold, Line, Tag
from lines.policy import Wanted, Why
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit
from lines.queries.caps import caps_of
from lines.queries.shown import line_of
from lines.sentences import explain
from tests.fleets import MB, Fleet, at, state

MIA = Actor(ActorKind.PERSON, "mia@acme.example")
RULE = Actor(ActorKind.RULE, "512 MB a day")
GB = 1024 * MB


@pytest.fixture
def acme(fleet: Fleet) -> Account:
    return fleet.account(credit="1000")


@pytest.fixture
def harbour(fleet: Fleet, acme: Account) -> Account:
    return fleet.account(parent=acme)


def cap(
    account: Account,
    limit: str,
    unit: CapUnit = CapUnit.MB,
    *,
    period: CapPeriod = CapPeriod.MONTH,
    action: CapAction = CapAction.STOP,
    holder: Account | None = None,
    tag: Tag | None = None,
    line: Line | None = None,
    plan: bool = False,
) -> Cap:
    kinds = {CapKind.SUBACCOUNT: holder, CapKind.TAG: tag, CapKind.LINE: None if plan else line}
    kind = CapKind.PLAN if plan else next((one for one, thing in kinds.items() if thing is not None), CapKind.ACCOUNT)
    draft = Draft(
        kind,
        unit,
        period,
        Decimal(limit),
        action,
        holder=holder,
        tag=tag,
        plan=line.plan if plan and line else None,
        line=None if plan else line,
    )
    return add_cap(account=account, draft=draft, by=MIA)


def viewer(account: Account) -> Caller:
    return Caller(account, MIA, frozenset(Right))


def sweep() -> int:
    return check_caps(today=clock.today())


def why(line: Line) -> str:
    found = state(line)
    return "on" if found.wanted == Wanted.ACTIVE else found.why


def told(account: Account) -> list[str]:
    return list(
        Notice.objects.filter(account=account, about__startswith="cap:")
        .order_by("pk")
        .values_list("subject", flat=True)
    )


def books() -> bool:
    found = check_books()
    mine = [one for one in found["checks"] if "cap" in one["name"]]
    assert len(mine) == 2
    assert [one for one in mine if not one["ok"]] == []
    return bool(found["ok"])


def test_five_gigabytes_a_month_of_a_sub_account_told_with_numbers(
    fleet: Fleet, acme: Account, harbour: Account
) -> None:
    """2.5 GB: told of 50 %. 4.1 GB: told of 80 %. 5.02 GB: both of its lines stop, the account's own runs on. On
    1 December they start by themselves."""
    one, two, own = fleet.line(harbour), fleet.line(harbour), fleet.line(acme)
    with clock.frozen(at("2026-11-10T08:00")):
        for line in (one, two, own):
            fleet.read(line, "2026-11-10T08:00", 0)
        made = cap(acme, "5120", holder=harbour)
        assert told(acme) == []
    full = 5 * GB + int(Decimal("0.02") * GB) + 1
    steps = (
        ("2026-11-11T08:00", 2 * GB, GB // 2, ["50 %"], "on"),
        ("2026-11-12T08:00", 2 * GB, 21 * GB // 10, ["50 %", "80 %"], "on"),
        ("2026-11-12T20:00", 2 * GB, 22 * GB // 10, ["50 %", "80 %"], "on"),
    )
    for when, first, second, levels, expected in steps:
        with clock.frozen(at(when)):
            fleet.read(one, when, first)
            fleet.read(two, when, second)
            fleet.read(own, when, 9 * GB // 2)
            sweep()
            sweep()
            assert [subject.partition(" of")[0] for subject in told(acme)] == levels
            assert (why(one), why(two)) == (expected, expected)
    with clock.frozen(at("2026-11-13T08:00")):
        fleet.read(one, "2026-11-13T08:00", full - 22 * GB // 10)
        assert sweep() == 2
        assert sweep() == 0
        assert (why(one), why(two), why(own)) == ("cap", "cap", "on")
        found = Cap.objects.get()
        assert (found.used, found.full_until) == (full, dt.date(2026, 12, 1))
        shown = line_of(viewer(acme), one.iccid, today=clock.today())
        assert shown is not None
        said = explain(shown)
        assert said.what == (
            f"Off because the cap of sub-account {harbour.name}, 5 GB a month, is full: 5.02 GB since 1 Nov"
        )
        assert said.lifts == "It starts again at 00:00 UTC on 1 December 2026, or when the cap is raised."
        assert told(acme)[-1] == f"The cap of sub-account {harbour.name}, 5 GB a month, is full. 2 lines stopped."
        with pytest.raises(CapFull):
            activate(line=one, by=MIA)
        assert books()
    with clock.frozen(at("2026-11-30T23:59")):
        assert sweep() == 0
    with clock.frozen(at("2026-12-01T00:00:05")):
        assert sweep() == 2
        assert (why(one), why(two)) == ("on", "on")
        assert not CapHold.objects.exists()
        assert len(told(acme)) == 3
        assert books()
    verbs = ["usage.threshold", "usage.threshold", "usage.threshold", "cap.reached", "cap.cleared"]
    events = Event.objects.filter(subject=f"cap:{made.uuid.hex}", verb__in=set(verbs)).order_by("pk")
    assert [event.verb for event in events] == verbs
    assert events[3].detail["lines_stopped"] == 2
    assert events[3].detail["used"].startswith("5140.48")


def test_only_lines_that_the_cap_stopped_come_back_and_each_to_what_lets_it(
    fleet: Fleet, acme: Account, harbour: Account
) -> None:
    runs, ruled, person = fleet.line(harbour), fleet.line(harbour), fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        fleet.read(runs, "2026-11-10T08:00", 0)
        made = cap(acme, "10", holder=harbour, period=CapPeriod.DAY)
        hold_lines(line_ids=[ruled.pk], by=RULE)
        fleet.read(runs, "2026-11-10T09:00", 10 * MB)
        assert sweep() == 2  # 10 MB of 10 is full
        deactivate(line=person, by=MIA)
        assert (why(runs), why(ruled), why(person)) == ("cap", "rule", "person")
        assert give_back_lines(line_ids=[ruled.pk], by=RULE).by_cap == [ruled.pk]
        assert why(ruled) == "cap"
        assert books()
        change_cap(cap=made, limit=Decimal(11), action=CapAction.STOP, by=MIA)
        assert (why(runs), why(ruled), why(person)) == ("on", "on", "person")
        fleet.read(runs, "2026-11-10T10:00", 11 * MB)
        sweep()
        assert why(runs) == "cap"
        delete_cap(cap=made, by=MIA)
        delete_cap(cap=made, by=MIA)
        assert (why(runs), why(ruled)) == ("on", "on")
        assert books()


def test_a_balance_that_recovers_and_a_sub_account_that_is_switched_on_wait_for_a_full_cap(
    fleet: Fleet, acme: Account, harbour: Account
) -> None:
    from lines.policy.precedence import Standing
    from tests.lines.test_precedence import Place

    def standing() -> Standing:
        return place.standing

    for reason in (Standing.BALANCE, Standing.WALLET, Standing.SUBACCOUNT):
        place = Place(fleet, reason)
        place.cap_full()
        assert standing() is reason  # who was off already is not stopped by it
        if reason is Standing.BALANCE:
            place.money("1000")
        elif reason is Standing.WALLET:
            place.wallet("50")
        else:
            place.switch(on=True)
        assert standing() is Standing.CAP
        place.cap_opens()
        assert standing() is Standing.ON


def test_a_cap_that_opens_leaves_a_red_balance_its_lines(fleet: Fleet) -> None:
    from lines.policy.precedence import Standing
    from tests.lines.test_precedence import Place

    place = Place(fleet, Standing.CAP)

    def standing() -> Standing:
        return place.standing

    place.money("-500")
    assert standing() is Standing.CAP
    place.cap_opens()
    assert standing() is Standing.BALANCE
    place.money("1000")
    assert place.standing is Standing.ON


def test_each_kind_counts_its_lines_alone(fleet: Fleet, acme: Account, harbour: Account) -> None:
    mine, theirs = fleet.line(acme), fleet.line(harbour)
    tag_lines(line_ids=[mine.pk, theirs.pk], account=acme, names=["north"], by=MIA)
    tag = Tag.objects.get()
    with clock.frozen(at("2026-11-10T08:00")):
        made = {
            "account": cap(acme, "1000"),
            "subaccount": cap(acme, "1000", holder=harbour),
            "tag": cap(acme, "1000", tag=tag),
            "plan": cap(acme, "1000", line=mine, plan=True),
            "line": cap(acme, "1000", line=mine),
            "usd": cap(acme, "1000", CapUnit.USD, line=theirs, period=CapPeriod.DAY),
        }
        for line in (mine, theirs):
            fleet.read(line, "2026-11-10T08:00", 0)
        fleet.read(mine, "2026-11-10T09:00", 30 * MB)
        fleet.read(theirs, "2026-11-10T09:00", 12 * MB)
        sweep()
        used = {name: Cap.objects.get(pk=one.pk) for name, one in made.items()}
        plans = 42 if mine.plan_id == theirs.plan_id else 30
        assert {name: one.used // MB for name, one in used.items()} == {
            "account": 42,
            "subaccount": 12,
            "tag": 42,
            "plan": plans,
            "line": 30,
            "usd": 12,
        }
        assert used["usd"].cost == Decimal("0.12")
        untag_lines(line_ids=[theirs.pk], account=acme, names=["north"], by=MIA)
        sweep()
        assert Cap.objects.get(pk=made["tag"].pk).used == 30 * MB
        assert books()


def test_messages_count_in_dollars(fleet: Fleet, acme: Account) -> None:
    line = fleet.line(acme)
    with clock.frozen(at("2026-11-10T08:00")):
        fleet.read(line, "2026-11-10T08:00", 0)
        by_line = cap(acme, "100", CapUnit.USD, line=line)
        by_plan = cap(acme, "100", CapUnit.USD, line=line, plan=True)
        sent = send_sms(line=line, text="reboot", by=OPERATOR)
        sms_accepted(message_id=sent.pk, sms=Sms("ref", True, "reboot", clock.now()), follow=False)
        sweep()
        price = type(sent).objects.get(pk=sent.pk).price
        assert price > 0
        assert {Cap.objects.get(pk=one.pk).sms for one in (by_line, by_plan)} == {price}
        assert books()


def test_what_is_held_counts_before_money_does(fleet: Fleet, acme: Account) -> None:
    line = fleet.line(acme)
    with clock.frozen(at("2026-11-10T08:00")):
        fleet.read(line, "2026-11-10T08:00", 0)
        cap(acme, "5120", line=line)
        fleet.read(line, "2026-11-10T09:00", 6 * GB)
        assert sweep() == 1
        found = Cap.objects.get()
        assert (found.used, found.held_used) == (0, 6 * GB)
        assert books()


def test_a_level_is_told_once_a_period_however_usage_goes_back_and_forth(fleet: Fleet, acme: Account) -> None:
    line = fleet.line(acme)
    with clock.frozen(at("2026-11-10T08:00")):
        fleet.read(line, "2026-11-10T08:00", 0)
        made = cap(acme, "10", line=line, action=CapAction.NOTIFY, period=CapPeriod.DAY)
        fleet.read(line, "2026-11-10T09:00", 9 * MB)
        sweep()
        assert len(told(acme)) == 1  # 80 %, and 50 % not apart
        for _ in range(3):
            change_cap(cap=made, limit=Decimal(100), action=CapAction.NOTIFY, by=MIA)
            change_cap(cap=made, limit=Decimal(10), action=CapAction.NOTIFY, by=MIA)
        assert len(told(acme)) == 1
        fleet.read(line, "2026-11-10T10:00", 20 * MB)
        assert sweep() == 0
        assert why(line) == "on"  # it only notifies
        assert len(told(acme)) == 2
    with clock.frozen(at("2026-11-11T09:00")):
        fleet.read(line, "2026-11-11T09:00", 26 * MB)
        sweep()
        assert len(told(acme)) >= 2
        assert Cap.objects.get().begins == dt.date(2026, 11, 11)


def test_usage_that_is_found_late_fills_its_own_day(fleet: Fleet, acme: Account) -> None:
    """A day's cap is of that day: what was used before midnight and read after it does not stop the next day."""
    line = fleet.line(acme)
    with clock.frozen(at("2026-11-10T23:00")):
        fleet.read(line, "2026-11-10T23:00", 0)
        cap(acme, "10", line=line, period=CapPeriod.DAY)
        fleet.read(line, "2026-11-10T23:30", 4 * MB)
        sweep()
    with clock.frozen(at("2026-11-11T00:10")):
        fleet.read(line, "2026-11-10T23:55", 14 * MB)
        assert sweep() == 0
        found = Cap.objects.get()
        assert (found.begins, found.used, why(line)) == (dt.date(2026, 11, 11), 0, "on")


def test_a_line_that_comes_under_a_full_cap_stops_and_one_that_leaves_it_starts(
    fleet: Fleet, acme: Account, harbour: Account
) -> None:
    line, other = fleet.line(harbour), fleet.line(acme)
    with clock.frozen(at("2026-11-10T08:00")):
        fleet.read(line, "2026-11-10T08:00", 0)
        cap(acme, "10", holder=harbour)
        fleet.read(line, "2026-11-10T09:00", 10 * MB)
        sweep()
        assign(line_ids=[other.pk], holder=harbour, by=MIA)
        assert why(other) == "cap"
        assign(line_ids=[other.pk], holder=acme, by=MIA)
        sweep()
        assert (why(other), why(line)) == ("on", "cap")
        assert books()


def test_a_sub_accounts_people_see_their_own_caps_and_no_dollars(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        cap(acme, "100")
        cap(acme, "5120", holder=harbour)
        cap(acme, "7", CapUnit.USD, line=line)
        seen = caps_of(harbour)
        assert sorted((one.label, one.rule, one.amount) for one in seen) == [
            ("all your lines", "5 GB a month", "0 MB"),
            (f"line {line.iccid}", "an amount a month", ""),
        ]
        assert len(caps_of(acme)) == 3


def test_one_outside_is_told_of_no_cap_that_is_not_its_own(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        fleet.read(line, "2026-11-10T08:00", 0)
        cap(acme, "10")
        fleet.read(line, "2026-11-10T09:00", 10 * MB)
        sweep()
        shown = line_of(viewer(harbour), line.iccid, today=clock.today())
        assert shown is not None
        assert explain(shown, outside=True).what == "Off because a cap of your provider is full"


@pytest.mark.parametrize("limit", ["0", "-1", "NaN", "1000000000", "0.0000001"])
def test_a_limit_that_is_no_limit_is_refused(acme: Account, limit: str) -> None:
    with pytest.raises(Invalid):
        cap(acme, limit)


def test_a_stranger_is_no_thing_of_a_cap(fleet: Fleet, acme: Account, harbour: Account) -> None:
    other = fleet.account(credit="10")
    with pytest.raises(Invalid):
        cap(other, "10", holder=harbour)
    with pytest.raises(Invalid):
        cap(harbour, "10")
    with pytest.raises(Invalid):
        cap(other, "10", line=fleet.line(acme))
    assert not Cap.objects.exists()


def test_one_account_that_fails_stops_no_other(fleet: Fleet, acme: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    from lines.commands import capping

    other = fleet.account(credit="100")
    line = fleet.line(other)
    with clock.frozen(at("2026-11-10T08:00")):
        fleet.read(line, "2026-11-10T08:00", 0)
        broken, good = cap(acme, "10"), cap(other, "10")
        Cap.objects.filter(pk=broken.pk).update(seen="")
        fleet.read(line, "2026-11-10T09:00", 10 * MB)
        real = capping.count_caps

        def poisoned(*, payer_id: int, due: object, today: dt.date) -> int:
            if payer_id == acme.pk:
                raise RuntimeError("poisoned")
            return real(payer_id=payer_id, due=due, today=today)  # type: ignore[arg-type]

        monkeypatch.setattr(capping, "count_caps", poisoned)
        assert sweep() == 1
        assert Cap.objects.get(pk=good.pk).full_until == dt.date(2026, 12, 1)
        enforce()
        assert why(line) == Why.CAP
