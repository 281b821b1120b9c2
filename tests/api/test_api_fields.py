"""Custom fields by the API: defined, set, listed, filtered, and whom they are shown to."""

from __future__ import annotations

import pytest
from kit.paging import Cursor

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from lines.commands import fields
from lines.commands.claims import reserve
from lines.commands.leaving import release_lines
from lines.models import CustomField, FieldValue
from lines.policy.fields import MOST_FIELDS, FieldKind
from lines.work.jobs import run_jobs
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.api.test_api_mirror import cursor_of, walk
from tests.fleets import Fleet

pytestmark = pytest.mark.django_db


@pytest.fixture
def four(account: Account) -> None:
    for name, kind, choices, shown in (
        ("Depot", "choice", ("Berlin", "Porto"), True),
        ("Installed", "date", (), False),
        ("Seats", "number", (), False),
        ("Customer no.", "text", (), False),
    ):
        fields.add_field(account=account, name=name, kind=FieldKind(kind), choices=choices, shown=shown, by=OPERATOR)


GIVEN = {"Depot": "berlin", "Installed": "2026-10-02", "seats": 49.5, "Customer no.": "  K 7 "}
KEPT = {"Customer no.": "K 7", "Depot": "Berlin", "Installed": "2026-10-02", "Seats": 49.5}


