"""Caps by API: added, read, raised, deleted; what a sub-account's key reads of them; what is refused."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from lines.commands.capping import check_caps
from lines.models import Cap
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import MB, Fleet, state

CAP = {"limit": 10, "unit": "mb", "period": "month"}


def test_a_cap_is_added_filled_raised_and_deleted(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    from kit import clock

    line = fleet.line(account)
    made = client.post("caps", CAP | {"iccid": line.iccid}).json()
    path = f"caps/{made['uuid']}"
    assert (made["of"], made["name"], made["percent"], made["action"]) == ("line", line.iccid, 0, "stop")
    now = f"{clock.now():%Y-%m-%dT%H:%M}"
    fleet.read(line, now, 0)
    fleet.read(line, now, 12 * MB)
    check_caps(today=clock.today())
    full = client.get(path).json()
    assert (full["is_full"], full["percent"], full["used"], full["lines_stopped"]) == (True, 120, 12, 1)
    assert state(line).why == "cap"
    raised = client.write("PATCH", path, {"limit": 20}).json()
    assert (raised["limit"], raised["action"], raised["is_full"], raised["lines_stopped"]) == (20, "stop", False, 0)
    assert state(line).why == ""
    assert [one["uuid"] for one in client.get("caps").json()["data"]] == [made["uuid"]]
    assert client.write("DELETE", path).json() == {"ack": "success"}
    assert client.get(path).status_code == 404


def test_a_cap_that_makes_no_sense_or_is_about_what_is_anothers_is_refused(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    other = fleet.account(credit="10")
    theirs = fleet.line(other)
    for change, status in (
        ({"limit": 0}, 422), ({"limit": -1}, 422), ({"limit": "many"}, 422), ({"period": "year"}, 422),
        ({"account_uuid": other.uuid.hex}, 404), ({"iccid": theirs.iccid}, 404), ({"tag": "north"}, 404),
        ({"rate_plan_id": 2**31 - 1}, 404), ({"account_uuid": account.uuid.hex}, 422), ({"colour": "red"}, 422),
        ({"iccid": theirs.iccid, "tag": "north"}, 422),
    ):  # fmt: skip
        assert client.post("caps", CAP | change).status_code == status, change
    assert Cap.objects.count() == 0


def test_a_sub_accounts_key_reads_its_own_caps_without_dollars_and_changes_none(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    holder = fleet.account(parent=account)
    client.post("caps", CAP)
    own = client.post("caps", CAP | {"account_uuid": holder.uuid.hex, "unit": "usd"}).json()
    theirs = client_of(holder)
    (seen,) = theirs.get("caps").json()["data"]
    assert (seen["uuid"], seen["limit"], seen["used"], seen["percent"]) == (own["uuid"], None, None, 0)
    assert theirs.post("caps", CAP).status_code == 404
    assert theirs.write("PATCH", f"caps/{own['uuid']}", {"limit": 5}).status_code == 404
    assert theirs.write("DELETE", f"caps/{own['uuid']}").status_code == 404
    other = fleet.account(credit="10")
    Account.objects.filter(pk=other.pk).update(is_professional=True)
    stranger = client_of(Account.objects.get(pk=other.pk))
    assert stranger.get(f"caps/{own['uuid']}").status_code == 404


def test_many_caps_are_read_by_as_many_statements_as_one(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    counts = []
    for limit in (10, 20):
        made = client.post("caps", CAP | {"iccid": line.iccid, "limit": limit}).json()
        with CaptureQueriesContext(connection) as asked:
            assert client.get("caps").json()["data"]
        counts.append(len(asked))
    assert counts[0] == counts[1]
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"caps/{made['uuid']}").json() == made
    assert len(asked) == counts[0]
