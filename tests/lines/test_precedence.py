"""Who wins over whom about a line: each row of the table, asked by the command that acts on it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import pytest
from kit import clock
from kit.errors import Refusal

from accounts.models import Account, Event
from accounts.policy import OPERATOR, Actor, ActorKind
from billing.commands import adjust
from billing.commands.wallets import credit_wallet, open_wallet
from billing.models import Wallet
from lines.commands import capping, caps, holders, holds, wishes
from lines.commands.caps import Draft
from lines.models import Cap, Line, LineState
from lines.policy import MEGABYTE, Wanted
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit, Counted
from lines.policy.precedence import (
    DATE_AFTER,
    PRECEDENCE,
    DateAfter,
    Request,
    Result,
    Standing,
    drawn,
    leads_to,
    settled,
    standing_of,
    wish_of,
)
from lines.queries.caps import Due
from tests.fleets import Fleet, at, state

MIA = Actor(ActorKind.PERSON, "mia@acme.example")
RULE = Actor(ActorKind.RULE, "512 MB a day")
CONTRACT_END = dt.date(2026, 12, 31)
DOCS = Path(__file__).resolve().parents[2] / "docs/precedence.md"


def test_the_table_is_total_and_each_cell_leads_somewhere() -> None:
    assert set(PRECEDENCE) == {(standing, request) for standing in Standing for request in Request}
    assert set(DATE_AFTER) == set(Request)
    for request in Request:
        by_result = [leads_to(request, result) for result in Result]
        assert sorted(standing for found in by_result for standing in found) == sorted(Standing)
    for standing in Standing:
        wanted, why = wish_of(standing)
        assert standing_of(wanted, why.value if why else "") is standing


def test_no_request_but_a_persons_lifts_what_a_person_wants_off() -> None:
    persons = {Request.ACTIVATE, Request.HOLDER_ACTIVATES}
    for request in set(Request) - persons:
        assert PRECEDENCE[Standing.PERSON, request] in (Result.STAYS, Result.REFUSED)
    assert {request for request in Request if DATE_AFTER[request] is not DateAfter.KEPT} == {
        Request.ACTIVATE,
        Request.DEACTIVATE_NEXT_DAY,
        Request.DEACTIVATE,
        Request.SET_DATE,
        Request.REMOVE_DATE,
        Request.DATE_COMES,
    }


def test_the_docs_show_the_table_itself() -> None:
    text = DOCS.read_text()
    begin, end = "<!-- the table of lines/policy/precedence.py -->\n\n", "\n<!-- end -->"
    assert text[text.index(begin) + len(begin) : text.index(end)] == drawn()


class Place:
    """A sub-account's line in a standing, and what can be asked of it."""

    def __init__(self, fleet: Fleet, standing: Standing, *, dated: bool = True) -> None:
        self.payer = fleet.account(credit="100")
        self.holder = fleet.account(parent=self.payer)
        self.line = fleet.line(self.holder, active=standing is not Standing.NEW)
        # The payer's balance and the sub-account are made to fit the reason only where they are the reason.
        if standing is Standing.BALANCE:
            self.money("-200")
        elif standing is Standing.WALLET:
            self.wallet("-1")
        elif standing is Standing.CAP:
            self.cap_full()
        elif standing is Standing.SUBACCOUNT:
            self.switch(on=False)
        elif standing is Standing.RULE:
            holds.hold_lines(line_ids=[self.line.pk], by=RULE)
        elif standing is Standing.PERSON:
            wishes.deactivate(line=self.line, by=MIA)
        elif standing is Standing.CARRIER:
            LineState.objects.filter(pk=self.line.pk).update(wanted=Wanted.DEACTIVATED, why="carrier")
        if dated:
            Line.objects.filter(pk=self.line.pk).update(deactivation_date=CONTRACT_END, deactivation_by=MIA.name)
        assert self.standing is standing

    @property
    def standing(self) -> Standing:
        found = state(self.line)
        return standing_of(found.wanted, found.why)

    @property
    def date(self) -> dt.date | None:
        return Line.objects.get(pk=self.line.pk).deactivation_date

    def money(self, amount: str) -> None:
        adjust(account=self.payer, amount=Decimal(amount), reason="a test", by=OPERATOR)
        wishes.enforce(account_ids=[self.payer.pk])

    def wallet(self, amount: str) -> None:
        """Its sub-account pays later, with a limit of 0."""
        open_wallet(subaccount=self.holder, credit_limit=Decimal(0), by=OPERATOR)
        key = uuid.uuid4().hex
        credit_wallet(subaccount=self.holder, amount=Decimal(amount), note="a test", key=key, by=OPERATOR)
        wishes.enforce(account_ids=[self.holder.pk])

    def switch(self, *, on: bool) -> None:
        Account.objects.filter(pk=self.holder.pk).update(is_active=on)
        holders.follow_holder(holder=Account.objects.get(pk=self.holder.pk))

    def free(self) -> None:
        """Nothing but the reason itself holds it: what lets lines run does, as far as the standing leaves it."""
        if self.standing is Standing.BALANCE:  # it is brought back in the test of the balance alone
            adjust(account=self.payer, amount=Decimal(400), reason="a test", by=OPERATOR)
        if self.standing is Standing.WALLET:
            key = uuid.uuid4().hex
            credit_wallet(subaccount=self.holder, amount=Decimal(50), note="a test", key=key, by=OPERATOR)
            Wallet.objects.filter(pk=self.holder.pk).update(is_red=False)
        Cap.objects.filter(account=self.payer).update(full_until=None)
        Account.objects.filter(pk=self.holder.pk).update(is_active=True)

    def lock(self) -> None:
        states = list(LineState.objects.filter(pk=self.line.pk, wanted=Wanted.ACTIVE).select_related("line"))
        wishes.set_many(states=states, request=Request.CARRIER_LOCKS, to=Standing.CARRIER, by=OPERATOR)

    def red(self) -> None:
        self.money("-500")

    def back(self) -> None:
        self.money("-500")
        self.money("1000")

    def wallet_red(self) -> None:
        self.wallet("-100")

    def wallet_back(self) -> None:
        self.wallet("-100")
        self.wallet("500")

    def cap_full(self) -> None:
        """Its sub-account has used what its cap allows."""
        draft = Draft(CapKind.SUBACCOUNT, CapUnit.MB, CapPeriod.MONTH, Decimal(1), CapAction.STOP, holder=self.holder)
        self.cap = caps.add_cap(account=self.payer, draft=draft, by=MIA)
        counted = Counted(used=2 * MEGABYTE, cost=Decimal(0), sms=Decimal(0), held_used=0, held_cost=Decimal(0))
        with patch("lines.commands.capping.count", lambda due, today: {self.cap.pk: counted}):
            capping.count_caps(
                payer_id=self.payer.pk,
                due=[Due(self.cap.pk, self.payer.pk, "", clock.today().replace(day=1))],
                today=clock.today(),
            )

    def cap_opens(self) -> None:
        found = Cap.objects.filter(account=self.payer).first()
        if found is None:
            self.cap_full()
            found = self.cap
        caps.delete_cap(cap=found, by=MIA)

    def date_comes(self) -> None:
        with clock.frozen(at("2026-12-31T00:00:04")):
            wishes.deactivate_due(today=CONTRACT_END)


