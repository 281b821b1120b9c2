"""A carrier's cycle day that changes: everybody who says "this cycle" means the one that readings are counted in."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any

from django.db import connection
from kit import clock

from accounts.models import Membership
from accounts.policy import OPERATOR
from lines.commands.fees import charge_fees
from lines.commands.tuning import tune_carrier
from lines.counting import Turns, cycle_of, cycle_sql, cycles_around, next_cycle_sql
from lines.models import LineDay, Price
from lines.queries import Asked, fleet_of, line_of, list_lines, top_lines
from lines.queries.cards import card_of, cycles_of
from lines.recount.calendars import Calendar, Turn, midnight
from tests.fleets import MB, Fleet, at, books_hold

DAY = dt.timedelta(days=1)


def _drawn(draw: Random) -> tuple[dt.date, Turns, Calendar]:
    """A day around a change of the cycle day, that was decided so that the open cycle goes on until the next one."""
    decided = dt.date(2026, 1, 1) + draw.randrange(700) * DAY
    before, after = draw.randint(1, 28), draw.randint(1, 28)
    open_since = cycle_of(decided, Turns(before))
    since = cycles_around(decided, Turns(after)).following
    calendar = Calendar((Turn(before), Turn(after, midnight(decided), since)))
    return decided + draw.randint(-80, 120) * DAY, Turns(after, since, open_since), calendar


def test_python_the_database_and_the_second_books_mean_the_same_cycle(db: None) -> None:
    draw = Random(7)
    cases = [_drawn(draw) for _ in range(2000)] + [
        (dt.date(2026, 1, 1) + draw.randrange(700) * DAY, Turns(draw.randint(1, 28)), Calendar((Turn(1),)))
        for _ in range(200)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {cycle_sql('c.day', 'c')}, {next_cycle_sql('c.day', 'c')} FROM unnest(%s::date[], %s::int[],"
            " %s::date[], %s::date[]) WITH ORDINALITY"
            " AS c (day, cycle_day, cycle_since, cycle_before, nth) ORDER BY nth",
            [
                [day for day, _, _ in cases],
                [turns.day for _, turns, _ in cases],
                [turns.since for _, turns, _ in cases],
                [turns.before for _, turns, _ in cases],
            ],
        )
        said = cursor.fetchall()
    for (day, turns, calendar), (start, following) in zip(cases, said, strict=True):
        around = cycles_around(day, turns)
        assert (start, following) == (cycle_of(day, turns), around.following) == (around.running, around.following)
        assert around.running <= day < around.following
        if turns.since is not None and day >= turns.since - 28 * DAY:  # since it was decided
            assert calendar.of(midnight(day)) == start


def test_pages_and_fees_follow_a_cycle_day_that_has_changed(fleet: Fleet) -> None:
    """From the 1st to the 15th on 20 November: the cycle of 1 November is open until 14 December."""
    Price.objects.create(
        plan=fleet.plans["iotportal"], valid_from=at("2026-11-01T00:00"), per_mb=1, per_day=Decimal("0.25")
    )
    account = fleet.account()
    line = fleet.line(account, "iotportal")
    fleet.read(line, "2026-11-10T08:00", 0)
    with clock.frozen(at("2026-11-20T12:00")):
        fleet.carriers["iotportal"] = tune_carrier(carrier=fleet.carriers["iotportal"], cycle_day=15, by=OPERATOR)
    viewer = Membership.objects.get(account=account)
    november = dt.date(2026, 11, 1)
    for when, used in (("2026-11-21T09:00", 30), ("2026-12-02T09:00", 70), ("2026-12-14T23:59", 70)):
        fleet.read(line, when, used * MB)
        with clock.frozen(at(when)):
            today = clock.today()
            charge_fees(today=today)
            line.refresh_from_db()
            card = card_of(viewer, line.iccid, today=today)
            assert card is not None
            assert (card.cycle_start, line.carrier.cycle_of(today)) == (november, november)
            seen: list[Any] = [
                list_lines(viewer, Asked(), today=today).rows[0],
                line_of(viewer, line.iccid, today=today),
                card,
            ]
            seen += [top_lines(viewer, today=today)[0], fleet_of(viewer, today=today)]
            assert [one.month_bytes for one in seen if one] == [used * MB] * 5
            assert cycles_of(viewer, line, today=today) == [november]
    assert set(LineDay.objects.values_list("cycle", flat=True)) == {november}
    assert books_hold()
