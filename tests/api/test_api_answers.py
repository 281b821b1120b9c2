"""What every answer has: a version, a tag, numbers as wished; every problem a code, a field, an id and a page."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from api import pages, routes, version
from django.test import Client, RequestFactory
from embedded.addresses import REPOSITORY
from kit import clock, logs, uuids
from kit.endpoints import Leaving

from accounts.models import Account
from tests.api.keepgo_client import KeepgoClient
from tests.fleets import MB, Fleet


def forms(hex_: str) -> list[str]:
    dashed = "-".join((hex_[:8], hex_[8:12], hex_[12:16], hex_[16:20], hex_[20:]))
    return [hex_.upper(), dashed, dashed.upper(), f"urn:uuid:{dashed}", f"{{{dashed}}}"]


def test_a_problem_says_code_field_and_request(client: KeepgoClient) -> None:
    client.extra = {"X-Request-ID": "from-the-proxy-1"}
    answer = client.get("iot_sim_cards", statuss=1)
    found = answer.json()
    assert (found["code"], found["field"], found["request_id"]) == ("invalid", "statuss", "from-the-proxy-1")
    assert (found["type"], answer["X-Request-ID"]) == ("/api/problems/invalid", "from-the-proxy-1")
    assert client.post("jobs", {"action": "tag", "filter": {"statusid": 1}}).json()["field"] == "filter.statusid"
    assert client.get("iot_sim_cards", per_page="many").json()["field"] == "per_page"
    assert client.get("iot_sim_cards", per_page="1001").json()["field"] == "per_page"
    assert client.get("nothing").json()["field"] is None


def test_every_code_has_a_page_and_no_other_has(client: KeepgoClient) -> None:
    browser = Client()
    assert {"invalid", "not-found", "insufficient-balance", "too-many", "our-error"} <= set(pages.codes())
    for code, (status, meaning) in pages.codes().items():
        page = browser.get(f"/api/problems/{code}")
        assert (page.status_code, f"HTTP {status}" in page.content.decode(), bool(meaning)) == (200, True, True), code
    assert browser.get("/api/problems/nothing").status_code == 404
    assert "1.1.0" in browser.get("/api/changes").content.decode()


def test_what_broke_names_the_request() -> None:
    from config.urls import handler500

    with logs.doing(request="abcdef12"):
        page = handler500(RequestFactory().get("/"))
    assert (page.status_code, "abcdef12" in page.content.decode()) == (500, True)


def test_head_is_get_without_its_body(client: KeepgoClient) -> None:
    whole = client.get("iot_sim_cards")
    head = client.http.head(f"/api/{client.account_uuid}/iot_sim_cards", headers=client.headers())
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", whole["ETag"])
    assert head["Content-Length"] == str(len(whole.content))
    refused = client.http.head(f"/api/{client.account_uuid}/jobs/{'0' * 32}/pause", headers=client.headers())
    assert (refused.status_code, refused["Allow"]) == (405, "POST")


def test_what_a_client_has_is_not_sent_again(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    fleet.line(account)
    first = client.get("iot_sim_cards")
    for seen in (first["ETag"], f'W/"x", {first["ETag"]}', "*"):
        client.extra = {"If-None-Match": seen}
        again = client.get("iot_sim_cards")
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert "RateLimit-Remaining" in again
    fleet.line(account)
    client.extra = {"If-None-Match": first["ETag"]}
    assert client.get("iot_sim_cards").status_code == 200
    assert client.get("nothing").status_code == 404


def test_money_is_exact_where_it_is_wished(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    fleet.read(line, f"{clock.today()} 00:00:00", 0)
    fleet.read(line, f"{clock.today()} 00:00:01", 3 * MB)
    path = f"sim_card/{line.iccid}/usage_summary"
    number, text = (client.get(path, **query).json()["data"][0]["cost"] for query in ({}, {"money": "string"}))
    assert (type(number), type(text), Decimal(text)) == (float, str, Decimal(str(number)))
    client.extra = {"Money": "string"}
    assert isinstance(client.get(path).json()["data"][0]["cost"], str)
    assert isinstance(client.get(path, money="number").json()["data"][0]["cost"], float)
    assert client.get(path, money="dollars").json()["field"] == "money"
    assert client.post("notes", {"notes": "x"}).status_code == 404


def test_a_uuid_is_taken_in_any_form(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line, sub = fleet.line(account), fleet.account(parent=account)
    for form in forms(sub.uuid.hex):
        assert client.get(f"accounts/{form}").json()["uuid"] == sub.uuid.hex
        assert client.get("iot_sim_cards", account_uuid=form).status_code == 200
        assert client.put(f"sim_card/{line.iccid}/account", {"account_uuid": form}).status_code in (200, 409)
    user, own = client.user_uuid, client.account_uuid
    for form in forms(own):
        client.account_uuid, client.user_uuid = form, uuids.plain(user).upper()
        assert client.get("").json()["name"] == account.name
    client.account_uuid = "g" * 32
    assert client.get("").status_code == 401


def test_a_signed_write_in_another_spelling_is_still_the_same(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    sub, now = fleet.account(parent=account), int(clock.now().timestamp())
    paths = [f"accounts/{form}" for form in (sub.uuid.hex, *forms(sub.uuid.hex))]
    statuses = [client.put(path, {"name": "new"}, timestamp=now).status_code for path in paths]
    assert statuses == [200, *[409] * 5]


def test_every_answer_says_its_version(client: KeepgoClient, account: Account) -> None:
    answers = [client.get(""), client.get("nothing"), client.http.get("/api/x/"), client.post("jobs", b"[")]
    assert {answer["API-Version"] for answer in answers} == {version.VERSION}
    newest = re.findall(r"^## (\d+\.\d+\.\d+)$", (REPOSITORY / "docs" / "api-changes.md").read_text(), re.MULTILINE)[0]
    document = json.loads(client.http.get("/api/openapi.json").content)
    assert document["info"]["version"] == version.VERSION == newest
    assert document["servers"][0]["url"] == "http://testserver/api/{account_uuid}"


def test_a_call_that_is_to_go_says_so(client: KeepgoClient, monkeypatch: pytest.MonkeyPatch) -> None:
    since, until = dt.datetime(2027, 1, 1, tzinfo=dt.UTC), dt.datetime(2028, 1, 1, tzinfo=dt.UTC)
    leaving = [(pattern, replace(one, leaving=Leaving(since, until))) for pattern, one in routes._ROUTES["tags"]]
    monkeypatch.setitem(routes._ROUTES, "tags", leaving)
    answer = client.get("tags")
    assert (answer["Deprecation"], answer["Sunset"]) == ("@1798761600", "Sat, 01 Jan 2028 00:00:00 GMT")
    assert answer["Link"].startswith("</api/changes>")
    assert "Deprecation" not in client.get("iot_sim_cards")