ASK: dict[Request, Callable[[Place], object]] = {
    Request.ACTIVATE: lambda at: wishes.activate(line=at.line, by=MIA),
    Request.HOLDER_ACTIVATES: lambda at: wishes.activate(line=at.line, by=MIA, by_holder=True),
    Request.DEACTIVATE_NEXT_DAY: lambda at: wishes.deactivate_next_day(line=at.line, by=MIA),
    Request.DEACTIVATE: lambda at: wishes.deactivate(line=at.line, by=MIA),
    Request.SET_DATE: lambda at: wishes.deactivate_on(line=at.line, date=dt.date(2026, 12, 24), by=MIA),
    Request.REMOVE_DATE: lambda at: wishes.keep_active(line=at.line, by=MIA),
    Request.DATE_COMES: Place.date_comes,
    Request.RULE_HOLDS: lambda at: holds.hold_lines(line_ids=[at.line.pk], by=RULE),
    Request.RULE_RETURNS: lambda at: holds.give_back_lines(line_ids=[at.line.pk], by=RULE),
    Request.BALANCE_RED: Place.red,
    Request.BALANCE_BACK: Place.back,
    Request.WALLET_RED: Place.wallet_red,
    Request.WALLET_BACK: Place.wallet_back,
    Request.CAP_FULL: Place.cap_full,
    Request.CAP_OPENS: Place.cap_opens,
    Request.HOLDER_OFF: lambda at: at.switch(on=False),
    Request.HOLDER_ON: lambda at: at.switch(on=True),
    Request.CARRIER_LOCKS: Place.lock,
}


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("request_", Request)
def test_a_command_does_what_its_row_says(fleet: Fleet, request_: Request, standing: Standing) -> None:
    place = Place(fleet, standing)
    result = PRECEDENCE[standing, request_]
    if result is Result.ON and request_ in (Request.ACTIVATE, Request.HOLDER_ACTIVATES):
        place.free()
    refused = False
    try:
        ASK[request_](place)
    except Refusal:
        refused = True
    assert refused is (result is Result.REFUSED)
    expected = settled(result, is_red=False, holder_off=False) or standing
    assert place.standing is expected
    after = (
        CONTRACT_END
        if refused
        else {
            DateAfter.KEPT: CONTRACT_END,
            DateAfter.REMOVED: None,
            DateAfter.REPLACED: {
                Result.DATED: dt.date(2026, 12, 24) if request_ is Request.SET_DATE else wishes.next_day()
            }.get(result),
        }[DATE_AFTER[request_]]
    )
    assert place.date == after


