"""Owners are told when the balance turns low, when it stops their lines and when it brings them back: once each."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import transaction
from django.test import Client
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from billing.commands import Charge, adjust, charge_usage, lock_wallets
from billing.commands.notices import claim_notice, save_posted, tell_low
from billing.models import AutoRefill, Notice
from billing.policy import RefillState
from lines.commands.wishes import enforce
from tests.fleets import Fleet


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00+00:00")


def credit(account: Account, amount: str) -> None:
    adjust(account=account, amount=Decimal(amount), reason="a test", by=OPERATOR)
    enforce(account_ids=[account.pk])


def spend(account: Account, amount: str, *, days_ago: int) -> None:
    with transaction.atomic():
        lock_wallets(account_ids=[account.pk])
        day = clock.today() - dt.timedelta(days=days_ago)
        charge_usage(charges=[Charge(account.pk, day, Decimal(amount))])
        enforce(account_ids=[account.pk])


def subjects() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("subject", flat=True))


def test_stopped_lines_and_lines_that_come_back_are_told_with_their_number(fleet: Fleet) -> None:
    account = fleet.account(credit="6")
    fleet.lines(account, 3)
    credit(account, "-2")
    enforce()
    assert subjects() == ["3 lines were suspended: the balance is too low"]
    assert "A refill of $1.00 or more" in Notice.objects.get().text
    with pytest.MonkeyPatch.context() as later:
        later.setenv("LINEKEEPER_NOW", "2026-11-20T13:00:00+00:00")
        credit(account, "1")
    assert subjects()[1:] == ["3 lines are starting again"]


def test_what_is_missing_is_told_so_that_paying_it_is_enough(fleet: Fleet) -> None:
    """4.999 reads as 5.00, and 2.001 as 2.00: the one must not seem the minimum, nor the other enough to reach it."""
    account = fleet.account(credit="6")
    fleet.line(account)
    credit(account, "-1.001")
    assert "$4.999 is available and $5.00 is the minimum" in Notice.objects.get().text
    owner = Client()
    owner.force_login(owner_of(account))
    for path in ("/billing/explain/", "/"):
        assert "$4.999" in owner.get(path).content.decode()
    credit(account, "-2")
    assert "Add at least $2.01 to reactivate them" in owner.get("/").content.decode()
    with pytest.MonkeyPatch.context() as later:
        later.setenv("LINEKEEPER_NOW", "2026-11-20T13:00:00+00:00")
        credit(account, "2.01")
    assert subjects()[1:] == ["1 line is starting again"]


def test_a_balance_that_stops_nothing_is_not_told(fleet: Fleet) -> None:
    account = fleet.account(credit="6")
    credit(account, "-2")
    assert subjects() == []


def test_a_low_balance_is_told_once_until_it_was_green_again(fleet: Fleet) -> None:
    account = fleet.account(credit="45")
    assert tell_low(today=clock.today()) == 0
    spend(account, "35", days_ago=2)  # 10 left, 5 a day, a minimum of 5: 1 day
    assert [tell_low(today=clock.today()) for _ in range(3)] == [1, 0, 0]
    assert subjects() == ["Your balance is low"]
    assert "$10.00 is left" in Notice.objects.get().text
    assert "1.0 days" in Notice.objects.get().text
    credit(account, "100")
    assert tell_low(today=clock.today()) == 0
    with pytest.MonkeyPatch.context() as later:
        later.setenv("LINEKEEPER_NOW", "2026-11-20T13:00:00+00:00")
        credit(account, "-100")
        assert tell_low(today=clock.today()) == 1


def test_auto_refill_that_keeps_watch_makes_the_warning_needless(fleet: Fleet) -> None:
    account = fleet.account(credit="45")
    AutoRefill.objects.create(account=account, state=RefillState.ON, amount=50, ceiling=200, fixed_on=clock.today())
    spend(account, "35", days_ago=2)
    assert tell_low(today=clock.today()) == 0
    assert subjects() == []


def test_turns_within_an_hour_become_one_mail_with_the_last_state(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Suspended at 12:00 and mailed; five turns until 12:25 are one mail at 13:00, which says that lines are back."""
    account = fleet.account(credit="6")
    fleet.lines(account, 3)
    credit(account, "-2")
    for minute, amount in ((5, "2"), (10, "-2"), (15, "2"), (20, "-2"), (25, "2")):
        monkeypatch.setenv("LINEKEEPER_NOW", f"2026-11-20T12:{minute:02}:00+00:00")
        credit(account, amount)
    assert mailed() == ["3 lines were suspended: the balance is too low"]
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:59:59+00:00")
    assert mailed() == []
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T13:00:00+00:00")
    assert mailed() == ["3 lines are starting again"]
    assert "several times within an hour" in Notice.objects.latest("pk").text
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T14:00:00+00:00")
    credit(account, "-2")
    assert len(mailed()) == 1


def mailed() -> list[str]:
    found = []
    while (notice := claim_notice()) is not None:
        notice.mailed_at = clock.now()
        save_posted(notice=notice, fields=["mailed_at"])
        found.append(notice.subject)
    return found
