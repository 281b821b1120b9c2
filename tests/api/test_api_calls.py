"""Every call of the observed table, walked by a client that knows nothing but the table."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from kit import clock

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from billing.commands import adjust
from billing.models import Payment
from billing.policy import PaymentState
from lines.commands.wishes import deactivate_due
from lines.models import Line
from lines.policy import Wanted
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import MB, Fleet, state

CARD = {
    "status", "iccid", "account_name", "rate_plan", "billing_cycle", "daily_usage_mb", "monthly_usage_mb",
    "count_of_sessions", "sms_sent", "notes", "deactivation_date",
}  # fmt: skip
ROOT = {
    "number", "name", "current_balance", "minimum_balance", "is_exist_balance_history", "is_low_balance",
    "is_allowed_discount",
}  # fmt: skip
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def exact(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json"
    return json.loads(answer.content, parse_float=Decimal)


@pytest.fixture
def used(fleet: Fleet, account: Account) -> Line:
    """A line that used 3 MB yesterday, or the day before the month's turn, and 1.5 MB today."""
    line = fleet.line(account)
    today = clock.today()
    before = today - dt.timedelta(days=1)
    fleet.read(line, f"{before} 08:00:00", 0)
    fleet.read(line, f"{before} 12:00:00", 3 * MB)
    start = 3 * MB if before.month == today.month else 0
    fleet.read(line, f"{today} 00:00:01", start + MB * 3 // 2)
    return line


def test_the_account(client: KeepgoClient, account: Account) -> None:
    found = exact(client.get(""))
    assert set(found) == ROOT | {"links"}
    assert (found["name"], found["current_balance"], found["minimum_balance"]) == (account.name, 100, 5)
    assert (found["is_exist_balance_history"], found["is_low_balance"]) == (True, False)
    adjust(account=account, amount=Decimal("-95.01"), reason="test", by=OPERATOR)
    assert exact(client.get(""))["is_low_balance"] is True


def test_an_account_that_never_moved_money_has_no_history(fleet: Fleet) -> None:
    account = fleet.account(credit="0")
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    found = exact(client_of(account).get(""))
    assert (found["is_exist_balance_history"], found["current_balance"]) == (False, 0)


def test_the_list_of_lines(client: KeepgoClient, account: Account, used: Line) -> None:
    found = exact(client.get("iot_sim_cards"))
    assert found["total"] == 1
    (card,) = found["data"]
    assert set(card) >= CARD
    assert (card["iccid"], card["account_name"], card["rate_plan"]) == (used.iccid, account.name, "simbase")
    assert (card["status"], card["status_id"]) == ("Activated", 1)
    assert card["billing_cycle"] == f"{clock.today():%Y-%m}"
    assert card["daily_usage_mb"] == Decimal("1.5")
    assert card["monthly_usage_mb"] >= Decimal("1.5")
    assert card["count_of_sessions"] is None
    assert card["deactivation_date"] is None


def test_lines_by_status_notes_iccid_plan_and_holder(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    one, two = fleet.lines(account, 2)
    three = fleet.line(sub, "iotportal", active=False)
    client.put(f"sim_card/{two.iccid}/notes", {"notes": "Blue van"})
    choices = exact(client.get("sim_card_filter_data"))
    assert {(one["id"], one["name"]) for one in choices["statuses"]} == {
        (1, "Activated"), (2, "Deactivated"), (3, "Suspended"), (4, "Activation Ready"),
    }  # fmt: skip
    assert {one["name"] for one in choices["accounts"]} == {account.name, sub.name}
    plans = {one["name"]: one["id"] for one in choices["rate_plans"]}

    def iccids(**query: object) -> list[str]:
        found = exact(client.get("iot_sim_cards", **query))
        assert found["total"] == len(found["data"])
        return [card["iccid"] for card in found["data"]]

    assert iccids(status_id=4) == [one.iccid, two.iccid]
    assert iccids(status_id=2) == [three.iccid]
    assert iccids(status_id=3) == []
    assert iccids(common_filter="van") == [two.iccid]
    assert iccids(common_filter=one.iccid) == [one.iccid]
    assert iccids(common_filter=one.iccid[-5:]) == [one.iccid]
    assert iccids(rate_plan_id=plans["iotportal"]) == [three.iccid]
    assert iccids(account_uuid=sub.uuid.hex) == [three.iccid]
    assert iccids(status_id="", common_filter="") == [one.iccid, two.iccid, three.iccid]


def test_activating_and_deactivating_act_at_once(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    assert exact(client.post(f"sim_card/{line.iccid}/deactivate")) == {"ack": "success"}
    assert state(line).wanted == Wanted.DEACTIVATED
    event = Event.objects.filter(subject=f"line:{line.iccid}").latest("id")
    assert (event.actor_kind, event.actor_name) == ("key", f"API key {client.user_uuid[:8]}")
    assert exact(client.post(f"sim_card/{line.iccid}/activation_ready")) == {"ack": "success"}
    assert state(line).wanted == Wanted.ACTIVE


def test_activating_needs_the_balance(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account, active=False)
    sub = fleet.account(parent=account)
    subs = fleet.line(sub, active=False)
    adjust(account=account, amount=Decimal("-95.01"), reason="test", by=OPERATOR)
    refused = client.post(f"sim_card/{line.iccid}/activation_ready")
    assert (refused.status_code, refused.json()["type"]) == (409, "/api/problems/insufficient-balance")
    assert refused.json()["what_to_do"] == "Add funds first."
    refused = client_of(sub).post(f"sim_card/{subs.iccid}/activation_ready")
    assert refused.status_code == 409
    assert "balance" not in refused.content.decode()


def test_the_deactivation_date(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    path = f"sim_card/{line.iccid}/deactivation_date"
    day = clock.today() + dt.timedelta(days=40)
    for given in (f"{day}", f"{day} 00:00:00", f"{day} 14:30:05", f"{day}T23:59:59.5+02:00", f"{day}T08:00Z"):
        assert exact(client.put(path, {"deactivation_date": given})) == {"ack": "success"}
    (card,) = exact(client.get("iot_sim_cards"))["data"]
    assert card["deactivation_date"] == f"{day} 00:00:00"
    assert MOMENT.fullmatch(card["deactivation_date"])
    assert state(line).wanted == Wanted.ACTIVE
    for wrong in (f"{clock.today()}", "2026-02-30", f"{day} noon", f"{day}99", "soon", 5, ""):
        assert client.put(path, {"deactivation_date": wrong}).status_code == 422
    assert client.put(path, {}).status_code == 422
    assert exact(client.post(path, {"deactivation_date": None})) == {"ack": "success"}
    line.refresh_from_db()
    assert line.deactivation_date is None
    client.post(f"sim_card/{line.iccid}/deactivate")
    assert client.put(path, {"deactivation_date": f"{day}"}).status_code == 409


def test_a_date_that_a_client_set_is_carried_out_in_its_name(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    line = fleet.line(account)
    day = clock.today() + dt.timedelta(days=3)
    client.put(f"sim_card/{line.iccid}/deactivation_date", {"deactivation_date": f"{day}"})
    assert deactivate_due(today=day) == 1
    assert state(line).wanted == Wanted.DEACTIVATED
    event = Event.objects.filter(verb="line.deactivated").latest("id")
    assert (event.actor_kind, event.actor_name) == ("key", f"API key {client.user_uuid[:8]}")


def test_daily_statistics_are_a_bare_list_in_kilobytes(client: KeepgoClient, used: Line) -> None:
    today = clock.today()
    path = f"sim_card/{used.iccid}/daily_statistics"
    found = exact(client.get(path))
    assert [one["date"] for one in found] == [f"{today.replace(day=day + 1)}" for day in range(today.day)]
    assert found[-1] == {"date": f"{today}", "usage_kb": Decimal(1536)}
    before = today - dt.timedelta(days=1)
    earlier = exact(client.get(path, billing_cycle=f"{before:%Y-%m}"))
    assert {"date": f"{before}", "usage_kb": Decimal(3072)} in earlier
    assert exact(client.get(path, billing_cycle="2098-01")) == []
    assert client.get(path, billing_cycle="2026-13").status_code == 422


def test_the_summary_and_the_cycles_of_a_line(client: KeepgoClient, used: Line) -> None:
    summary = exact(client.get(f"sim_card/{used.iccid}/usage_summary"))
    assert summary["total"] == 12
    assert sum(month["usage_mb"] for month in summary["data"]) == Decimal("4.5")
    assert sum(month["cost"] for month in summary["data"]) == Decimal("0.045")
    cycles = exact(client.get(f"sim_card/{used.iccid}/bill_cycle_list"))
    assert cycles["data"][0]["billing_cycle"] == f"{clock.today():%Y-%m}"
    total = sum(
        day["usage_kb"]
        for cycle in cycles["data"]
        for day in exact(client.get(f"sim_card/{used.iccid}/daily_statistics", billing_cycle=cycle["billing_cycle"]))
    )
    assert total == Decimal("4608")


def test_subaccounts_are_listed(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    fleet.account()
    sub = fleet.account(parent=account)
    found = exact(client.get("accounts"))
    assert [(one["uuid"], one["name"]) for one in found["data"]] == [(sub.uuid.hex, sub.name)]
    assert MOMENT.fullmatch(found["data"][0]["created_at"])
    assert exact(client_of(sub).get("accounts"))["data"] == []


def test_the_balance_its_days_and_its_lines_agree(client: KeepgoClient, used: Line) -> None:
    balance = exact(client.get("current_balance"))
    assert set(balance.pop("links")) == {"history", "payments", "usages"}
    assert balance == {"current_balance": Decimal("99.955"), "minimum_balance": 5, "currency": "USD"}
    days = exact(client.get("balance_history"))["data"]
    assert days[0]["date"] == f"{clock.today()}"
    assert days[0]["balance"] == balance["current_balance"]
    assert sum(day["credit"] - day["debit"] for day in days) == balance["current_balance"]
    start = clock.today() - dt.timedelta(days=5)
    usages = exact(client.get("balance_usages", start_date=f"{start}", end_date=f"{clock.today()}"))
    assert usages["total"] == 2
    assert [row["usage_kb"] for row in usages["data"]] == [1536, 3072]
    assert sum(row["amount"] for row in usages["data"]) == sum(day["debit"] for day in days)


def test_payments_are_those_that_succeeded(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    def paid(account: Account, state: PaymentState, last4: str) -> Payment:
        at = dt.datetime(2026, 11, 1, 23, 59, 59, tzinfo=dt.UTC)
        return Payment.objects.create(
            account=account, amount=Decimal(50), state=state, last4=last4, by="x", created_at=at,
            ended_at=None if state is PaymentState.PENDING else at + dt.timedelta(seconds=3),
        )  # fmt: skip

    paid(fleet.account(), PaymentState.SUCCEEDED, "0009")
    first, second = (paid(account, PaymentState.SUCCEEDED, last4) for last4 in ("0001", "0002"))
    paid(account, PaymentState.DECLINED, "0003")
    paid(account, PaymentState.PENDING, "0004")
    found = exact(client.get("balance_payments", page=1, per_page=1))
    assert [set(row.pop("links")) for row in found["data"]] == [{"balance", "history"}]
    assert (found["total"], found["data"]) == (
        2,
        [
            {
                "date": "2026-11-02",
                "amount": Decimal(50),
                "transaction_id": second.uuid.hex,
                "last_credit_card_digits": "0002",
                "created_at": "2026-11-01 23:59:59",
                "updated_at": "2026-11-02 00:00:02",
            }
        ],
    )
    assert exact(client.get("balance_payments", page=2, per_page=1))["data"][0]["transaction_id"] == first.uuid.hex


def test_the_days_of_usage_are_at_most_31(client: KeepgoClient) -> None:
    exact(client.get("balance_usages", start_date="2026-01-01", end_date="2026-01-31"))
    for start, end in (("2026-01-01", "2026-02-01"), ("2026-01-02", "2026-01-01"), ("2026-02-30", "2026-03-01")):
        assert client.get("balance_usages", start_date=start, end_date=end).status_code == 422


def test_prices_are_those_in_force_and_announced(client: KeepgoClient, fleet: Fleet, used: Line) -> None:
    fleet.price("simbase", "2020-01-01 00:00:00", "0.02")
    fleet.price("simbase", "2098-01-01 00:00:00", "0.03")
    found = exact(client.get("prices"))["data"]
    assert [(one["rate_plan"], one["price_per_mb"], one["valid_from"]) for one in found] == [
        ("simbase", Decimal("0.02"), "2020-01-01 00:00:00"),
        ("simbase", Decimal("0.03"), "2098-01-01 00:00:00"),
    ]


def test_notes(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    assert exact(client.put(f"sim_card/{line.iccid}/notes", {"notes": " Van  7 "})) == {"ack": "success"}
    line.refresh_from_db()
    assert line.notes == "Van 7"
    assert client.put(f"sim_card/{line.iccid}/notes", {"notes": "x" * 501}).status_code == 422
    assert client.put(f"sim_card/{line.iccid}/notes", b'{"notes": "a\\u0000b"}').status_code == 422