def test_what_lets_a_line_run_holds_it_where_it_does_not(fleet: Fleet) -> None:
    """A rule gives back a line whose balance is red, and one whose sub-account is off: they come back with those."""
    poor, off = Place(fleet, Standing.RULE), Place(fleet, Standing.RULE)
    poor.money("-500")
    off.switch(on=False)
    for place, waits in ((poor, Standing.BALANCE), (off, Standing.SUBACCOUNT)):
        holds.give_back_lines(line_ids=[place.line.pk], by=RULE)
        assert (place.standing, place.date) == (waits, CONTRACT_END)
    poor.money("1000")
    off.switch(on=True)
    assert {poor.standing, off.standing} == {Standing.ON}


def test_a_person_says_stay_off_of_a_line_that_a_rule_holds(fleet: Fleet) -> None:
    place = Place(fleet, Standing.RULE, dated=False)
    wishes.deactivate_next_day(line=place.line, by=MIA)
    wishes.deactivate_lines_next_day(line_ids=[place.line.pk], by=MIA)  # the second click
    assert holds.give_back_lines(line_ids=[place.line.pk], by=RULE).left == [place.line.pk]
    found = state(place.line)
    assert (found.wanted, found.why, found.why_who) == (Wanted.DEACTIVATED, "person", MIA.name)


def test_a_date_that_is_taken_away_is_said_and_a_second_click_says_nothing_new(fleet: Fleet) -> None:
    place = Place(fleet, Standing.ON)
    for _ in range(2):
        wishes.activate(line=place.line, by=MIA)
    event = Event.objects.get(verb="line.deactivation_date_removed")
    assert event.detail == {"before": "2026-12-31", "after": None}
    assert not Event.objects.filter(verb="line.activated").exists()


def test_a_later_date_is_brought_forward_by_deactivate_tomorrow(fleet: Fleet) -> None:
    place = Place(fleet, Standing.ON)
    wishes.deactivate_next_day(line=place.line, by=MIA)
    assert place.date == wishes.next_day()
