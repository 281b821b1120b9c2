"""`balance` and `credit`, as an operator's script would call them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from accounts.models import Account
from billing.models import Entry
from tests.worlds import operator


def test_balance_answers_money_as_text_with_six_places(account: Account) -> None:
    operator("credit", account.uuid, "12.5", "--note", "a start")
    assert operator("balance", account.uuid) == {
        "account_uuid": account.uuid.hex,
        "available": "12.500000",
        "average_daily": "0.000000",
        "minimum": "5.000000",
        "runway_days": None,
        "colour": "green",
        "accrued": "0.000000",
    }
    assert operator("balance", account.uuid.hex) == operator("balance", str(account.uuid))


def test_credit_answers_with_the_new_balance(account: Account) -> None:
    answer = operator("credit", account.uuid, "-3.50", "--note", "a mistake")
    assert {key: answer[key] for key in ("amount", "available", "colour", "suspended", "reactivated")} == {
        "amount": "-3.500000",
        "available": "-3.500000",
        "colour": "red",
        "suspended": 0,
        "reactivated": 0,
    }
    assert Entry.objects.get().note == "a mistake"


@pytest.mark.parametrize(
    "amount",
    [
        "0",
        "0.00",
        "abc",
        "",
        "1,50",
        "NaN",
        "inf",
        "0.0000001",
        "1e10",
        "1e30",
        "1e999999",
        "1e-999999",
        "999999999999",
    ],
)
def test_credit_refuses_what_is_no_amount_in_one_line(account: Account, amount: str) -> None:
    with pytest.raises(CommandError) as refusal:
        operator("credit", account.uuid, amount, "--note", "no")
    assert "\n" not in str(refusal.value)
    assert not Entry.objects.exists()


@pytest.mark.parametrize("uuid", ["", "x", "00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("command", ["balance", "credit"])
def test_an_account_that_nobody_knows_is_refused(db: None, command: str, uuid: str) -> None:
    more = ["5", "--note", "no"] if command == "credit" else []
    with pytest.raises(CommandError, match="No account"):
        operator(command, uuid, *more)


def test_a_note_of_nothing_is_refused(account: Account) -> None:
    with pytest.raises(CommandError, match="note"):
        operator("credit", account.uuid, "5", "--note", "  ")


def test_a_sub_accounts_money_is_its_parents(account: Account, open_one: Callable[..., Account]) -> None:
    child = open_one(parent=account)
    for command, *rest in (("balance", child.uuid), ("credit", child.uuid, "5", "--note", "x")):
        with pytest.raises(CommandError, match=r"sub-account.*"):
            operator(str(command), *rest)
    operator("credit", account.uuid, "5", "--note", "x")
    assert Decimal(operator("balance", account.uuid)["available"]) == 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["credit", "00000000-0000-0000-0000-000000000000", "5", "--note", "x", "--json"], 1),
        (["credit", "00000000-0000-0000-0000-000000000000", "5"], 2),
        (["balance"], 2),
        (["balance", "nobody", "--json"], 1),
    ],
)
def test_a_shell_sees_one_line_and_the_exit_code(services: None, arguments: list[str], code: int) -> None:
    manage = Path(__file__).resolve().parents[2] / "manage.py"
    found = subprocess.run(
        [sys.executable, manage, *arguments], capture_output=True, text=True, timeout=500, check=False
    )
    assert found.returncode == code
    assert found.stdout == ""
    if code == 1:
        assert len(found.stderr.strip().splitlines()) == 1
        with pytest.raises(json.JSONDecodeError):
            json.loads(found.stderr)
