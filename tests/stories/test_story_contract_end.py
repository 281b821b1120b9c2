"""A contract that ends on 31 December survives a daily rule that fires ten times.

Mia's tracker runs at $0.01 a MB and $0.25 a day, with $1,000 on the account. On 10 December she orders its end:
31 December, 00:00. Each day from the 11th to the 20th it uses 600 MB, its rule of 512 MB a day stops it, and midnight
starts it again.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from accounts.models import Event
from lines.commands.fees import charge_fees
from lines.commands.wishes import deactivate_due, deactivate_on
from lines.models import Line, LineDay
from tests.automation.ruled import MIA, Ruled, fires, wish
from tests.fleets import OFF, ON, available

END = dt.date(2026, 12, 31)


def test_the_date_outlives_ten_firings_and_is_for_good(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ruled = Ruled(monkeypatch, "2026-12-10T12:00:00+00:00", per_day="0.25")
    line = ruled.line()
    ruled.daily()
    deactivate_on(line=line, date=END, by=MIA)
    for day in range(11, 21):
        ruled.at(f"2026-12-{day}T00:00:05")  # yesterday's follow-up
        ruled.told(line, ON)
        assert wish(line)[0] == "ACTIVE"
        ruled.at(f"2026-12-{day}T10:00:00")
        ruled.uses(line, 600)
        assert wish(line) == ("DEACTIVATED", "rule", "512 MB a day")
        ruled.told(line, OFF)
        charge_fees(today=dt.date(2026, 12, day))
        assert Line.objects.get(pk=line.pk).deactivation_date == END
    ruled.at("2026-12-21T00:00:05")
    ruled.told(line, ON)
    assert len(fires()) == 10
    assert wish(line)[0] == "ACTIVE"
    ruled.clock("2026-12-31T00:04:00")  # four minutes late
    deactivate_due(today=END)
    ruled.told(line, OFF)
    charge_fees(today=END)
    assert wish(line) == ("DEACTIVATED", "person", "mia@acme.example")
    for night in ("2027-01-01T00:00:05", "2027-02-01T00:00:05"):
        ruled.at(night)
        assert wish(line)[0] == "DEACTIVATED"
    # 6,000 MB cost $60.00; 21 days on, from the 10th to the 30th, cost $5.25; the 31st costs nothing.
    assert LineDay.objects.filter(line=line, fee__gt=0).count() == 21
    assert available(ruled.account) == Decimal("934.75")
    dates = Event.objects.filter(verb__startswith="line.deactivation_date").values_list("verb", flat=True)
    assert list(dates) == ["line.deactivation_date_set"]
