"""The page of all lines that most calls ask for has a statement of its own: it says what the others say."""

from __future__ import annotations

import pytest
from django.db import connection
from kit import clock
from kit.paging import SIZE

from accounts.models import Account
from accounts.policy import OPERATOR, Role, rights
from accounts.queries import Caller
from lines.carriers.base import Switch
from lines.models import Line, LineState
from lines.policy import Status, Wanted, Why
from lines.queries import cards
from lines.queries.sought import Sought
from tests.fleets import Fleet


@pytest.mark.parametrize("is_subaccount", [False, True])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("place", [None, 3, 29])
@pytest.mark.parametrize("status_id", [None, *Status])
def test_it_has_the_lines_that_a_longer_page_begins_with(
    fleet: Fleet, account: Account, *, is_subaccount: bool, back: bool, place: int | None, status_id: int | None
) -> None:
    sub = fleet.account(parent=account)
    for number in range(62):
        fleet.line(sub if number % 2 else account, "simbase" if number % 3 else "iotportal")
    fleet.lines(fleet.account(), 3)
    states = Line.objects.order_by("iccid").values_list("pk", flat=True)
    for status, some in ((Wanted.DEACTIVATED, states[::5]), (Wanted.SUSPENDED, states[1::5])):
        LineState.objects.filter(line__in=list(some)).update(wanted=status, why=Why.PERSON)
    LineState.objects.filter(line__in=list(states[2::5])).update(wanted=Wanted.ACTIVE, why="", reported=Switch.ON)
    LineState.objects.filter(line__in=list(states[3::5])).update(wanted=Wanted.ACTIVE, why="", reported=None)
    viewer = Caller(sub if is_subaccount else account, OPERATOR, rights(Role.OWNER, is_subaccount=is_subaccount))
    iccids = sorted(Line.objects.filter(payer=account).values_list("iccid", flat=True))
    key = None if place is None else iccids[place]

    def page(limit: int) -> list[cards.PlacedCard]:
        return cards.cards_by_key(viewer, Sought(status_id), key, back, 0, limit, today=clock.today())

    found = page(SIZE + 1)
    assert found == page(SIZE + 2)[: SIZE + 1]
    assert found or (status_id and place == 3)
    assert status_id is None or {placed.card.status for placed in found} <= {status_id}


def test_no_name_of_a_line_becomes_sql(fleet: Fleet, account: Account) -> None:
    fleet.lines(account, 2)
    viewer = Caller(account, OPERATOR, rights(Role.OWNER, is_subaccount=False))
    with pytest.raises(ValueError, match="8"):
        cards.cards_by_key(viewer, Sought(), "8' OR true --", False, 0, SIZE + 1, today=clock.today())
    assert connection.is_usable()
