"""What goes back and forth is one mail an hour, with its last state; whatever has gone by itself is not mailed."""

from __future__ import annotations

import ast
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from billing.commands import Charge, adjust, charge_usage, lock_wallets, refills
from billing.commands.notices import claim_notice, save_posted, take_back, tell, tell_low
from billing.models import AutoRefill, Notice
from billing.policy import RefillNews, RefillState
from billing.words import Told
from lines.commands.held import _tell_owners
from lines.models import HeldMovement
from lines.policy import Hold
from tests.fleets import Fleet

OURS = Path(__file__).parents[2]
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)

# Who mails without `about`, and why it does not go back and forth.
ONCE = {
    "cards._warn": "30 and 7 days before one card expires, once each",
    "guard.leave_alone": "once a day, and not before the next does a rule touch the line again",
    "orders.answer_order": "one order",
    "payments._credit": "one payment",
    "payments._tell_refill": "one charge, which its owner confirms within minutes",
    "refills.fix_amount": "once a month",
    "reversals.reverse": "one payment",
    "reversals.reverse_again": "one payment",
    "reversals.undo_reversal": "one payment",
    "sms.sms_doubted": "one message",
    "telling.tell_of": "gathered for a quarter of an hour by the rule itself",
}


@pytest.fixture
def account(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("LINEKEEPER_NOW", NOON.isoformat())
    return fleet.account(credit="45")


def at(monkeypatch: pytest.MonkeyPatch, minute: int) -> None:
    monkeypatch.setenv("LINEKEEPER_NOW", (NOON + dt.timedelta(minutes=minute)).isoformat())


def mailed() -> list[str]:
    found = []
    while (notice := claim_notice()) is not None:
        notice.mailed_at = clock.now()
        save_posted(notice=notice, fields=["mailed_at"])
        found.append(notice.text)
    return found


def say(account: Account, text: str, *, key: str = "", about: str = "x") -> bool:
    return tell(account_id=account.pk, key=key or f"{about}:{clock.now()}", told=Told(text, text), about=about)


def test_the_first_is_told_at_once_and_the_hour_after_it_is_one_mail(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[list[str]] = []
    for minute, text in (
        (0, "bad"),
        (10, "good"),
        (20, "bad"),
        (59, "good"),
        (60, ""),
        (61, "bad"),
        (119, ""),
        (120, ""),
    ):
        at(monkeypatch, minute)
        if text:
            say(account, text)
        said.append([text.splitlines()[0] for text in mailed()])
    assert said == [["bad"], [], [], [], ["good"], [], [], ["bad"]]
    at(monkeypatch, 240)
    say(account, "good")
    assert mailed() == ["good"]  # after a quiet hour at once, and without a word of several


def test_each_thing_has_an_hour_of_its_own(account: Account, fleet: Fleet) -> None:
    other = fleet.account()
    for who, about in ((account, "x"), (account, "y"), (other, "x")):
        say(who, f"{who.pk} {about}", about=about, key=f"{who.pk}{about}")
    assert len(mailed()) == 3


def test_the_same_key_is_told_once_whatever_comes_between(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    assert say(account, "no answer", key="turn 1")
    assert not say(account, "no answer", key="turn 1")
    at(monkeypatch, 5)
    assert say(account, "paused", key="pause 1")
    assert not say(account, "paused", key="pause 1")
    assert say(account, "no answer", key="turn 1")  # the last state, though it was told before
    assert Notice.objects.count() == 2
    at(monkeypatch, 60)
    assert [text.splitlines()[0] for text in mailed()] == ["no answer", "no answer"]
    assert not say(account, "no answer", key="turn 1")


def test_what_a_worker_is_sending_is_not_changed_under_it(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    say(account, "bad")
    assert len(mailed()) == 1
    at(monkeypatch, 30)
    say(account, "good")
    at(monkeypatch, 60)
    taken = claim_notice()
    assert taken is not None
    say(account, "bad again")
    take_back(account_id=account.pk, about="x")
    taken.refresh_from_db()
    assert taken.text == "good"
    assert Notice.objects.count() == 2  # the next one waited for its hour, and has gone by itself


def spend(account: Account, amount: str) -> None:
    with transaction.atomic():
        lock_wallets(account_ids=[account.pk])
        charge_usage(charges=[Charge(account.pk, clock.today() - dt.timedelta(days=2), Decimal(amount))])


def test_a_low_balance_that_recovers_within_the_hour_is_not_told_of_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend(account, "35")
    assert tell_low(today=clock.today()) == 1
    assert len(mailed()) == 1
    for minute, amount in ((10, "100"), (20, "-100"), (30, "100"), (40, "-100")):
        at(monkeypatch, minute)
        adjust(account=account, amount=Decimal(amount), reason="a test", by=OPERATOR)
        tell_low(today=clock.today())
    at(monkeypatch, 50)
    adjust(account=account, amount=Decimal(100), reason="a test", by=OPERATOR)
    tell_low(today=clock.today())
    at(monkeypatch, 60)
    assert mailed() == []


def test_auto_refill_that_pauses_and_goes_on_is_one_mail_an_hour(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    AutoRefill.objects.create(account=account, state=RefillState.ON, amount=50, ceiling=200, fixed_on=clock.today())

    def pause(minute: int) -> None:
        at(monkeypatch, minute)
        with transaction.atomic():
            refills.pause(account_id=account.pk, key=f"dispute {minute}", why=f"of dispute {minute}")

    def on(minute: int) -> None:
        at(monkeypatch, minute)
        with transaction.atomic():
            refills.news(refill=AutoRefill.objects.get(pk=account.pk), happened=RefillNews.TURNED_ON)

    pause(0)
    assert len(mailed()) == 1
    on(10)
    pause(20)
    on(30)
    assert not Notice.objects.filter(mailed_at=None).exists()  # it runs: there is nothing to say
    pause(40)
    at(monkeypatch, 59)
    assert mailed() == []
    at(monkeypatch, 60)
    (text,) = mailed()
    assert "of dispute 40" in text


def test_usage_that_is_held_again_and_again_is_one_mail_an_hour(
    account: Account, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = fleet.lines(account, 2)
    for minute in (0, 5, 10):
        at(monkeypatch, minute)
        for line in lines:
            row = HeldMovement(line=line, payer=account, bytes=10**11 + minute * 2**20, state=Hold.HELD)
            _tell_owners([row], minute * 10 + line.pk)
    assert len(mailed()) == 2  # one for each line
    at(monkeypatch, 60)
    assert len(mailed()) == 2


def test_every_mail_of_a_state_says_what_it_is_about() -> None:
    """Who adds a mail decides whether it can go back and forth."""
    apps = ("accounts", "automation", "billing", "lines", "subaccounts")
    files = [path for app in apps for path in (OURS / app).rglob("*.py")]
    found = {f"{path.stem}.{name}" for path in files for name in without_about(ast.parse(path.read_text()))}
    assert found == set(ONCE)


def without_about(module: ast.Module) -> set[str]:
    """The functions that tell without it."""
    return {
        function.name
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "tell"
        if any(one.arg == "told" for one in call.keywords) and not any(one.arg == "about" for one in call.keywords)
    }
