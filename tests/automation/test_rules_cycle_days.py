"""Rules of a month mean the cycle that the line's carrier counts, also where its cycle day has changed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.policy import OPERATOR
from automation.models import RuleFire
from automation.policy import Then, Unit
from automation.work import rules
from lines.commands.tuning import tune_carrier
from lines.models import Line
from tests.automation.ruled import Ruled, fires
from tests.fleets import MB, at


@pytest.fixture
def line(ruled: Ruled) -> Line:
    """500 MB of November used; on the 20th its carrier's cycle day becomes the 15th, so November ends in December."""
    line = ruled.fleet.line(ruled.account, "iotportal")
    ruled.fleet.read(line, "2026-11-10T08:00", 0)
    ruled.fleet.read(line, "2026-11-19T08:00", 500 * MB)
    carriers = ruled.fleet.carriers
    carriers["iotportal"] = tune_carrier(carrier=carriers["iotportal"], cycle_day=15, by=OPERATOR)
    return line


def _reads(ruled: Ruled, line: Line, when: str, megabytes: int) -> None:
    ruled.clock(when)
    ruled.fleet.read(line, when, megabytes * MB)
    rules.check_pages()


@pytest.mark.parametrize("unit", [Unit.MB, Unit.USD])
def test_a_rule_of_a_month_counts_the_open_cycle_to_its_changed_end(ruled: Ruled, line: Line, unit: Unit) -> None:
    """900 MB, or $9, of the cycle from 1 November to 14 December; back on the 15th."""
    limit = Decimal(900) if unit is Unit.MB else Decimal(9)
    ruled.rule(name="month", unit=unit, period="month", limit=limit, then=Then.NEXT_MONTH)
    _reads(ruled, line, "2026-11-21T08:00", 890)
    assert fires() == []
    _reads(ruled, line, "2026-12-03T08:00", 910)
    assert fires() == [("month:2026-11-01", "deactivated")]
    assert RuleFire.objects.get().lifts_at == at("2026-12-15T00:00")
    _reads(ruled, line, "2026-12-14T08:00", 950)  # still that cycle: once
    assert len(fires()) == 1


def test_in_the_next_cycle_it_counts_anew(ruled: Ruled, line: Line) -> None:
    ruled.rule(name="month", period="month", limit=Decimal(900), then=Then.NEXT_MONTH)
    _reads(ruled, line, "2026-12-14T08:00", 800)
    _reads(ruled, line, "2026-12-15T06:00", 100)
    assert fires() == []
    _reads(ruled, line, "2026-12-16T06:00", 1001)
    assert fires() == [("month:2026-12-15", "deactivated")]
    assert RuleFire.objects.get().lifts_at == at("2027-01-15T00:00")
