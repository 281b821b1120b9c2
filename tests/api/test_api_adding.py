"""Lines out of stock, what is covered, requests for cards, and messages that are read."""

from __future__ import annotations

import time

import pytest

from accounts.models import Account
from accounts.policy import OPERATOR
from lines.commands.claims import reserve
from lines.commands.orders import answer_order
from lines.models import Coverage, Line, Order, SmsMessage
from lines.policy import SmsState, Wanted
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet, state


def in_stock(fleet: Fleet, account: Account) -> Line:
    """A line with a plan of its carrier's, held by nobody."""
    line = fleet.line(account)
    Line.objects.filter(pk=line.pk).update(account=None, payer=None)
    return line


@pytest.mark.parametrize(("activate", "wanted"), [(True, Wanted.ACTIVE), (False, Wanted.DEACTIVATED)])
def test_a_line_is_added_once(
    client: KeepgoClient, fleet: Fleet, account: Account, activate: bool, wanted: Wanted
) -> None:
    line = in_stock(fleet, account)
    reserve(iccids=[line.iccid], account=account, by=OPERATOR)
    new = {"iccid": line.iccid, "rate_plan_id": line.plan_id, "activate": activate, "notes": "Van 7", "tags": ["van"]}
    added = client.post("iot_sim_cards", new)
    assert added.status_code == 200, added.content
    assert (added.json()["iccid"], added.json()["notes"]) == (line.iccid, "Van 7")
    assert state(line).wanted == wanted
    assert client.get(f"sim_card/{line.iccid}/tags").json() == {"tags": ["van"]}
    again = client.post("iot_sim_cards", new | {"notes": "mine", "activate": not activate})
    assert (again.status_code, again.json()) == (200, added.json())
    assert state(line).wanted == wanted


def test_an_unknown_line_and_somebody_elses_are_one_answer(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    stock, theirs = in_stock(fleet, account), fleet.line(fleet.account())
    new = {"rate_plan_id": stock.plan_id, "activate": True}
    answers = [client.post("iot_sim_cards", new | {"iccid": iccid}) for iccid in (theirs.iccid, "89" + "8" * 17)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({answer.json()["detail"] for answer in answers}) == 1
    for change, status in (({"rate_plan_id": 2**31 - 1}, 404), ({"iccid": "12"}, 422), ({"activate": None}, 422)):
        assert client.post("iot_sim_cards", new | {"iccid": stock.iccid} | change).status_code == status
    assert client.post("iot_sim_cards", {"iccid": stock.iccid, "rate_plan_id": stock.plan_id}).status_code == 422
    sub = client_of(fleet.account(parent=account))
    assert sub.post("iot_sim_cards", new | {"iccid": stock.iccid}).status_code == 404
    assert Line.objects.get(pk=stock.pk).payer_id is None


def test_messages_are_marked_as_read(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    ids = []
    for holder in (account, fleet.account()):
        line = fleet.line(holder)
        ids.append(
            SmsMessage.objects.create(
                line=line, carrier=line.carrier, account=holder, payer=holder, to_device=False, text="ok",
                state=SmsState.RECEIVED, is_open=False,
            ).pk
        )  # fmt: skip
    assert [one["is_new"] for one in client.get("sms").json()["data"]] == [True]
    assert client.post("sms/read", {"ids": ids}).json() == {"marked": 1}
    assert client.post("sms/read", {"ids": ids[::-1]}).json() == {"marked": 0}
    assert client.get("sms", which="unread").json()["total"] == 0
    assert SmsMessage.objects.get(seen_at=None).pk == ids[1]
    assert client.post("sms/read", {"ids": []}).status_code == 422


def test_coverage_and_requests_for_cards(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    plan = fleet.line(account).plan
    for name, code in (("Germany", "DE"), ("France", "FR")):
        Coverage.objects.create(plan=plan, country=name, code=code, network=f"{name} Mobile", technologies="4G")
    assert [one["country_code"] for one in client.get("coverage").json()["data"]] == ["FR", "DE"]
    (found,) = client.get("coverage", country_code="DE", rate_plan_id=plan.pk).json()["data"]
    assert found["network"] == "Germany Mobile"
    for holder in (account, fleet.account()):
        Order.objects.create(
            account=holder, quantity=20, contact="Ann", email="a@example.com", address="Here", by=OPERATOR.name
        )
    (order,) = client.get("orders").json()["data"]
    assert (order["quantity"], order["state"], order["rate_plan_id"]) == (20, "open", None)
    assert client_of(fleet.account(parent=account)).get("orders").status_code == 404


ORDER = {"quantity": 40, "contact": "Ann", "email": "ann@example.com", "address": "1 Quay Street"}


def test_cards_are_asked_for_and_taken_back_once(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    plan = fleet.line(account).plan
    placed = client.post("orders", ORDER | {"rate_plan_id": plan.pk})
    assert placed.status_code == 200, placed.content
    row = Order.objects.get()
    assert (row.account, row.quantity, row.plan, row.state) == (account, 40, plan, "open")
    assert placed.json()["uuid"] == row.uuid.hex
    path = f"orders/{row.uuid.hex}/withdraw"
    other = fleet.account()
    Account.objects.filter(pk=other.pk).update(is_professional=True)
    for stranger in (client_of(other), client_of(fleet.account(parent=account))):
        assert stranger.post(path).status_code == 404
    at = int(time.time())
    states = [client.post(path, timestamp=at - ago).json()["state"] for ago in range(2)]
    assert states == ["withdrawn", "withdrawn"]
    assert client.get("orders").json()["data"][0]["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"quantity": 10}, 422), ({"quantity": 0}, 422), ({"email": "nowhere"}, 422), ({"address": " "}, 422),
     ({"rate_plan_id": 2**31 - 1}, 404), ({"message": "\0"}, 422)],
)  # fmt: skip
def test_a_request_that_cannot_be_kept_says_why(client: KeepgoClient, change: dict[str, object], status: int) -> None:
    answer = client.post("orders", ORDER | change)
    assert (answer.status_code, Order.objects.count()) == (status, 0)
    assert answer.json()["detail"]


def test_an_answered_request_is_not_taken_back(client: KeepgoClient, account: Account) -> None:
    key = client.post("orders", ORDER).json()["uuid"]
    answer_order(order_id=Order.objects.get(account=account).pk, answer="They are on their way", by=OPERATOR)
    answer = client.post(f"orders/{key}/withdraw")
    assert answer.status_code in (409, 422)
    assert "answered" in answer.json()["detail"]
