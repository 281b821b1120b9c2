"""IoT Portal: shapes, types and oddities as its document and the known facts give them."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from simulator import Running

DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000")
DEVICE_KEYS = [
    "iccid", "imsi", "msisdn", "imei", "status", "ratePlan", "communicationPlan", "customer", "endConsumerId",
    "dateActivated", "dateCreated", "dateUpdated", "dateShipped", "accountId", "fixedIPAddress", "simNotes",
    "deviceID", "modemID", "globalSimType", "username", "commsplan", "isshared", "parenticcid", "dataquantity",
    "datasize", "action", "zh_q_id", "contractdetails",
]  # fmt: skip


def usage(client: httpx.Client, iccid: str) -> dict[str, Any]:
    lines = client.get(f"/ctdUsage/{iccid}").json()
    assert len(lines) == 1
    found: dict[str, Any] = lines[0]
    return found


def test_both_logins_give_a_token(sim: Running) -> None:
    for given in ({"clientId": sim.client_id, "secretKey": sim.secret_key}, {"apiToken": "iotportal-demo-token"}):
        assert len(httpx.post(f"{sim.iotportal}/Login", json=given).json()["data"]["token"]) > 20


@pytest.mark.parametrize("given", [{}, {"clientId": "iotportal-demo-client"}, {"apiToken": "x"}, {"apiToken": None}])
def test_a_wrong_login_is_a_401(sim: Running, given: dict[str, object]) -> None:
    assert httpx.post(f"{sim.iotportal}/Login", json=given).status_code == 401


def test_the_token_is_the_whole_header(portal: httpx.Client, other: str) -> None:
    token = portal.headers["Authorization"]
    for wrong in (f"Bearer {token}", f"Token {token}", ""):
        assert portal.get(f"/getStatus/{other}", headers={"Authorization": wrong}).status_code == 401
    assert portal.get(f"/getStatus/{other}").status_code == 200


def test_a_token_expires_unannounced(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.ask("POST", "/tokens/expire")
    assert portal.get(f"/getStatus/{other}").status_code == 401
    sim.settings(token_seconds=0)
    portal.headers["Authorization"] = portal.post("/Login", json={"apiToken": "iotportal-demo-token"}).json()["data"][
        "token"
    ]
    assert portal.get(f"/getStatus/{other}").status_code == 401


def test_usage_is_an_array_of_one_and_has_no_session_count_until_there_is_a_session(
    sim: Running, portal: httpx.Client, other: str
) -> None:
    assert list(usage(portal, other)) == [
        "iccid", "imsi", "msisdn", "imei", "status",
        "ctdDataUsage", "ctdSMSUsage", "ctdVoiceUsage", "ctdSessionCount",
    ]  # fmt: skip
    assert usage(portal, other)["ctdSessionCount"] is None
    sim.add_bytes(other, 4_321, sessions=2)
    assert usage(portal, other)["ctdDataUsage"] == 4_321
    assert usage(portal, other)["ctdSessionCount"] == 2


def test_the_status_is_a_bare_word_that_calls_itself_json(portal: httpx.Client, other: str) -> None:
    answer = portal.get(f"/getStatus/{other}")
    assert answer.text == "ACTIVATED"
    assert answer.headers["content-type"] == "application/json"
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_the_device_has_the_documents_fields_in_its_order(portal: httpx.Client, other: str) -> None:
    found = portal.get(f"/GetDevice/{other}").json()
    assert list(found) == DEVICE_KEYS
    assert all(DATE.fullmatch(found[name]) for name in DEVICE_KEYS if name.startswith("date"))


def test_an_unknown_sim_is_a_404_in_json(portal: httpx.Client, one: str) -> None:
    for path in (f"/ctdUsage/{one}", "/getStatus/1", "/GetDevice/8931082322089353632", "/GetSMS/1", "/simcards"):
        answer = portal.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == 404


def test_a_status_change_takes_effect_at_once_or_after_the_delay(
    sim: Running, portal: httpx.Client, other: str
) -> None:
    portal.put(f"/RequestStatusChange/{other}", json={"status": "DEACTIVATED"})
    assert portal.get(f"/getStatus/{other}").text == "DEACTIVATED"
    sim.settings(iotportal={"status_delay_seconds": 90})
    assert portal.put(f"/RequestStatusChange/{other}", json={"status": "ACTIVATED"}).status_code == 200
    assert portal.get(f"/getStatus/{other}").text == "DEACTIVATED"
    sim.advance(seconds=89)
    assert portal.get(f"/getStatus/{other}").text == "DEACTIVATED"
    sim.advance(seconds=1)
    assert portal.get(f"/getStatus/{other}").text == "ACTIVATED"


@pytest.mark.parametrize("body", [{}, {"status": "ON"}, {"status": 1}, {"status": ["ACTIVATED"]}])
def test_an_unknown_status_is_a_400(portal: httpx.Client, other: str, body: dict[str, object]) -> None:
    assert portal.put(f"/RequestStatusChange/{other}", json=body).status_code == 400


def test_most_accounts_may_not_edit(sim: Running, portal: httpx.Client, other: str) -> None:
    assert portal.put(f"/EditDevice/{other}", json={"simNotes": "roof"}).status_code == 403
    assert portal.put("/BulkEditDevice", json={}).status_code == 403
    sim.settings(edit_allowed=True)
    portal.put(f"/EditDevice/{other}", json={"simNotes": "roof", "status": "DEACTIVATED"})
    found = portal.get(f"/GetDevice/{other}").json()
    assert (found["simNotes"], found["status"]) == ("roof", "DEACTIVATED")
    assert portal.put(f"/EditDevice/{other}", json={"iccid": "1"}).status_code == 400


def test_a_bulk_edit_is_queued_carried_out_and_reported(sim: Running, portal: httpx.Client) -> None:
    heard: list[dict[str, Any]] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    sim.settings(edit_allowed=True, bulk_seconds=0.05)
    iccids = sim.iccids("iotportal", 3)
    with HTTPServer(("127.0.0.1", 0), Ear) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        order = {
            "update": {"status": "DEACTIVATED"}, "queueId": "1234", "iccids": [*iccids, "9"],
            "webhookUrl": f"http://127.0.0.1:{server.server_port}/ping",
        }  # fmt: skip
        assert portal.put("/BulkEditDevice", json=order).json() == {"queueId": "1234", "status": "QUEUED"}
        assert portal.get(f"/getStatus/{iccids[0]}").text == "ACTIVATED"
        thread.join(60)
    assert {portal.get(f"/getStatus/{iccid}").text for iccid in iccids} == {"DEACTIVATED"}
    assert heard[0]["queueId"] == "1234"
    assert heard[0]["results"][-1] == {"iccid": "9", "status": "NOT_FOUND"}


@pytest.mark.parametrize(
    "url",
    ["http://example.com/x", "http://10.0.0.1/x", "ftp://127.0.0.1/", "http://localhost.example.com/", "127.0.0.1"],
)
def test_a_webhook_elsewhere_is_refused(sim: Running, portal: httpx.Client, other: str, url: str) -> None:
    sim.settings(edit_allowed=True)
    order = {"update": {"status": "DEACTIVATED"}, "iccids": [other], "webhookUrl": url}
    assert portal.put("/BulkEditDevice", json=order).status_code == 400


def test_a_message_is_pending_until_it_is_delivered(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.settings(iotportal={"sms_delay_seconds": 20})
    sent = portal.put(f"/SendSMS/{other}/v1", json={"messageText": "Hello"}).json()["smsMsgId"]
    assert portal.get(f"/GetSMS/{sent}").json()["status"] == "Pending"
    sim.advance(seconds=20)
    found = portal.get(f"/GetSMS/{sent}").json()
    assert (found["status"], found["msgType"], found["messageText"]) == ("Delivered", "MT", "Hello")
    assert found["dateReceived"] == "2026-11-20 08:30:20.000+0000"
    received = sim.event("sms", iccid=other, text="Connected")["sms_ids"][0]
    assert portal.get(f"/GetSMSIds/{other}").json()["smsMsgIds"] == [sent, received]
    assert portal.get(f"/GetSMS/{received}").json()["msgType"] == "MO"
    assert usage(portal, other)["ctdSMSUsage"] == 2


def test_a_message_that_finds_the_sim_off_stays_pending(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.settings(iotportal={"sms_delay_seconds": 20})
    sent = portal.put(f"/SendSMS/{other}/v1", json={"messageText": "Hello"}).json()["smsMsgId"]
    portal.put(f"/RequestStatusChange/{other}", json={"status": "DEACTIVATED"})
    sim.advance(hours=1)
    assert portal.get(f"/GetSMS/{sent}").json()["status"] == "Pending"
    assert portal.put(f"/SendSMS/{other}/v1", json={"messageText": "Hello"}).status_code == 400


def test_the_counter_starts_again_with_the_month_and_no_time_is_told(
    sim: Running, portal: httpx.Client, other: str
) -> None:
    sim.add_bytes(other, 900)
    sim.set_clock("2026-11-30T23:59:59Z")
    assert usage(portal, other)["ctdDataUsage"] == 900
    sim.set_clock("2026-12-01T00:00:00Z")
    assert usage(portal, other)["ctdDataUsage"] == 0


def test_the_counter_follows_the_cycle_day(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.settings(cycle_day=25)
    sim.add_bytes(other, 900)
    sim.set_clock("2026-11-25T00:00:00Z")
    assert usage(portal, other)["ctdDataUsage"] == 0


def test_a_late_reset_counts_on_in_the_old_cycle(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.event("late-reset", carrier="iotportal", seconds=3600)
    sim.add_bytes(other, 900)
    sim.set_clock("2026-12-01T00:30:00Z")
    sim.add_bytes(other, 11)
    assert usage(portal, other)["ctdDataUsage"] == 911
    sim.set_clock("2026-12-01T01:00:00Z")
    assert usage(portal, other)["ctdDataUsage"] == 0
    sim.add_bytes(other, 5)
    assert usage(portal, other)["ctdDataUsage"] == 5
    cycles = sim.ask("GET", "/truth", iccid=other)["sims"][0]["cycles"]
    assert cycles == {"2026-11": 911, "2026-12": 5}


def test_the_last_session_is_told_with_its_address(sim: Running, portal: httpx.Client, other: str) -> None:
    assert portal.get(f"/sessionInfo/{other}").json() == {
        "iccid": other, "ipAddress": None, "dateSessionStarted": None, "dateSessionEnded": None,
    }  # fmt: skip
    tracker = next(one["iccid"] for one in sim.fleet("iotportal") if one["kind"] == "tracker")
    sim.event("quiet", iccid=tracker, quiet=False)
    sim.advance(days=2)
    found = portal.get(f"/sessionInfo/{tracker}").json()
    assert DATE.fullmatch(found["dateSessionStarted"])
    assert found["ipAddress"]


def test_a_rule_update_takes_an_empty_object(portal: httpx.Client) -> None:
    assert portal.put("/RuleUpdate", json={}).json() == {}


def test_a_call_answers_in_a_few_milliseconds(portal: httpx.Client, other: str) -> None:
    took = []
    for _ in range(100):
        began = time.perf_counter()
        portal.get(f"/ctdUsage/{other}")
        took.append(time.perf_counter() - began)
    assert min(took) < 0.03  # the others may have met a busy machine
