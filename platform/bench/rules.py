"""Ten rules met by a page and by a whole fleet, against the bare SQL that compares the same lines with limits."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from kit import clock

from accounts.models import Account
from automation.models import Rule, RuleFire
from automation.queries import due
from automation.work import rules
from bench.fleet import NOW, TODAY
from lines.models import ChangedLines
from lines.policy import MEGABYTE

PAGE = 250
# Limits that a few lines in a thousand are over: MB a day, MB a month, USD a day, USD a month. They tell nobody.
LIMITS = (
    [("day", "mb", f"2.{number}") for number in (850, 852, 854, 856)]
    + [("month", "mb", f"8.{number}") for number in (40, 42, 44, 46)]
    + [("day", "usd", "0.0385"), ("month", "usd", "0.1100")]
)

# The least that could know it: the limits written into the statement, money as bytes at a price known beforehand.
FLOOR = """
SELECT count(*) FROM lines_linestate st JOIN lines_line l ON l.id = st.line_id
 WHERE {which} AND l.payer_id = ANY(%(payers)s::bigint[]) AND ({over})
"""


@dataclass(frozen=True, slots=True)
class RulesMeasured:
    """Milliseconds a page of 250, seconds for the fleet: ours, and the floor's. `acting` is a page from its row on."""

    found: int
    page_ms: float
    page_floor_ms: float
    acting_ms: float
    fleet_seconds: float
    fleet_floor_seconds: float


def measure_rules(*, rounds: int, pages: int) -> RulesMeasured:
    """Of a seeded fleet whose every account gets the ten rules; medians. No line of the pages is over a limit: that is
    the usual page."""
    with clock.frozen(NOW):
        _add_rules()
        calm = _calm_lines(pages)
        payers = list(Account.objects.filter(parent=None).values_list("pk", flat=True))
        found = due.usage_of_all(today=TODAY)
        return RulesMeasured(
            found=len(found),
            page_ms=1000 * _median(rounds, pages, lambda n: due.usage_of_lines(calm[n], since=TODAY)),
            page_floor_ms=1000 * _median(rounds, pages, lambda n: _floor(payers, calm[n])),
            acting_ms=1000 * _median(rounds, pages, lambda n: _act(calm[n])),
            fleet_seconds=_median(rounds, 1, lambda _: due.usage_of_all(today=TODAY)),
            fleet_floor_seconds=_median(rounds, 1, lambda _: _floor(payers, None)),
        )


def _add_rules() -> None:
    Rule.objects.bulk_create(
        [
            Rule(
                account=account,
                name=f"{limit} {unit} a {period}",
                trigger="usage",
                action="deactivate",
                period=period,
                unit=unit,
                limit=Decimal(limit),
            )
            for account in Account.objects.filter(parent=None)
            for period, unit, limit in LIMITS
        ],
        batch_size=5_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE automation_rule, automation_rulefire")


def _calm_lines(pages: int) -> list[list[int]]:
    """Pages of neighbours that are under every limit."""
    over = {found.line_id for found in due.usage_of_all(today=TODAY)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT line_id FROM lines_linestate ORDER BY line_id LIMIT %s", [pages * PAGE * 2])
        calm = [row[0] for row in cursor.fetchall() if row[0] not in over]
    return [calm[start : start + PAGE] for start in range(0, pages * PAGE, PAGE)]


def _act(line_ids: list[int]) -> None:
    """A page as the reader leaves it, met and taken away."""
    ChangedLines.objects.create(read_at=NOW, line_ids=line_ids)
    rules.check_pages()
    if RuleFire.objects.exists():
        raise AssertionError("A line of these pages was to be under every limit")


def _floor(payers: list[int], line_ids: list[int] | None) -> None:
    per_byte = 0.014 / MEGABYTE
    over = " OR ".join(
        f"{'st.day_bytes' if period == 'day' else 'st.counter - st.baseline'} > "
        f"{int(float(limit) / per_byte) if unit == 'usd' else int(Decimal(limit) * MEGABYTE)}"
        for period, unit, limit in LIMITS
    )
    which = "true" if line_ids is None else "st.line_id = ANY(%(lines)s::bigint[])"
    values: dict[str, Any] = {"payers": payers, "lines": line_ids}
    with connection.cursor() as cursor:
        cursor.execute(FLOOR.format(which=which, over=over), values)
        cursor.fetchall()


def _median(rounds: int, times: int, do: Callable[[int], object]) -> float:
    """Seconds that one takes; the first round does not count."""
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        for number in range(times):
            do(number)
        took.append((time.perf_counter() - began) / times)
    return statistics.median(took[1:])
