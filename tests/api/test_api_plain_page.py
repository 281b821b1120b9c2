"""The page of all lines that most calls ask for has a statement of its own: it says what the others say."""

from __future__ import annotations

import pytest
from django.db import connection
from fleets import Fleet
from kit import clock
from kit.paging import SIZE

from accounts.models import Account
from accounts.policy import OPERATOR, Role, rights
from accounts.queries import Caller
from lines.queries import cards
from lines.queries.sought import Sought


@pytest.mark.parametrize("is_subaccount", [False, True])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("place", [None, 3, 29])
def test_it_has_the_lines_that_a_longer_page_begins_with(
    fleet: Fleet, account: Account, *, is_subaccount: bool, back: bool, place: int | None
) -> None:
    sub = fleet.account(parent=account)
    for number in range(62):
        fleet.line(sub if number % 2 else account, "simbase" if number % 3 else "iotportal")
    fleet.lines(fleet.account(), 3)
    viewer = Caller(sub if is_subaccount else account, OPERATOR, rights(Role.OWNER, is_subaccount=is_subaccount))
    iccids = sorted(cards.Line.objects.filter(payer=account).values_list("iccid", flat=True))
    key = None if place is None else iccids[place]

    def page(limit: int) -> list[cards.PlacedCard]:
        return cards.cards_by_key(viewer, Sought(), key, back, 0, limit, today=clock.today())

    found = page(SIZE + 1)
    assert found == page(SIZE + 2)[: SIZE + 1]
    assert found


def test_no_name_of_a_line_becomes_sql(fleet: Fleet, account: Account) -> None:
    fleet.lines(account, 2)
    viewer = Caller(account, OPERATOR, rights(Role.OWNER, is_subaccount=False))
    with pytest.raises(ValueError, match="8"):
        cards.cards_by_key(viewer, Sought(), "8' OR true --", False, 0, SIZE + 1, today=clock.today())
    assert connection.is_usable()