@pytest.mark.usefixtures("four")
def test_what_is_set_is_in_the_line_the_list_and_the_audit(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    line, other = fleet.lines(account, 2)
    path = f"sim_card/{line.iccid}/custom_fields"
    assert client.put(path, {"custom_fields": GIVEN}).json() == {"custom_fields": KEPT}
    assert client.put(path, {"custom_fields": KEPT}).json() == {"custom_fields": KEPT}  # nothing more happens
    assert client.get(path).json() == {"custom_fields": KEPT}
    assert client.get(f"sim_card/{line.iccid}").json()["custom_fields"] == KEPT
    rows = client.get("iot_sim_cards", fields="custom_fields").json()["data"]
    assert [row["more"]["custom_fields"] for row in rows] == [KEPT, {}]
    (event,) = Event.objects.filter(verb="line.fields_set")
    assert (event.account_id, event.subject) == (account.pk, f"line:{line.iccid}")
    assert event.detail["after"] == KEPT | {"Seats": "49.5"}
    changed = {"custom_fields": {"Seats": None, "Depot": "", "Installed": "2026-10-03"}}
    assert client.put(path, changed).json()["custom_fields"] == {"Customer no.": "K 7", "Installed": "2026-10-03"}
    client.put(path, {"custom_fields": {"Seats": 49.5}})
    assert client.get(f"sim_card/{line.iccid}", money="string").json()["custom_fields"]["Seats"] == "49.5"
    assert other.field_values.count() == 0


@pytest.mark.usefixtures("four")
def test_bad_values_change_nothing(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    for wrong in (
        {"Depot": "Paris"}, {"Installed": "soon"}, {"Seats": "many"}, {"Colour": "red"}, {"Seats": 1e300},
        {"Seats": 1, "seats": 2}, {"Customer no.": "x" * 201},
    ):  # fmt: skip
        answer = client.put(
            f"sim_card/{line.iccid}/custom_fields", {"custom_fields": {"Installed": "2026-01-01"} | wrong}
        )
        assert (answer.status_code, answer.json()["field"]) == (422, "custom_fields"), wrong
    assert not FieldValue.objects.exists()


@pytest.mark.usefixtures("four")
def test_lists_jobs_and_pages_are_narrowed_by_a_field(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    lines = fleet.lines(account, 5)
    for number, line in enumerate(lines):
        path = f"sim_card/{line.iccid}/custom_fields"
        client.put(path, {"custom_fields": {"Depot": "Porto" if number < 3 else "Berlin", "Seats": number % 2}})

    def iccids(**query: object) -> list[str]:
        found = client.get("iot_sim_cards", **query).json()
        assert found["total"] == len(found["data"])
        return [row["iccid"] for row in found["data"]]

    assert iccids(**{"field.Depot": "porto"}) == [line.iccid for line in lines[:3]]
    assert iccids(**{"field.depot": "Porto", "field.Seats": "1.0"}) == [lines[1].iccid]
    assert iccids(**{"field.Depot": ""}) == [line.iccid for line in lines]
    page = client.get("iot_sim_cards", per_page=2, **{"field.Depot": "Porto"}).json()
    follow = client.http.get(page["links"]["next"], headers=client.headers()).json()
    assert [row["iccid"] for row in follow["data"]] == [lines[2].iccid]
    for name, value in (("field.Colour", "red"), ("field.Depot", "Paris"), ("field.", "x"), ("custom_fields", "x")):
        refused = client.get("iot_sim_cards", **{name: value})
        assert (refused.status_code, refused.json()["field"]) == (422, name)
    assert client.get("iot_sim_cards", **{f"field.a{n}": "x" for n in range(6)}).status_code == 422
    assert client.get("jobs", **{"field.Depot": "Porto"}).json()["field"] == "field.Depot"
    job = {"action": "deactivate", "filter": {"custom_fields": {"Depot": "Porto"}}, "dry_run": True}
    found = client.post("jobs", job).json()
    assert (found["total"], found["selection"]) == (3, "lines by filter: Depot Porto")


@pytest.mark.usefixtures("four")
def test_a_subaccount_sees_what_is_shown_to_it_alone(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub, stranger = fleet.account(parent=account), fleet.account()
    line = fleet.line(sub)
    path = f"sim_card/{line.iccid}/custom_fields"
    client.put(path, {"custom_fields": GIVEN})
    theirs = client_of(sub)
    assert [row["name"] for row in theirs.get("custom_fields").json()["data"]] == ["Depot"]
    assert theirs.get(path).json()["custom_fields"] == {"Depot": "Berlin"}
    (row,) = theirs.get("iot_sim_cards", fields="custom_fields", **{"field.Depot": "Berlin"}).json()["data"]
    assert row["more"]["custom_fields"] == {"Depot": "Berlin"}
    assert theirs.get("iot_sim_cards", **{"field.Seats": "49.5"}).status_code == 422
    field = CustomField.objects.get(name="Depot")
    assert theirs.put(path, {"custom_fields": {"Depot": "Porto"}}).status_code == 404
    assert theirs.write("DELETE", f"custom_fields/{field.uuid.hex}").status_code == 404
    assert theirs.get(f"custom_fields/{field.uuid.hex}").json()["name"] == "Depot"
    assert theirs.get(f"custom_fields/{CustomField.objects.get(name='Seats').uuid.hex}").status_code == 404
    Account.objects.filter(pk=stranger.pk).update(is_professional=True)
    strangers = client_of(stranger)
    assert strangers.get("custom_fields").json()["data"] == []
    assert strangers.get(path).status_code == 404


def test_fields_are_added_changed_and_removed(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    new = {"name": "Depot", "kind": "choice", "choices": ["Berlin", "Porto"]}
    made = client.post("custom_fields", new, key="one").json()
    assert client.post("custom_fields", new, key="one").json() == made
    assert (made["shown_to_subaccounts"], made["lines"]) == (False, 0)
    for wrong, field in (
        (new | {"name": "DEPOT"}, "name"), (new | {"name": "Notes"}, "name"), ({"name": "a,b", "kind": "text"}, "name"),
        ({"name": "New", "kind": "choice"}, "choices"), ({"name": "X", "kind": "text", "choices": ["a"]}, "choices"),
    ):  # fmt: skip
        refused = client.post("custom_fields", wrong)
        assert (refused.status_code, refused.json()["field"]) == (422, field)
    client.put(f"sim_card/{line.iccid}/custom_fields", {"custom_fields": {"Depot": "Berlin"}})
    path = f"custom_fields/{made['uuid']}"
    assert client.get(path).json() == made | {"lines": 1}
    kept = client.put(path, {"name": "Depot", "choices": ["Porto"]})
    assert kept.status_code == 409
    assert "1 line has “Berlin”" in kept.json()["detail"]
    changed = client.put(path, {"name": "Yard", "choices": ["BERLIN", "Rome"], "shown_to_subaccounts": True}).json()
    assert (changed["name"], changed["shown_to_subaccounts"], changed["lines"]) == ("Yard", True, 1)
    assert client.get(f"sim_card/{line.iccid}").json()["custom_fields"] == {"Yard": "BERLIN"}
    stranger = fleet.account()
    Account.objects.filter(pk=stranger.pk).update(is_professional=True)
    assert client_of(stranger).write("DELETE", path).status_code == 404
    assert client.write("DELETE", path).status_code == 200
    assert client.get(f"sim_card/{line.iccid}").json()["custom_fields"] == {}
    verbs = Event.objects.filter(account=account, verb__startswith="field.").order_by("pk")
    assert list(verbs.values_list("verb", flat=True)) == ["field.added", "field.changed", "field.removed"]
    for number in range(MOST_FIELDS):
        assert client.post("custom_fields", {"name": f"f{number}", "kind": "text"}).status_code == 200
    assert client.post("custom_fields", {"name": "more", "kind": "text"}).status_code == 422


@pytest.mark.usefixtures("four")
def test_values_stay_within_the_account_and_go_when_a_line_leaves(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    sub, line = fleet.account(parent=account), fleet.line(account)
    client.put(f"sim_card/{line.iccid}/custom_fields", {"custom_fields": GIVEN})
    for holder in (sub, account):
        client.put(f"sim_card/{line.iccid}/account", {"account_uuid": holder.uuid.hex})
        assert client.get(f"sim_card/{line.iccid}").json()["custom_fields"] == KEPT
    release_lines(line_ids=[line.pk], to=None, by=OPERATOR)
    assert not FieldValue.objects.exists()


@pytest.mark.usefixtures("four")
def test_lines_are_sorted_by_a_field_as_what_it_is(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    """Numbers as numbers, lines without a value first; no line twice, none left out, forth and back."""
    lines = fleet.lines(account, 6)
    numbers, days = (100, 9, -2.5, 9, None, None), ("2026-02-01", "2026-01-01", "2026-03-01", None, "2026-01-01", None)
    texts = ("b\u200bc", "B", "a", "", "ä", None)
    for line, seats, installed, name in zip(lines, numbers, days, texts, strict=True):
        given = {"Seats": seats, "Customer no.": name, "Installed": installed}
        client.put(f"sim_card/{line.iccid}/custom_fields", {"custom_fields": given})
    for name in ("Seats", "customer no.", "Installed", "Depot"):
        forth = walk(client, f"field.{name}")
        assert sorted(forth) == [line.iccid for line in lines], name
        assert walk(client, f"-field.{name}") == forth[::-1]
    by_seats = walk(client, "field.Seats")
    assert by_seats == [lines[at].iccid for at in (4, 5, 2, 1, 3, 0)]
    cursor = cursor_of(client.get("iot_sim_cards", per_page=1, sort="field.Customer no.").json()["links"]["next"])
    assert client.get("iot_sim_cards", sort="field.Seats", cursor=cursor).json()["field"] == "cursor"
    for key in ('["NaN","1"]', '["1e30","1"]', '["0.0000001","1"]', '["x","1"]'):
        assert client.get("iot_sim_cards", sort="field.Seats", cursor=str(Cursor(key, False, 3))).status_code == 422
    for wrong in ("field.", "field.Colour", "field", "-field.Colour", "--field.Seats"):
        assert client.get("iot_sim_cards", sort=wrong).json()["field"] == "sort", wrong
    sub = fleet.account(parent=account)
    assert client_of(sub).get("iot_sim_cards", sort="field.Depot").status_code == 200
    assert client_of(sub).get("iot_sim_cards", sort="field.Seats").status_code == 422


@pytest.mark.usefixtures("four")
def test_a_job_sets_fields_after_a_preview_and_is_undone(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    one, two = fleet.lines(account, 2)
    client.put(f"sim_card/{one.iccid}/custom_fields", {"custom_fields": {"Depot": "Berlin"}})
    asked = {"action": "set-fields", "filter": {"all": True}, "custom_fields": {"Depot": "porto", "Seats": 2.5}}
    job = client.post("jobs", asked | {"dry_run": True, "expected_total": 2}).json()
    assert (job["state"], job["preview"]["will"]) == ("previewed", 2)
    assert client.get(f"sim_card/{two.iccid}").json()["custom_fields"] == {}
    client.post(f"jobs/{job['uuid']}/start")
    run_jobs(stop=lambda: False)
    for line in (one, two):
        assert client.get(f"sim_card/{line.iccid}").json()["custom_fields"] == {"Depot": "Porto", "Seats": 2.5}
    (back,) = client.post(f"jobs/{job['uuid']}/undo").json()["jobs"]
    assert (back["action"], back["total"]) == ("restore-fields", 2)
    run_jobs(stop=lambda: False)
    kept = [client.get(f"sim_card/{line.iccid}").json()["custom_fields"] for line in (one, two)]
    assert kept == [{"Depot": "Berlin"}, {}]
    for wrong in ({"Colour": "red"}, {}):
        refused = client.post("jobs", asked | {"custom_fields": wrong})
        assert (refused.status_code, refused.json()["field"]) == (422, "custom_fields")
    assert client.post("jobs", asked | {"action": "tag", "tags": ["a"]}).status_code == 422
    assert client.post("jobs", {"action": "restore-fields", "filter": {"all": True}}).status_code == 422


@pytest.mark.usefixtures("four")
def test_a_line_that_is_added_has_its_fields_at_once(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(None)
    reserve(iccids=[line.iccid], account=account, by=OPERATOR)
    new = {"iccid": line.iccid, "rate_plan_id": line.plan_id, "activate": False}
    refused = client.post("iot_sim_cards", new | {"custom_fields": {"Depot": "Paris"}})
    assert (refused.status_code, "Paris" in refused.json()["detail"]) == (422, True)
    assert client.post("iot_sim_cards", new | {"custom_fields": GIVEN}).status_code == 200
    assert client.get(f"sim_card/{line.iccid}").json()["custom_fields"] == KEPT
