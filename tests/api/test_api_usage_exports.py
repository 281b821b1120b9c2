"""Usage exports by the API: asked for once, followed, downloaded as a file."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from kit import clock

from accounts.models import Account
from lines import tasks
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import MB, Fleet
from tests.responses import streamed_content

pytestmark = pytest.mark.django_db


def test_a_file_is_asked_for_followed_and_downloaded(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub, today = fleet.account(parent=account), clock.today()
    own, theirs = fleet.line(account), fleet.line(sub)
    for line in (own, theirs):
        fleet.read(line, f"{today - dt.timedelta(days=1)} 00:00:00", 0)
        fleet.read(line, f"{today} 00:00:00", MB)
    days = {"start_date": f"{today - dt.timedelta(days=3)}", "end_date": f"{today}"}
    asked = {"kind": "days", "filter": {"all": True}} | days
    made = client.post("usage_exports", asked, key="one").json()
    assert client.post("usage_exports", asked, key="one").json() == made
    assert (made["state"], made["percent"], made["selection"]) == ("queued", 0, "all lines")
    path = f"usage_exports/{made['uuid']}"
    assert "not written yet" in client.get(f"{path}/file").json()["detail"]
    assert tasks.write_usage_exports() == 1
    done = client.get(path).json()
    assert (done["state"], done["percent"], done["rows"]) == ("done", 100, 2)
    answer = client.get(f"{path}/file")
    rows = [json.loads(row) for row in streamed_content(answer).splitlines()]
    assert {row["iccid"] for row in rows} == {own.iccid, theirs.iccid}
    assert (answer["Content-Type"], answer["Content-Length"]) == ("application/x-ndjson", str(done["size"]))
    assert rows[0]["cost"] == 0.01
    head = client.http.head(f"/api/{account.uuid.hex}/{path}/file", headers=client.headers())
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(done["size"]))
    subs = client_of(sub)
    assert subs.get(f"{path}/file").status_code == subs.get(path).status_code == 404
    own_file = subs.post("usage_exports", asked).json()
    assert tasks.write_usage_exports() == 1
    answer = subs.get(f"usage_exports/{own_file['uuid']}/file")
    (row,) = [json.loads(row) for row in streamed_content(answer).splitlines()]
    assert (row["iccid"], "cost" in row) == (theirs.iccid, False)
    assert client.get("usage_exports").json()["total"] == 1
    assert client.write("DELETE", path).status_code == 200
    assert client.get(path).status_code == 404
    refused: list[dict[str, Any]] = [
        {"filter": {}},
        {"filter": {"custom_fields": {"Depot": "x"}}},
        {"end_date": "2099-01-01"},
        {"kind": "hours"},
    ]
    for wrong in refused:
        assert client.post("usage_exports", asked | wrong).status_code == 422
