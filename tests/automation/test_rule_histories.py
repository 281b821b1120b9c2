"""Any history of usage, replays, sweeps and hands: a rule fires once a day, gives back at midnight, and hands win."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Event
from automation.models import FollowUp, LineGuard, RuleFire
from automation.policy import CALM, MOST_CHANGES, Action, Then
from automation.work import rules
from lines.carriers.base import Setting
from lines.commands.settings import set_on_line
from lines.commands.wishes import activate, deactivate
from lines.models import ChangedLines, Line, LineSetting, LineState, RatePlan
from lines.policy import Wanted
from tests.automation.ruled import MIA, Ruled

STEPS = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=900),  # minutes later
        st.sampled_from(["use", "use", "use a little", "replay", "sweep", "on", "off"]),
    ),
    min_size=3,
    max_size=14,
)


class Expected:
    """One line under one rule of 512 MB a day, on again the next day; written from the rules, not from the code."""

    def __init__(self) -> None:
        self.used: dict[dt.date, int] = {}
        self.fired: set[dt.date] = set()
        self.is_on, self.by_hand = True, False
        self.back: dt.datetime | None = None
        self.stop: tuple[dt.datetime, dt.date] | None = None
        self.stands_by: dt.date | None = None
        self.last: dt.datetime | None = None
        self.changes: dict[dt.date, int] = {}

    def due(self, now: dt.datetime) -> None:
        """What was planned happens at the first sweep from its moment on, at most once in a quarter of an hour."""
        if self.back is not None and now >= self.back:
            if self.last is not None and now < self.last + CALM:
                self.back = self.last + CALM
                return
            self.back, self.is_on = None, True
            self.changed(now)
        elif self.stop is not None and now >= self.stop[0]:
            day, self.stop = self.stop[1], None
            if day == now.date():
                self.turn_off(now, day)
        if self.stands_by is not None and (self.is_on or self.stands_by != now.date()):
            day, self.stands_by = self.stands_by, None
            if day == now.date():
                self.fire(now, day)

    def meet(self, now: dt.datetime) -> None:
        day = now.date()
        if self.used.get(day, 0) <= 512 or day in self.fired:
            return
        self.fired.add(day)
        if self.is_on:
            self.fire(now, day)
        else:  # it acts when the line comes on within the day
            self.stands_by = day

    def fire(self, now: dt.datetime, day: dt.date) -> None:
        if self.last is not None and now < self.last + CALM:
            self.stop = (self.last + CALM, day)
        else:
            self.turn_off(now, day)

    def turn_off(self, now: dt.datetime, day: dt.date) -> None:
        midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC)
        self.is_on, self.back = False, max(midnight, now + CALM)
        self.changed(now)

    def changed(self, now: dt.datetime) -> None:
        self.last = now
        self.changes[now.date()] = self.changes.get(now.date(), 0) + 1

    def hand(self, *, on: bool) -> None:
        """A hand that changes something ends what rules had planned; one that does not, ends it only by switching
        off what a rule holds."""
        if on != self.is_on or (not on and self.back is not None):
            self.back = self.stop = None
        self.is_on = on


@pytest.mark.django_db
@settings(max_examples=12)
@given(steps=STEPS)
def test_any_history_ends_as_the_rules_say(steps: list[tuple[int, str]]) -> None:
    with pytest.MonkeyPatch.context() as clock, transaction.atomic():
        ruled, expected = Ruled(clock, "2026-11-10T00:00:00+00:00"), Expected()
        line = ruled.line()
        ruled.daily()
        for minutes, step in steps:
            ruled.clock((ruled.now + dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S"))
            rules.check_rest()
            expected.due(ruled.now)
            if step in ("use", "use a little"):
                megabytes = 300 if step == "use" else 20
                ruled.uses(line, megabytes)
                expected.used[ruled.now.date()] = expected.used.get(ruled.now.date(), 0) + megabytes
                expected.meet(ruled.now)
            elif step == "replay":
                ChangedLines.objects.create(read_at=ruled.now, line_ids=[line.pk])
                rules.check_pages()
                rules.check_all()
            elif step in ("on", "off"):
                (activate if step == "on" else deactivate)(line=line, by=MIA)
                expected.hand(on=step == "on")
            is_on = LineState.objects.get(pk=line.pk).wanted == Wanted.ACTIVE
            assert is_on == expected.is_on, (ruled.now, step)
        fired = set(RuleFire.objects.values_list("period", flat=True))
        assert fired == {f"day:{day}" for day in expected.fired}
        assert RuleFire.objects.count() == len(fired)
        guard = LineGuard.objects.filter(line=line).first()
        assert guard is None or guard.times <= MOST_CHANGES
        transaction.set_rollback(True)


SLOWED = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=900),  # minutes later
        st.sampled_from(["use", "use", "use", "replay", "sweep", "", "100", "200"]),  # kbps: by hand
    ),
    min_size=3,
    max_size=14,
)


class ExpectedSpeed:
    """One line under one rule that slows it to 100 kbps after 512 MB a day, and puts it back the next day."""

    def __init__(self) -> None:
        self.used: dict[dt.date, int] = {}
        self.fired: set[dt.date] = set()
        self.speed = ""
        self.back: tuple[dt.datetime, str] | None = None
        self.slow: tuple[dt.datetime, dt.date] | None = None
        self.last: dt.datetime | None = None

    def due(self, now: dt.datetime) -> None:
        """At most once in a quarter of an hour; nobody uses as much as would be six times a day."""
        free = now if self.last is None else max(now, self.last + CALM)
        if self.back is not None and now >= self.back[0]:
            if free > now:
                self.back = (free, self.back[1])
            else:
                self.last = free = now if self.speed != self.back[1] else self.last or now
                self.speed, self.back = self.back[1], None
        if self.slow is not None and now >= self.slow[0]:
            day, self.slow = self.slow[1], None
            if day == now.date():
                self.turn_slow(now, day)

    def meet(self, now: dt.datetime) -> None:
        day = now.date()
        if self.used.get(day, 0) <= 512 or day in self.fired:
            return
        self.fired.add(day)
        self.turn_slow(now, day)

    def turn_slow(self, now: dt.datetime, day: dt.date) -> None:
        if self.speed == "100" and self.back is None:
            return  # somebody set it so: it is theirs
        if self.speed != "100" and self.last is not None and now < self.last + CALM:
            self.slow = (self.last + CALM, day)
            return
        was = self.back[1] if self.back is not None else self.speed
        self.last = self.last if self.speed == "100" else now
        midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC)
        self.speed, self.back = "100", (max(midnight, now + CALM), was)

    def hand(self, speed: str) -> None:
        """A hand that changes nothing ends nothing."""
        if speed != self.speed:
            self.speed, self.back, self.slow = speed, None, None


@pytest.mark.django_db
@settings(max_examples=8)
@given(steps=SLOWED)
def test_any_history_of_a_slowed_line_ends_with_the_speed_it_had_or_was_given(
    steps: list[tuple[int, str]],
) -> None:
    with pytest.MonkeyPatch.context() as clock, transaction.atomic():
        ruled, expected = Ruled(clock, "2026-11-10T00:00:00+00:00"), ExpectedSpeed()
        line = ruled.line()
        ruled.daily(action=Action.THROTTLE, kbps=100)
        for minutes, step in [*steps, (1440, "sweep"), (1440, "sweep")]:
            ruled.clock((ruled.now + dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S"))
            rules.check_rest()
            expected.due(ruled.now)
            if step == "use":
                ruled.uses(line, 300)
                expected.used[ruled.now.date()] = expected.used.get(ruled.now.date(), 0) + 300
                expected.meet(ruled.now)
            elif step == "replay":
                ChangedLines.objects.create(read_at=ruled.now, line_ids=[line.pk])
                rules.check_pages()
                rules.check_all()
            elif step != "sweep":
                set_on_line(line=line, setting=Setting.THROTTLE, value=step, by=MIA)
                expected.hand(step)
            setting = LineSetting.objects.filter(line=line).first()
            assert (setting.wanted if setting else "") == expected.speed, (ruled.now, step)
        assert RuleFire.objects.count() == len(expected.fired)
        assert not FollowUp.objects.filter(state="open").exists()
        assert LineState.objects.get(pk=line.pk).wanted == Wanted.ACTIVE
        transaction.set_rollback(True)


MIXED = st.lists(
    st.tuples(
        st.sampled_from([1, 7, 15, 16, 61, 240, 900]),  # minutes later
        st.sampled_from(["use", "use", "use a little", "replay", "sweep", "late"]),
    ),
    min_size=6,
    max_size=22,
)
CHANGES = ["line.activated", "line.deactivated", "line.throttle_set", "line.plan_changed"]


@pytest.mark.django_db
@settings(max_examples=3)
@given(steps=MIXED)
def test_whatever_rules_do_to_a_line_they_do_seldom_and_undo_in_the_end(steps: list[tuple[int, str]]) -> None:
    with pytest.MonkeyPatch.context() as clock, transaction.atomic():
        ruled = Ruled(clock, "2026-11-10T00:00:00+00:00")
        line, cheap = ruled.line(), RatePlan.objects.create(name="cheap", carrier=ruled.fleet.carriers["simbase"])
        Line.objects.filter(pk=ruled.line().pk).update(plan=cheap)  # a plan of theirs
        was = (line.plan_id, "", Wanted.ACTIVE)
        drafts: list[dict[str, Any]] = [
            {"action": Action.THROTTLE, "kbps": 100, "then": Then.HOURS, "then_hours": 1},
            {"action": Action.PLAN, "to_plan": cheap, "then": Then.NEXT_DAY},
            {"action": Action.DEACTIVATE, "then": Then.HOURS, "then_hours": 2},
            {"action": Action.THROTTLE, "kbps": 200, "then": Then.NEXT_DAY},
            {"action": Action.DEACTIVATE, "then": Then.NEXT_DAY},
        ]
        for number, facts in enumerate(drafts):
            ruled.rule(name=f"rule {number}", limit=Decimal(200 + 150 * number), **facts)
        for minutes, step in [*steps, *[(15, "sweep")] * 8, *[(720, "sweep"), (15, "sweep"), (15, "sweep")] * 3]:
            ruled.clock((ruled.now + dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S"))
            if step != "late":  # the sweeps are dead
                rules.check_rest()
            if step.startswith("use"):
                ruled.uses(line, 180 if step == "use" else 20)
            elif step == "replay":
                ChangedLines.objects.create(read_at=ruled.now, line_ids=[line.pk])
                rules.check_pages()
                rules.check_all()
        by_rules = Event.objects.filter(subject=f"line:{line.iccid}", actor_kind="rule", verb__in=CHANGES)
        at = [one.at for one in by_rules.order_by("pk") if one.detail["before"] != one.detail["after"]]
        assert all(later - one >= CALM for one, later in pairwise(at)), at
        assert all(count <= MOST_CHANGES for count in Counter(one.date() for one in at).values()), at
        assert not FollowUp.objects.filter(state="open").exists()
        assert not RuleFire.objects.filter(outcome="waits").exists()
        line.refresh_from_db()
        speed = LineSetting.objects.filter(line=line).values_list("wanted", flat=True).first() or ""
        assert (line.plan_id, speed, LineState.objects.get(pk=line.pk).wanted) == was, at
        transaction.set_rollback(True)
