"""What carriers say that lines cost the operator: asked for once a month, compared, settled, seen by nobody else."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from kit import clock
from kit.errors import Invalid

from accounts.models import Event, User
from accounts.policy import OPERATOR
from lines.carriers.base import Billed, CarrierFailure, Funds, Part, Refused, Unreachable
from lines.commands import costs
from lines.commands.funds import keep_funds
from lines.commands.prices import Tariff, know_cost
from lines.models import CarrierCost, CarrierHealth, Line, Price
from lines.work import billed
from tests.evenly import evenly
from tests.fleets import MB, Fleet, at, books_hold
from tests.proofs import log_in, with_factor

OCTOBER = dt.date(2026, 10, 1)
DESK = "/back-office/lines/carriercost/"


class Says:
    """A carrier that says of each SIM what it was told to."""

    def __init__(self) -> None:
        self.bills: dict[str, Billed | CarrierFailure] = {}

    def get_bill(self, iccid: str, month: dt.date, *, now: dt.datetime) -> Billed:
        assert month == OCTOBER
        found = self.bills[iccid]
        if isinstance(found, CarrierFailure):
            raise found
        return found


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Says:
    says = Says()
    monkeypatch.setattr(billed, "client_for", lambda *_, **__: says)
    return says


def bill(parts: Mapping[Part, str], used: int, currency: str = "") -> Billed:
    return Billed({part: Decimal(amount) for part, amount in parts.items()}, currency, used)


def ask(fleet: Fleet, when: str) -> int:
    simbase = fleet.carriers["simbase"]
    CarrierHealth.objects.get_or_create(carrier=simbase)
    with clock.frozen(at(when)):
        costs.plan_costs(carrier=simbase)
        return billed.read_costs(simbase, patience=1.0, stop=lambda: False)


def rows() -> dict[str, tuple[Any, ...]]:
    found = CarrierCost.objects.select_related("line")
    return {row.line.iccid: (row.state, row.theirs, row.ours, row.used_there, row.used_here) for row in found}


@pytest.fixture
def lines(fleet: Fleet, carrier: Says) -> list[Line]:
    """Three lines that used 40 MB in October on two days, at 0.004 a MB and 0.01 a day that the carrier takes."""
    know_cost(
        price_id=Price.objects.get(plan=fleet.plans["simbase"]).pk,
        cost=Tariff(Decimal("0.004"), Decimal("0.02"), Decimal("0.01")),
        by=OPERATOR,
    )
    with clock.frozen(at("2026-10-02T08:00")):
        keep_funds(carrier=fleet.carriers["simbase"], funds=Funds(Decimal(9), "USD"))
    made = fleet.lines(fleet.account(), 3)
    for line in made:
        fleet.read(line, "2026-10-02T08:00", 0)
        fleet.read(line, "2026-10-02T18:00", 10 * MB)
        fleet.read(line, "2026-10-20T18:00", 40 * MB)
        whole = {Part.DATA: "0.16", Part.SMS: "0", Part.DAYS: "0.02"}
        carrier.bills[line.iccid] = bill(whole, 40 * MB)
    return made


def test_a_finished_month_is_asked_for_three_days_after_its_end_and_compared_to_the_cent(
    fleet: Fleet, carrier: Says, lines: list[Line]
) -> None:
    more, foreign = lines[1].iccid, lines[2].iccid
    carrier.bills[more] = bill({Part.DATA: "0.1600", Part.DAYS: "0.30"}, 40 * MB)
    carrier.bills[foreign] = bill({Part.DATA: "0.16"}, 40 * MB, "EUR")
    assert ask(fleet, "2026-11-03T23:59") == 0
    assert ask(fleet, "2026-11-04T00:00") == 3
    assert ask(fleet, "2026-11-20T00:00") == 0
    ours, used = Decimal("0.18"), 40 * MB
    assert rows() == {
        lines[0].iccid: ("agrees", ours, ours, used, used),
        more: ("differs", Decimal("0.46"), ours, used, used),
        foreign: ("not", Decimal("0.16"), Decimal("0.16"), used, used),
    }
    assert books_hold()


def test_what_is_not_told_waits_and_what_is_refused_is_not_asked_again(
    fleet: Fleet, carrier: Says, lines: list[Line]
) -> None:
    late, never = lines[0].iccid, lines[1].iccid
    told = carrier.bills[late]
    carrier.bills[late] = Unreachable("not billed yet", retry_after=86_400)
    carrier.bills[never] = Refused("It tells no costs.")
    assert ask(fleet, "2026-11-04T00:00") == 1
    assert {iccid: row[0] for iccid, row in rows().items()} == {late: "waits", never: "not", lines[2].iccid: "agrees"}
    carrier.bills[late] = told
    assert ask(fleet, "2026-11-04T23:00") == 0
    assert ask(fleet, "2026-11-05T01:00") == 1
    assert rows()[late][0] == "agrees"


def test_a_plan_without_costs_compares_nothing(fleet: Fleet, carrier: Says) -> None:
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-10-02T08:00", 0)
    fleet.read(line, "2026-10-02T18:00", MB)
    carrier.bills[line.iccid] = bill({Part.DATA: "0.16"}, MB, "USD")
    ask(fleet, "2026-11-04T00:00")
    assert rows() == {line.iccid: ("not", Decimal("0.16"), None, MB, MB)}


def test_a_difference_is_settled_at_its_desk_and_no_customer_sees_it(
    fleet: Fleet, carrier: Says, lines: list[Line], admin_user: User
) -> None:
    first = lines[0]
    carrier.bills[first.iccid] = bill({Part.DATA: "71234.5678"}, 40 * MB)
    ask(fleet, "2026-11-04T00:00")
    row = CarrierCost.objects.get(line=first)
    office = log_in(Client(), with_factor(admin_user), proved=("password", "mfa"))
    page = office.get(DESK).content.decode()
    assert (first.iccid in page, lines[1].iccid in page, "+71,234.4078" in page) == (True, False, True)
    assert "Months whose cost the carrier tells otherwise: <strong" in evenly(
        office.get("/back-office/").content.decode()
    )
    with pytest.raises(Invalid, match="Say what it was"):
        costs.settle_cost(cost_id=row.pk, note=" ", by=OPERATOR)
    answer = office.post(f"{DESK}{row.pk}/settle/", {"note": "a fixed address"})
    assert [str(one) for one in get_messages(answer.wsgi_request)] == ["Difference settled."]
    row.refresh_from_db()
    assert (row.state, row.note, row.settled_by) == ("settled", "a fixed address", admin_user.email)
    for again in (costs.ask_cost_again, lambda **given: costs.settle_cost(note="x", **given)):
        with pytest.raises(Invalid, match="settled it already"):
            again(cost_id=row.pk, by=OPERATOR)
    assert Event.objects.filter(verb="cost.settled", actor_name=admin_user.email).count() == 1
    other = CarrierCost.objects.get(line=lines[1])
    assert office.post(f"{DESK}{other.pk}/again/").status_code == 302
    assert ask(fleet, "2026-11-20T00:00") == 1
    customer = Client()
    customer.force_login(first.account.memberships.get().user)  # type: ignore[union-attr]
    for path in (f"/lines/{first.iccid}/", f"/lines/{first.iccid}/settings/", "/usage/"):
        assert not re.search("71,?234", evenly(customer.get(path).content.decode()))
