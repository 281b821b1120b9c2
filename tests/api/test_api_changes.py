"""What the console does to a line, by API: messages, plan, holder, tags."""

from __future__ import annotations

from decimal import Decimal

from accounts.models import Account, Event
from billing.models import Entry
from lines.carriers.base import Sms, SmsFate, Switch
from lines.commands.sms import claim_sms, sms_accepted
from lines.models import Line, LineState, SmsMessage
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet


def turned_on(fleet: Fleet, account: Account) -> Line:
    line = fleet.line(account)
    LineState.objects.filter(pk=line.pk).update(reported=Switch.ON)
    return line


def test_a_message_is_sent_listed_and_charged_when_the_carrier_takes_it(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    line = turned_on(fleet, account)
    path = f"sim_card/{line.iccid}/sms"
    for _ in range(2):
        answer = client.post(path, {"text": "reboot"}, key="once")
    sent = answer.json()
    assert (sent["status"], sent["price"], sent["text"], sent["direction"]) == ("queued", None, "reboot", "to_device")
    (claimed,) = claim_sms(carrier=line.carrier, limit=5)
    sms_accepted(message_id=claimed.pk, sms=Sms("m1", True, "reboot", None, SmsFate.PENDING, "sent"), follow=True)
    assert Entry.objects.get(kind="sms").amount == Decimal("-0.05")
    (listed,) = client.get(path).json()["data"]
    assert (listed["status"], listed["price"], listed["id"]) == ("sent", 0.05, sent["id"])
    assert client.get("sms", which="out").json()["total"] == 1
    assert client.get("sms", which="in").json()["total"] == 0
    assert client_of(fleet.account()).get("sms").json()["data"] != [listed]
    event = Event.objects.get(verb="sms.sent")
    assert event.actor_kind == "key"


def test_a_message_needs_an_active_line_and_1_to_70_characters(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    line = fleet.line(account)
    refused = client.post(f"sim_card/{line.iccid}/sms", {"text": "x"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/api/problems/line-not-active")
    LineState.objects.update(reported=Switch.ON)
    for text in ("", "x" * 71, 5, None):
        assert client.post(f"sim_card/{line.iccid}/sms", {"text": text}).status_code == 422
    assert SmsMessage.objects.count() == 0


def test_messages_are_walked_by_cursor(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = turned_on(fleet, account)
    for number in range(5):
        client.post(f"sim_card/{line.iccid}/sms", {"text": f"m{number}"})
    found = client.get("sms", per_page=2).json()
    seen = [one["text"] for one in found["data"]]
    while found["links"]["next"]:
        found = client.http.get(found["links"]["next"], headers=client.headers()).json()
        seen += [one["text"] for one in found["data"]]
    assert seen == ["m4", "m3", "m2", "m1", "m0"]
    back = client.http.get(found["links"]["prev"], headers=client.headers()).json()
    assert [one["text"] for one in back["data"]] == ["m2", "m1"]


def test_a_subaccount_sends_and_sees_no_price(fleet: Fleet, account: Account, client: KeepgoClient) -> None:
    sub = fleet.account(parent=account)
    line, parents = turned_on(fleet, sub), turned_on(fleet, account)
    own = client_of(sub)
    assert own.post(f"sim_card/{line.iccid}/sms", {"text": "hello"}).status_code == 200
    assert own.post(f"sim_card/{parents.iccid}/sms", {"text": "hello"}).status_code == 404
    claim_sms(carrier=line.carrier, limit=5)
    SmsMessage.objects.update(state="sent", accepted_at=line.added_at, is_open=False)
    assert own.get("sms").json()["data"][0]["price"] is None
    assert client.get("sms").json()["data"][0]["price"] == 0.05


def test_a_line_changes_its_plan_within_its_carrier(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    plans = {one["name"]: one for one in client.get("rate_plans").json()["data"]}
    assert plans["simbase"]["price_per_mb"] == 0.01
    path = f"sim_card/{line.iccid}/rate_plan"
    assert client.put(path, {"rate_plan_id": plans["simbase"]["id"]}).status_code == 200
    assert client.put(path, {"rate_plan_id": plans["iotportal"]["id"]}).status_code == 409
    assert client.put(path, {"rate_plan_id": 2**31 - 1}).status_code == 404
    line.refresh_from_db()
    assert line.plan.name == "simbase"


def test_a_line_goes_to_a_subaccount_and_back(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line, sub, other = fleet.line(account), fleet.account(parent=account), fleet.account()
    path = f"sim_card/{line.iccid}/account"
    assert client.put(path, {"account_uuid": sub.uuid.hex}).status_code == 200
    assert client_of(sub).get("iot_sim_cards").json()["total"] == 1
    assert client.put(path, {"account_uuid": other.uuid.hex}).status_code == 404
    assert client_of(sub).put(path, {"account_uuid": account.uuid.hex}).status_code == 404
    line.refresh_from_db()
    assert (line.account, line.payer) == (sub, account)
    assert client.put(path, {"account_uuid": account.uuid.hex}).status_code == 200
    assert client_of(sub).get("iot_sim_cards").json()["total"] == 0


def test_tags_are_set_listed_and_the_payers(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    line, subs = fleet.line(account), fleet.line(sub)
    path = f"sim_card/{line.iccid}/tags"
    assert client.put(path, {"tags": ["Berlin", "van", "berlin"]}).json() == {"tags": ["Berlin", "van"]}
    client.put(f"sim_card/{subs.iccid}/tags", {"tags": ["van"]})
    assert client.put(path, {"tags": ["van"]}).json() == client.get(path).json() == {"tags": ["van"]}
    assert client.get("tags").json()["data"] == [{"name": "Berlin", "lines": 0}, {"name": "van", "lines": 2}]
    for tags in (["x" * 41], [""], [1], "van", ["t"] * 11):
        assert client.put(path, {"tags": tags}).status_code == 422
    assert client_of(sub).get(f"sim_card/{subs.iccid}/tags").status_code == 404
    assert client_of(sub).get("tags").status_code == 404
