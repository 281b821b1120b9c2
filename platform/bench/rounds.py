"""Rounds of measuring: every case once in each, the ways taking turns page by page, so that noise hits all alike."""

from __future__ import annotations

import datetime as dt
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from accounts.models import Account
from accounts.policy import OPERATOR
from bench.fleet import NOW, TODAY, Fleet
from bench.ways import Page, Sim, by_floor, by_hot_path, by_orm, sims_of
from billing.commands import adjust
from billing.queries import balance_of, colour_changes
from lines.carriers.base import Reading
from lines.commands.wishes import enforce
from lines.queries import Asked, list_lines

PAGE = 250  # what a carrier's list gives
BATCH = 2_000
MOVED = 20_000  # bytes
LOOKS = 50  # at a balance or a list, in a round
DEBIT = Decimal(10_000_000)  # turns the big account red

Way = Callable[[Page, list[Reading]], None]
WAYS: dict[str, Way] = {"hot_path": by_hot_path, "floor": by_floor, "orm": by_orm}


@dataclass(frozen=True, slots=True)
class Case:
    """Pages of one kind: which lines stand on them, and what has happened to the lines."""

    name: str
    size: int  # lines on a page
    lines: range
    is_shuffled: bool = False
    moved: int = MOVED
    opens_day: bool = False
    by_orm: bool = False


def cases_of(fleet: Fleet) -> list[Case]:
    """The big account's lines stand first; the last tenth is for days that nobody has seen yet."""
    big, last = fleet.big_lines, fleet.lines - fleet.lines // 10
    many = range(big + 1, last + 1)
    return [
        Case("in_order", PAGE, many, by_orm=True),
        Case("shuffled", PAGE, many, is_shuffled=True, by_orm=True),
        Case("one_account", PAGE, range(1, big + 1), by_orm=True),
        Case("unmoved", PAGE, many, moved=0),
        Case("first_of_day", PAGE, range(last + 1, fleet.lines + 1), opens_day=True),
        Case("batches", BATCH, many),
    ]


@dataclass(slots=True)
class Measured:
    """Rates in lines a second by (case, way), and seconds by what was done; one number for each round."""

    rates: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def median(self, case: str, way: str) -> float | None:
        rates = self.rates.get((case, way))
        return statistics.median(rates) if rates else None

    def ratio(self, case: str, way: str, other: str) -> float | None:
        """The median of the rounds' ratios: both numbers of each were had in the same seconds."""
        theirs = self.rates.get((case, other))
        if not theirs:
            return None
        return statistics.median(a / b for a, b in zip(self.rates[case, way], theirs, strict=True))


class Bench:
    """`pages`: pages of 250 in each case and round; of the first, the ORM loop does `orm_lines`."""

    def __init__(self, fleet: Fleet, *, pages: int, orm_lines: int, seed: int = 1) -> None:
        self.fleet = fleet
        self.pages = pages
        self.orm_lines = orm_lines
        self.cases = cases_of(fleet)
        self.measured = Measured()
        self.random = random.Random(seed)  # noqa: S311 - the same pages in every run
        self._ticks = count(1)
        self._days = count(1)

    def warm_up(self) -> None:
        """A round that does not count: caches, connections and first plans are nobody's merit."""
        self.round(0)
        self.measured = Measured()

    def round(self, number: int) -> None:
        for case in self.cases:
            self._apply(case, number)
        self._enforce()
        self._look()

    def _apply(self, case: Case, number: int) -> None:
        spent: dict[str, float] = defaultdict(float)
        lines: dict[str, int] = defaultdict(int)
        days = {way: NOW + dt.timedelta(days=next(self._days)) for way in WAYS} if case.opens_day else {}
        for turn, sims in enumerate(self._pages(case, number)):
            ways = ["hot_path", "floor"] + (["orm"] if case.by_orm and turn == 0 else [])
            for way in ways if turn % 2 else reversed(ways):
                at = days.get(way, NOW) + dt.timedelta(seconds=next(self._ticks))
                page = Page(self.fleet.carrier, sims[: self.orm_lines] if way == "orm" else sims, at, case.moved)
                spent[way] += self._time(WAYS[way], page)
                lines[way] += len(page.sims)
        for way, seconds in spent.items():
            self.measured.rates[case.name, way].append(lines[way] / seconds)

    def _pages(self, case: Case, number: int) -> Iterator[Sequence[Sim]]:
        """Every round goes on where the last one ended, round and round."""
        calls = max(1, self.pages * PAGE // case.size)
        for call in range(calls):
            if case.is_shuffled:
                ids: Sequence[int] = self.random.sample(case.lines, min(case.size, len(case.lines)))
            else:
                starts = case.lines[:: case.size]
                start = starts[(number * calls + call) % len(starts)]
                ids = range(start, min(start + case.size, case.lines[-1] + 1))
            yield sims_of(ids)

    def _time(self, way: Way, page: Page) -> float:
        for sim in page.sims:
            sim.counter += page.moved
        readings = page.readings()
        began = time.perf_counter()
        way(page, readings)
        return time.perf_counter() - began

    def _enforce(self) -> None:
        """The big account turns red and recovers."""
        big = self.fleet.big
        for name, amount in (("suspend", -DEBIT), ("reactivate", DEBIT)):
            adjust(account=big, amount=amount, reason="bench", by=OPERATOR)
            began = time.perf_counter()
            turned = enforce(account_ids=[big.pk], today=TODAY)
            self.measured.seconds[name].append(time.perf_counter() - began)
            if turned.suspended + turned.reactivated != self.fleet.big_lines:
                raise AssertionError(f"{name} turned {turned}, not {self.fleet.big_lines} lines")

    def _look(self) -> None:
        accounts = list(Account.objects.filter(parent=None).order_by("?")[:LOOKS])
        self._look_at("colours", 1, lambda _: colour_changes(today=TODAY))
        self._look_at("balance", len(accounts), lambda n: balance_of(accounts[n], today=TODAY))
        self._look_at("lines_list", LOOKS, lambda _: list_lines(self.fleet.owner, Asked(), today=TODAY))

    def _look_at(self, name: str, times: int, look: Callable[[int], object]) -> None:
        began = time.perf_counter()
        for number in range(times):
            look(number)
        self.measured.seconds[name].append((time.perf_counter() - began) / times)
