"""Each rule that a statement needs stands in Python and in SQL, side by side: both say the same of any case."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import connection
from embedded.addresses import REPOSITORY

from billing.policy import booked_on, booked_on_sql, minimum, minimum_sql, usage_key, usage_key_sql
from lines.counting import Turns, cycle_of, cycle_sql, cycles_around, next_cycle_sql
from lines.policy import Status, Wanted, cycle_start, data_cost, status
from lines.policy.bundles import days_of, granted, month_share, overage
from lines.policy.resale import resale_price
from lines.rules import (
    confirmed_on_sql,
    data_cost_sql,
    granted_sql,
    has_status_sql,
    is_confirmed_on,
    month_days_sql,
    month_share_sql,
    overage_sql,
    resale_price_sql,
)

CASES = 3_000


@dataclass(frozen=True)
class Pair:
    """A rule in both ways. `columns`: names and types of what it is asked of; `draw` gives a case in their order."""

    sql: Callable[..., str]
    columns: dict[str, str]
    said: str
    draw: Callable[[Random], Sequence[Any]]
    rule: Callable[..., Any]


def _day(random: Random, *, days: int = 900) -> dt.date:
    return dt.date(2024, 12, 1) + dt.timedelta(days=random.randrange(days))


def _maybe(random: Random, found: Any) -> Any:
    return found if random.random() < 0.7 else None


def _turns(random: Random) -> tuple[Any, ...]:
    """A day, and a carrier's cycle day; where that was changed, since when and which cycle was open then."""
    day, cycle_day = _day(random), random.randint(1, 28)
    if random.random() < 0.4:
        return day, cycle_day, None, None
    before = cycle_start(day + dt.timedelta(days=random.randint(-70, 70)), random.randint(1, 28))
    since = cycle_start(before + dt.timedelta(days=random.randint(31, 62)), cycle_day)
    return day, cycle_day, since, before


def _cycle(random: Random) -> dt.date:
    return cycle_start(_day(random), random.randint(1, 28))


def _usd(random: Random) -> Decimal:
    return Decimal(random.randrange(20_000_000)).scaleb(-6)


def _list_price(random: Random) -> tuple[Any, ...]:
    """What the account pays, and a row of a list: its own price, or a percentage."""
    percent = Decimal(random.randrange(-100_000, 400_000)).scaleb(-3)
    if random.random() < 0.3:
        return _usd(random), _usd(random), None, 6
    return _usd(random), None, percent, random.randint(0, 6)


CYCLES = {"day": "date", "cycle_day": "int", "cycle_since": "date", "cycle_before": "date"}
PAIRS = [
    Pair(
        data_cost_sql,
        {"used": "bigint", "per_mb": "numeric"},
        data_cost_sql("c.used", "c.per_mb"),
        lambda random: (
            random.choice([0, 1, random.randrange(1 << 20), random.randrange(1 << 42)]),
            Decimal(random.randrange(20_000_000)).scaleb(-6),
        ),
        data_cost,
    ),
    Pair(
        resale_price_sql,
        {"price": "numeric", "own": "numeric", "percent": "numeric", "places": "int"},
        resale_price_sql("c.price", "c.own", "c.percent", "c.places"),
        _list_price,
        resale_price,
    ),
    Pair(month_days_sql, {"cycle": "date"}, month_days_sql("c.cycle"), lambda random: (_cycle(random),), days_of),
    Pair(
        month_share_sql,
        {"per_month": "numeric", "day": "date", "cycle": "date"},
        month_share_sql("c.per_month", "c.day", "c.cycle"),
        lambda random: (_usd(random), (cycle := _cycle(random)) + dt.timedelta(days=random.randrange(45)), cycle),
        month_share,
    ),
    Pair(
        granted_sql,
        {"included": "bigint", "day": "date", "cycle": "date"},
        granted_sql("c.included", "c.day", "c.cycle"),
        lambda random: (
            random.randrange(1 << 50),
            (cycle := _cycle(random)) + dt.timedelta(days=random.randrange(45)),
            cycle,
        ),
        granted,
    ),
    Pair(
        overage_sql,
        {"used": "bigint", "included": "bigint", "per_mb": "numeric"},
        overage_sql("c.used", "c.included", "c.per_mb"),
        lambda random: (random.randrange(1 << 42), random.randrange(1 << 42), _usd(random)),
        lambda used, included, per_mb: overage(0, used, included, per_mb)[1],
    ),
    Pair(
        minimum_sql,
        {"average": "numeric", "credit_limit": "numeric"},
        minimum_sql("c.average", "c.credit_limit"),
        lambda random: (_usd(random), _maybe(random, _usd(random))),
        minimum,
    ),
    Pair(
        confirmed_on_sql,
        {"reported": "int", "blocked": "bool"},
        confirmed_on_sql("c"),
        lambda random: (random.choice([None, 1, 2]), random.random() < 0.5),
        lambda reported, blocked: is_confirmed_on(reported, blocked=blocked),
    ),
    *(
        Pair(
            has_status_sql,
            {"wanted": "int", "reported": "int", "blocked": "bool"},
            has_status_sql(asked, "c"),
            lambda random: (random.choice(list(Wanted)), random.choice([None, 1, 2]), random.random() < 0.5),
            lambda wanted, reported, blocked, asked=asked: (
                status(wanted, confirmed_on=is_confirmed_on(reported, blocked=blocked)) is asked
            ),
        )
        for asked in Status
    ),
    Pair(
        cycle_sql,
        CYCLES,
        cycle_sql("c.day", "c"),
        _turns,
        lambda day, *turns: cycle_of(day, Turns(*turns)),
    ),
    Pair(
        next_cycle_sql,
        CYCLES,
        next_cycle_sql("c.day", "c"),
        _turns,
        lambda day, *turns: cycles_around(day, Turns(*turns)).following,
    ),
    Pair(
        booked_on_sql,
        {"day": "date", "found_on": "date"},
        booked_on_sql("c.day", "c.found_on"),
        lambda random: ((day := _day(random)), _maybe(random, day + dt.timedelta(days=random.randint(0, 70)))),
        booked_on,
    ),
    Pair(
        usage_key_sql,
        {"uuid": "uuid", "day": "date", "found_on": "date"},
        usage_key_sql("c.uuid", "c.day", "c.found_on"),
        lambda random: (f"{random.getrandbits(128):032x}", _day(random), _maybe(random, _day(random))),
        usage_key,
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.sql.__name__)
def test_a_rule_says_in_sql_what_it_says_in_python(pair: Pair) -> None:
    random = Random(17)
    cases = [tuple(pair.draw(random)) for _ in range(CASES)]
    arrays = ", ".join(f"%s::{kind}[]" for kind in pair.columns.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {pair.said} FROM unnest({arrays}) WITH ORDINALITY AS c({', '.join(pair.columns)}, n) ORDER BY n",
            [list(column) for column in zip(*cases, strict=True)],
        )
        found = [row[0] for row in cursor.fetchall()]
    differ = [(case, one, two) for case, one in zip(cases, found, strict=True) if (two := pair.rule(*case)) != one]
    assert differ[:5] == []
    assert len(set(found)) > 1, "every case is answered alike: these cases prove nothing"


def test_each_rule_in_sql_has_its_pair() -> None:
    """A public function of the product that ends in `_sql` is a rule said in SQL."""
    apps = ("accounts", "billing", "lines", "automation", "subaccounts")
    there = {
        node.name
        for app in apps
        for path in (REPOSITORY / app).rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.endswith("_sql") and not node.name.startswith("_")
    }
    assert there == {pair.sql.__name__ for pair in PAIRS}
