"""One account with lines, a clock, readings, and rules that meet them as the workers would."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from accounts.policy import Actor, ActorKind
from automation.commands.rules import Draft, add_rule
from automation.models import FollowUp, Rule, RuleFire
from automation.policy import Action, Then, Trigger
from automation.work import rules
from lines.carriers.base import Status
from lines.models import Line, LineState
from lines.policy import Wanted
from tests.fleets import MB, Fleet, at

MIA = Actor(ActorKind.PERSON, "mia@acme.example")


class Ruled:
    """`uses` moves a line's counter and lets rules meet the page, as a reader does; `at` moves the clock."""

    def __init__(self, clock: pytest.MonkeyPatch, now: str, *, per_day: str = "0") -> None:
        self._clock = clock
        self.clock(now)
        self.fleet = Fleet(per_day=per_day)
        self.account = self.fleet.account(credit="1000")
        self._counters: dict[tuple[int, str], int] = defaultdict(int)

    def clock(self, text: str) -> None:
        self.now = at(text.replace("+00:00", ""))
        self._clock.setenv("LINEKEEPER_NOW", self.now.isoformat())

    def at(self, text: str) -> int:
        """It is then, and what is due is done; says how many lines turned."""
        self.clock(text)
        return rules.check_rest()

    def line(self, account: Account | None = None, kind: str = "simbase", **more: Any) -> Line:
        line = self.fleet.line(account or self.account, kind, **more)
        self.uses(line, 0)  # its baseline
        return line

    def reads(self, line: Line, megabytes: float) -> None:
        """A page with this line, which moved."""
        month = f"{self.now:%Y-%m}-01"
        self._counters[line.pk, month] += int(megabytes * MB)
        self.fleet.read(line, f"{self.now:%Y-%m-%dT%H:%M:%S}", self._counters[line.pk, month], month)

    def told(self, line: Line, status: Status) -> None:
        """Its carrier says that it is on or off; the counter stands."""
        month = f"{self.now:%Y-%m}-01"
        self.fleet.read(line, f"{self.now:%Y-%m-%dT%H:%M:%S}", self._counters[line.pk, month], month, status=status)

    def uses(self, line: Line, megabytes: float) -> int:
        self.reads(line, megabytes)
        return rules.check_pages()

    def rule(self, **facts: Any) -> Rule:
        usual: dict[str, Any] = {"name": "a rule", "trigger": Trigger.USAGE, "action": Action.DEACTIVATE}
        account = facts.pop("account", self.account)
        if facts.get("trigger", Trigger.USAGE) is Trigger.USAGE:
            usual |= {"period": "day", "unit": "mb", "limit": Decimal(512)}
        return add_rule(account=account, draft=Draft(**(usual | facts)), by=MIA)

    def daily(self, **facts: Any) -> Rule:
        """512 MB a day, and on again the next day."""
        return self.rule(**({"name": "512 MB a day", "then": Then.NEXT_DAY} | facts))


def wish(line: Line) -> tuple[str, str, str]:
    state = LineState.objects.get(pk=line.pk)
    return Wanted(state.wanted).name, state.why, state.why_who


def fires(rule: Rule | None = None) -> list[tuple[str, str]]:
    """Period and outcome, in their order."""
    found = RuleFire.objects.order_by("pk") if rule is None else RuleFire.objects.filter(rule=rule).order_by("pk")
    return list(found.values_list("period", "outcome"))


def planned() -> list[tuple[str, dt.datetime, str]]:
    return list(FollowUp.objects.order_by("pk").values_list("act", "due_at", "state"))
