"""docs/recompute-a-bill.md is right: the product charges its bill, exports its files; a stranger gets the same."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError
from kit import clock

from accounts.policy import OPERATOR
from lines.carriers.base import Reading
from lines.commands.plans import change_plan_of_lines
from lines.models import Line, LineDay, Price, RatePlan
from tests.fleets import ON, Fleet
from tests.lines.test_second_books import second_books
from tests.worlds import operator

TEXT = (Path(__file__).parents[2] / "docs" / "recompute-a-bill.md").read_text()
READINGS, PLANS, BILL = ([*csv.DictReader(io.StringIO(part))] for part in re.findall(r"```csv\n(.*?)```", TEXT, re.S))


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def told() -> Line:
    """The line of the example, charged by the product."""
    first, second, third = PLANS
    with clock.frozen(moment(READINGS[0]["asked at"])):
        fleet = Fleet()
        line = fleet.line(fleet.account())
    RatePlan.objects.filter(pk=line.plan_id).update(name=first["rate plan"])
    Price.objects.create(plan=line.plan, valid_from=moment(second["since"]), per_mb=Decimal(second["per MB"]))
    camera = RatePlan.objects.create(name=third["rate plan"], carrier=line.carrier)
    Price.objects.create(plan=camera, valid_from=None, per_mb=Decimal(third["per MB"]))
    with clock.frozen(moment(third["since"])):
        change_plan_of_lines(line_ids=[line.pk], plan=camera, by=OPERATOR)
    for row in READINGS:
        reading = Reading(line.iccid, int(row["bytes"]), dt.date.fromisoformat(row["cycle"]), ON)
        fleet.apply("simbase", moment(row["asked at"]), [reading], are_finals=bool(row["final total"]))
    return line


def by_hand(readings: list[dict[str, str]], plans: list[dict[str, str]]) -> list[tuple[str, Decimal, int, Decimal]]:
    """The rules of the page as a stranger writes them down: of a carrier that says its cycles, and with no doubts."""

    def in_force(at: dt.datetime) -> Decimal:
        return Decimal([row for row in plans if moment(row["since"]) <= at][-1]["per MB"])

    highest: dict[str, int] = {}
    read: dict[str, dt.datetime] = {}
    before: dt.datetime | None = None
    days: dict[tuple[dt.date, Decimal], int] = defaultdict(int)
    for row in readings:
        at, counter, cycle = moment(row["asked at"]), int(row["bytes"]), row["cycle"]
        start = moment(f"{cycle}T00:00:00Z")
        end = (start + dt.timedelta(days=31)).replace(day=1)
        if before is not None and counter > highest.get(cycle, 0):
            day = min(at.date(), end.date() - dt.timedelta(days=1))
            earlier = read.get(cycle, before) if cycle != max(highest) and cycle in highest else before
            is_far = at - earlier > dt.timedelta(hours=24)
            began = dt.datetime.combine(day, dt.time(), dt.UTC) if is_far else max(earlier, start)
            days[day, in_force(began)] += counter - highest.get(cycle, 0)
        highest[cycle] = max(counter, highest.get(cycle, 0))
        if not row["final total"]:
            before = read[cycle] = at
    return [
        (day.isoformat(), per_mb, used, (used * per_mb / 1048576).quantize(Decimal("0.000001"), ROUND_HALF_UP))
        for (day, per_mb), used in sorted(days.items())
    ]


def bill() -> list[tuple[str, Decimal, int, Decimal]]:
    return [(row["day"], Decimal(row["per MB"]), int(row["bytes"]), Decimal(row["cost"])) for row in BILL]


def test_a_stranger_gets_the_bill_of_the_page() -> None:
    assert by_hand(READINGS, PLANS) == bill()


def test_the_product_charges_the_bill_of_the_page_and_exports_its_files(db: None, tmp_path: Path) -> None:
    line = told()
    rows = LineDay.objects.filter(line=line).order_by("day", "price__per_mb")
    charged = [(row.day.isoformat(), row.price.per_mb, row.used, row.cost) for row in rows.select_related("price")]
    assert charged == bill()
    assert operator("bill_evidence", line.iccid, "--to", tmp_path)["readings"] == len(READINGS)
    readings = [*csv.DictReader((tmp_path / "readings.csv").open())]
    plans = [*csv.DictReader((tmp_path / "plans.csv").open())]
    assert [row | {"number": ""} for row in readings] == [row | {"number": ""} for row in READINGS]
    assert [row | {"price": ""} for row in plans] == [row | {"price": ""} for row in PLANS]
    assert by_hand(readings, plans) == bill()
    assert second_books(today=dt.date(2026, 12, 3)).differences == 0


def test_evidence_of_nothing_or_to_nowhere_is_refused(db: None, tmp_path: Path) -> None:
    fleet = Fleet()
    with pytest.raises(CommandError, match="no line"):
        operator("bill_evidence", "8900000000000000000", "--to", tmp_path)
    with pytest.raises(CommandError, match="not a folder"):
        operator("bill_evidence", fleet.line(fleet.account()).iccid, "--to", tmp_path / "nowhere")
