"""The statement of ordinary pages leaves what the one that can do anything leaves, to the last column."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from django.db import transaction

from accounts.policy import OPERATOR
from billing.models import UsageDay, Wallet
from lines.carriers.base import Reading
from lines.commands import readings
from lines.commands.holders import assign
from lines.commands.ordinary_sql import APPLY_ORDINARY
from lines.commands.reading_sql import APPLY
from lines.models import ChangedLines, Drive, HeldMovement, HolderDay, KeptReading, LineCycle, LineDay, LineState
from tests.fleets import MB, OFF, ON, Fleet, at, books_hold

LEFT = (LineState, LineDay, HolderDay, LineCycle, HeldMovement, Drive, ChangedLines, KeptReading, UsageDay, Wallet)
NOT_COMPARED = {"id", "reading_id", "decided_reading_id"}  # a sequence goes on where a transaction is undone


def left() -> dict[str, list[str]]:
    """Every column of every row that a page can touch; in which order a row names lines is nobody's business."""
    every: dict[str, list[dict[str, Any]]] = {model.__name__: list(map(dict, model.objects.values())) for model in LEFT}
    rows = {
        model: [{name: row[name] for name in row.keys() - NOT_COMPARED} for row in of_model]
        for model, of_model in every.items()
    }
    for row in rows["ChangedLines"]:
        row["line_ids"].sort()
    return {name: sorted(str(sorted(row.items())) for row in of_model) for name, of_model in rows.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["simbase", "iotportal"])
@pytest.mark.parametrize("wraps_at", [None, 2**32])
def test_it_leaves_what_the_other_leaves(kind: str, wraps_at: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    rnd = random.Random(f"{kind} {wraps_at}")
    fleet = Fleet()
    account = fleet.account()
    sub = fleet.account(parent=account)
    theirs = [*fleet.lines(account, 6, kind), *fleet.lines(fleet.account(), 3, kind)]
    lines = [*theirs, *fleet.lines(None, 2, kind)]
    fleet.price(kind, "2026-11-14T12:00", "0.07")
    tried: list[str] = []
    apply_all = readings._apply_all

    def noted(how: Any, batches: Any, sql: str) -> Any:
        tried.append(sql)
        return apply_all(how, batches, sql)

    monkeypatch.setattr(readings, "_apply_all", noted)
    counters = dict.fromkeys(lines, 4 * 1024 * MB - 40 * MB)
    moment = at("2026-11-13T22:00")
    for number in range(60):
        moment += dt.timedelta(minutes=rnd.choice([5, 50, 300]))
        page = []
        for line in rnd.sample(lines, rnd.randint(1, len(lines))):
            moves = rnd.choice([0, 0, 1, MB, 30 * MB, -MB, 7 * 1024 * MB if rnd.random() < 0.2 else 5])
            counters[line] = max(0, counters[line] + moves)
            told = counters[line] % wraps_at if wraps_at else counters[line]
            cycle = dt.date(2026, rnd.choice([11, 11, 11, 11, 10]), 1) if kind == "simbase" else None
            asked = moment - dt.timedelta(hours=rnd.choice([0, 9])) if rnd.random() < 0.2 else None
            page.append(Reading(line.iccid, told, cycle, rnd.choice([ON, ON, OFF, None]), asked_at=asked))
        if number == 30:
            assign(line_ids=[line.pk for line in theirs[:2]], holder=sub, by=OPERATOR)
        left_by = []
        for statement in (APPLY, APPLY_ORDINARY):
            with monkeypatch.context() as one, transaction.atomic():
                one.setattr(readings, "APPLY_ORDINARY", statement)
                applied = fleet.apply(kind, moment, page, wraps_at=wraps_at)
                left_by.append((applied, left()))
                transaction.set_rollback(statement == APPLY)
        assert left_by[0] == left_by[1], number
    books_hold()
    assert tried.count(APPLY_ORDINARY) > 50
    assert wraps_at or tried.count(APPLY) > 60  # with pages that were not ordinary after all
