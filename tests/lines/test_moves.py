"""An account that comes from Keepgo: what would come, what came, and that its day of the move costs nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from kit.errors import Invalid

from accounts.models import Account, Membership
from accounts.policy import OPERATOR
from automation.commands.fires import fire
from automation.commands.rules import Draft, add_rule
from automation.policy import Action, Trigger
from automation.queries import due
from billing.models import AutoRefill, Entry, Payment
from billing.policy import RefillState
from lines.books import recompute_books
from lines.carriers.base import Reading, Status, Switch
from lines.commands import moves
from lines.commands.drives import claim_drives
from lines.commands.fees import charge_fees
from lines.commands.readings import apply_readings
from lines.commands.wishes import deactivate, enforce
from lines.models import Carrier, Drive, ImportedDay, Line, Move, MoveLine, RatePlan, Sighting
from lines.policy import Wanted, Why
from lines.queries.breakdown import By, Question, breakdown_of
from lines.queries.cards import cycles_of, days_in_cycle
from lines.queries.devices import destinations_of, statistics_of
from lines.queries.usage import usage_of
from lines.recount.audit import Found, Scope
from lines.work import moving
from tests.console.console_people import client_of
from tests.evenly import evenly
from tests.fleets import MB, Fleet, available, books_hold, days, state, used, wallet
from tests.keepgos import FakeKeepgo, Sim
from tests.lines.moved import (
    NOW,
    OFF,
    ON,
    READY,
    STOPPED,
    an_account,
    at_keepgo,
    keepgo_carrier,
    line,
    our_plan,
    run,
    stand_at,
    told,
)
from tests.worlds import operator

MONTH = dt.date(2026, 11, 1)


@pytest.fixture
def account(fleet: Fleet) -> Account:
    return an_account(fleet)


@pytest.fixture
def carrier(fleet: Fleet) -> Carrier:
    return keepgo_carrier()


@pytest.fixture
def plan(carrier: Carrier) -> RatePlan:
    return our_plan(carrier)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, plan: RatePlan) -> FakeKeepgo:
    return at_keepgo(monkeypatch)


def test_a_dry_run_says_what_would_come_and_changes_nothing(account: Account, there: FakeKeepgo) -> None:
    there.sims["8944538415800000052"] = Sim(plan="unheard of")
    said = run(account, "--dry-run", code=1)
    assert (said["lines"], said["to_import"], said["refused"]) == (5, 4, 1)
    assert said["rate_plans"] == {"theirs": "ours", "unheard of": ""}
    assert "unheard of" in said["refused_lines"][0]["why"]
    assert said["by_status"] == {"Activated": 1, "Deactivated": 1, "Suspended": 1, "Activation Ready": 1}
    assert said["new_subaccounts"] == ["Delta", "Empty"]
    assert (said["opening_balance"], said["payments"], said["paid"]) == ("40.000000", 2, "150.000000")
    assert not Move.objects.exists()
    assert not Line.objects.exists()
    assert all(call.startswith("GET") for call in there.calls)


def test_all_of_it_comes_and_its_past_costs_nothing(account: Account, there: FakeKeepgo) -> None:
    said = run(account)
    assert (said["imported"], said["waiting"]) == (4, 0)
    on, off, stopped, ready = (line(iccid) for iccid in (ON, OFF, STOPPED, READY))
    assert (on.notes, on.account, on.plan.name) == ("Van 7", account, "ours")
    assert off.account is not None
    assert (off.account.name, off.payer) == ("Delta", account)
    assert (state(on).wanted, state(on).reported) == (Wanted.ACTIVE, Switch.ON)
    assert (state(off).wanted, state(off).why, state(off).why_who) == (Wanted.DEACTIVATED, Why.PERSON, "Keepgo")
    assert (state(stopped).wanted, state(stopped).why) == (Wanted.SUSPENDED, Why.BALANCE)
    assert (state(ready).wanted, state(ready).reported) == (Wanted.ACTIVE, Switch.READY)
    assert (state(on).cycle, state(on).counter, state(on).baseline) == (MONTH, 12 * MB, 12 * MB)
    assert used(on) == 0
    history = {f"{one.day}": one.used for one in ImportedDay.objects.filter(line=on)}
    assert history == there.sims[ON].days
    seen = Sighting.objects.get(line=on)
    assert (seen.country, seen.used, seen.is_session, seen.account) == ("DE", MB, True, account)
    entry = Entry.objects.get(account=account)
    assert (entry.amount, available(account)) == (Decimal(40), Decimal(40))
    assert "2 payments there: $150.00" in entry.note
    assert books_hold()
    assert sorted(Account.objects.filter(parent=account).values_list("name", flat=True)) == ["Delta", "Empty"]
    move = Move.objects.get()
    assert move.payments_there == [[day, f"{Decimal(amount):.6f}"] for day, amount in there.payments]
    page = evenly(client_of(account).get("/billing/transactions/").content.decode())
    assert "They are not part of this balance." in page
    assert "2 payments, $150.00" in page
    assert available(account) == Decimal(40)


def test_a_keepgo_that_does_not_list_its_subaccounts_brings_those_with_lines(
    account: Account, there: FakeKeepgo
) -> None:
    there.subaccounts = None
    said = run(account, "--dry-run")
    assert said["new_subaccounts"] == ["Delta"]
    assert "doesn’t list its sub-accounts" in said["notes"][0]
    run(account)
    assert list(Account.objects.filter(parent=account).values_list("name", flat=True)) == ["Delta"]


def test_run_again_and_killed_in_the_middle_nothing_comes_twice(
    account: Account, there: FakeKeepgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BATCH", 1)
    real = moves.take_lines
    taken: list[int] = []

    def killed(**given: Any) -> int:
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(real(**given))
        return taken[-1]

    monkeypatch.setattr(moves, "take_lines", killed)
    with pytest.raises(KeyboardInterrupt):
        run(account)
    assert Line.objects.count() == 2
    monkeypatch.setattr(moves, "take_lines", real)
    for _ in range(2):
        assert run(account)["waiting"] == 0
    assert (Line.objects.count(), Move.objects.count(), MoveLine.objects.count()) == (4, 1, 4)
    assert ImportedDay.objects.count() == 4
    assert Sighting.objects.count() == 1
    assert [entry.amount for entry in Entry.objects.filter(account=account)] == [Decimal(40)]


def test_a_sim_without_an_answer_waits_for_the_next_run(account: Account, there: FakeKeepgo) -> None:
    there.fails_at = {OFF}
    assert run(account, code=1)["waiting"] == 1
    with pytest.raises(Invalid, match="not been imported yet"):
        moves.confirm_move(move=Move.objects.get(), by=OPERATOR)
    there.fails_at = set()
    assert run(account)["waiting"] == 0


def test_only_what_is_used_from_then_on_is_charged(
    account: Account, there: FakeKeepgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(account)
    told(ON, 13 * MB, "2026-11-20T18:00")
    stand_at(monkeypatch, "2026-11-21T12:00")
    told(ON, 15 * MB, "2026-11-21T12:00")
    assert days(line()) == {"2026-11-20": (MB, Decimal("0.01")), "2026-11-21": (2 * MB, Decimal("0.02"))}
    charge_fees(today=dt.date(2026, 11, 21))
    fees = {f"{row.day}": row.fee for row in line().days.all() if row.fee}
    assert fees == {"2026-11-21": Decimal("0.10")}, "the day of the move was paid at Keepgo"
    assert books_hold()
    found = recompute_books(scope=Scope(), found=Found())
    assert (found.line_days, found.differences) == (2, 0), found.first


def test_a_line_that_flashes_on_the_day_of_the_move_pays_no_fee_for_it(account: Account, there: FakeKeepgo) -> None:
    run(account)
    for counter, switch in ((12, Switch.OFF), (12, Switch.ON)):
        told(ON, counter * MB, "2026-11-20T18:00", switch=switch)
    charge_fees(today=dt.date(2026, 11, 20))
    assert available(account) == Decimal(40)
    assert books_hold()


@pytest.mark.parametrize("opening", ["1.500000", "40.000000"])
def test_a_red_balance_stops_no_line_before_the_move_is_confirmed(
    account: Account, there: FakeKeepgo, opening: str
) -> None:
    there.balance = opening
    run(account)
    enforce(account_ids=[account.pk])
    told(ON, 4000 * MB, "2026-11-20T18:00")  # with $40 it turns red now
    enforce(account_ids=[account.pk])
    assert wallet(account).is_red
    assert state(line()).wanted == Wanted.ACTIVE
    moves.confirm_move(move=Move.objects.get(), by=OPERATOR)
    assert (state(line()).wanted, state(line()).why) == (Wanted.SUSPENDED, Why.BALANCE)
    assert state(line(OFF)).why == Why.PERSON
    assert moves.confirm_move(move=Move.objects.get(), by=OPERATOR) == 0


def test_confirmed_with_money_what_keepgo_suspended_comes_back(account: Account, there: FakeKeepgo) -> None:
    run(account)
    said = run(account, "--confirm")
    assert said["confirmed"] == 4
    assert state(line(STOPPED)).wanted == Wanted.ACTIVE
    assert state(line(OFF)).wanted == Wanted.DEACTIVATED
    assert state(line(ON)).wanted == Wanted.ACTIVE


def test_a_rule_looks_at_the_lines_once_the_move_is_confirmed(account: Account, there: FakeKeepgo) -> None:
    run(account)
    draft = Draft(
        name="a megabyte", trigger=Trigger.USAGE, action=Action.DEACTIVATE, period="month", unit="mb", limit=Decimal(1)
    )
    add_rule(account=account, draft=draft, by=OPERATOR)
    told(ON, 100 * MB, "2026-11-20T18:00")
    today = dt.date(2026, 11, 20)
    assert due.usage_of_all(today=today) == []
    moves.confirm_move(move=Move.objects.get(), by=OPERATOR)
    found = due.usage_of_all(today=today)
    assert [one.line_id for one in found] == [line().pk]
    fire(found=found)
    assert state(line()).wanted == Wanted.DEACTIVATED


def test_the_carrier_keeps_its_state_but_for_what_is_ordered_here(
    account: Account, there: FakeKeepgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(account)
    told(STOPPED, 0, "2026-11-20T18:00", switch=Switch.ON)  # its balance there recovered
    told(ON, 12 * MB, "2026-11-20T18:00", switch=Switch.OFF)  # somebody switched it off there
    assert Drive.objects.count() >= 2
    assert claim_drives(carrier=line().carrier, limit=10) == []
    stand_at(monkeypatch, "2026-11-20T19:00")
    deactivate(line=line(STOPPED), by=OPERATOR)
    assert [one.iccid for one in claim_drives(carrier=line().carrier, limit=10)] == [STOPPED]
    moves.confirm_move(move=Move.objects.get(), by=OPERATOR)
    assert state(line(ON)).wanted == Wanted.DEACTIVATED, "as its carrier has it"
    assert state(line(STOPPED)).wanted == Wanted.DEACTIVATED, "as it was ordered"


def test_auto_refill_waits_for_the_move(account: Account, there: FakeKeepgo) -> None:
    AutoRefill.objects.create(
        account=account, state=RefillState.ON, amount=Decimal(50), fixed_on=NOW.date(), ceiling=Decimal(200)
    )
    run(account)
    refill = AutoRefill.objects.get(account=account)
    assert refill.state == RefillState.PAUSED
    assert "Keepgo" in refill.why_paused
    told(ON, 4000 * MB, "2026-11-20T18:00")
    assert not Payment.objects.exists()


def test_a_line_of_another_account_is_named_and_left(account: Account, fleet: Fleet, there: FakeKeepgo) -> None:
    run(account)
    said = run(fleet.account(credit="0"), "--dry-run", code=1)
    assert said["to_import"] == 0
    assert {one["why"] for one in said["refused_lines"]} == {"Another account has this SIM"}


def test_sims_that_were_in_inventory_come_too(
    account: Account, plan: RatePlan, there: FakeKeepgo, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text(f"iccid\n{ON}\n")
    operator("import_lines", file, "--carrier", "keepgo", "--rate-plan", plan.name, "--unchecked")
    assert run(account)["imported"] == 4
    assert (line().payer, state(line()).baseline) == (account, 12 * MB)


def test_a_file_brings_lines_whose_next_reading_is_their_baseline(
    account: Account, there: FakeKeepgo, tmp_path: Path
) -> None:
    file = tmp_path / "lines.csv"
    file.write_bytes(
        f"sep=;\nSIM;Tarif;Notiz;Status;Sub-account\n{ON}F;theirs;Köln;Activated;\n{OFF};theirs;;Deactivated;Delta\n"
        f'="{ON}";theirs;;Activated;\n123;theirs;;Activated;\n'.encode("cp1252")
    )
    said = run(account, "--file", str(file), code=1)
    assert said["refused_lines"][0]["why"] == "The list has this SIM twice"
    assert (said["imported"], said["opening_balance"]) == (2, None)
    assert line().notes == "Köln"
    assert claim_drives(carrier=line().carrier, limit=10) == []
    with pytest.raises(Invalid, match="the status of 2 lines"):
        moves.confirm_move(move=Move.objects.get(), by=OPERATOR)
    told(ON, 9 * MB, "2026-11-20T18:00")
    told(ON, 10 * MB, "2026-11-20T19:00")
    assert used(line()) == MB
    assert books_hold()


def test_a_file_without_statuses_switches_nothing_off(account: Account, there: FakeKeepgo, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(f"iccid,rate plan\n{ON},theirs\n{READY},theirs\n")
    run(account, "--file", str(file))
    told(ON, 9 * MB, "2026-11-20T18:00")
    word = Reading(READY, 0, dt.date(2026, 11, 1), Status(None, "Hibernating"))
    at = dt.datetime(2026, 11, 20, 18, tzinfo=dt.UTC)
    apply_readings(carrier=line().carrier, readings=[word], read_at=at, has_finals=True)
    operator("credit", account.uuid.hex, "20", "--note", "a start")
    moves.confirm_move(move=Move.objects.get(), by=OPERATOR)
    assert state(line()).wanted == Wanted.ACTIVE
    assert claim_drives(carrier=line().carrier, limit=10) == []


def test_what_it_used_there_stands_in_its_pages(account: Account, there: FakeKeepgo) -> None:
    run(account)
    told(ON, 13 * MB, "2026-11-20T18:00")
    viewer = Membership.objects.select_related("account").get(account=account, role="owner")
    today = dt.date(2026, 11, 20)
    usage = usage_of(viewer, ON, cycle=MONTH, today=today)
    assert (usage.days[-1].used, usage.days[-1].cost) == (8 * MB, Decimal("0.01"))
    assert usage.days[-2].used == 5 * MB
    assert {month.start.month: month.used for month in usage.months if month.used} == {9: MB, 11: 13 * MB}
    assert days_in_cycle(viewer, line(), MONTH) == {today: 8 * MB, dt.date(2026, 11, 19): 5 * MB}
    assert cycles_of(viewer, line(), today=today) == [MONTH, dt.date(2026, 9, 1)]
    assert statistics_of(viewer, line(), MONTH, today=today)[-1].used == 8 * MB
    assert [(one.country, one.used) for one in destinations_of(viewer, line(), MONTH)] == [("", 12 * MB), ("DE", MB)]
    for by in (By.PLAN, By.LINE):
        found = breakdown_of(viewer, Question(by=by, first=MONTH, last=today))
        assert (found.total.used, found.total.cost) == (13 * MB, Decimal("0.01"))
