"""Custom fields in the console: the page that defines them, a line's own, the list, its files, and a file that sets
them."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from accounts.models import Account, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from lines.commands import fields
from lines.models import CustomField, FieldValue, Line
from lines.policy.fields import FieldKind
from tests.evenly import evenly
from tests.fleets import Fleet
from tests.responses import ClientResponse, streamed_content


@pytest.fixture
def account(fleet: Fleet) -> Account:
    return fleet.account()


def browser(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def words(page: ClientResponse) -> str:
    return evenly(page.content.decode())


def add(account: Account, name: str, kind: str, *choices: str, shown: bool = False) -> CustomField:
    return fields.add_field(account=account, name=name, kind=FieldKind(kind), choices=choices, shown=shown, by=OPERATOR)


def give(account: Account, line: Line, **given: object) -> None:
    values = fields.read_values(account=account, given=given)
    fields.set_fields(line_ids=[line.pk], account=account, values=values, by=OPERATOR)


def test_the_page_adds_changes_and_removes_them(account: Account, fleet: Fleet) -> None:
    client, line = browser(account), fleet.line(account)
    said = client.post("/lines/fields/", {"name": "Depot", "kind": "choice", "choices": "Berlin\nPorto"}, follow=True)
    assert "Field Depot added" in words(said)
    field = CustomField.objects.get()
    assert client.post("/lines/fields/", {"name": "depot", "kind": "text"}).status_code == 422
    give(account, line, Depot="Berlin")
    page = f"/lines/fields/{field.uuid.hex}/"
    assert "1 line loses the value in it" in words(client.get("/lines/fields/"))
    said = client.post(page, {"name": "Yard", "choices": "Porto", "shown": "on"}, follow=True)
    assert "1 line has “Berlin”" in words(said)
    client.post(page, {"name": "Yard", "choices": "Berlin\nRome", "shown": "on"})
    field.refresh_from_db()
    assert (field.name, field.choices, field.shown_to_subaccounts) == ("Yard", ["Berlin", "Rome"], True)
    said = client.post(f"{page}remove/", follow=True)
    assert "Field Yard removed. 1 line had a value in it." in words(said)
    assert not FieldValue.objects.exists()


def test_a_line_shows_them_and_takes_new_values(account: Account, fleet: Fleet) -> None:
    client, line = browser(account), fleet.line(account)
    assert "Add a field" in words(client.get(f"/lines/{line.iccid}/"))
    depot, seats = add(account, "Depot", "choice", "Berlin", "Porto"), add(account, "Seats", "number")
    given = {f"field-{depot.uuid.hex}": "Porto", f"field-{seats.uuid.hex}": "1,249.5"}
    assert "Fields saved" in words(client.post(f"/lines/{line.iccid}/fields/", given, follow=True))
    page = client.get(f"/lines/{line.iccid}/").content.decode()
    assert 'value="1249.5"' in page
    wrong = client.post(f"/lines/{line.iccid}/fields/", given | {f"field-{seats.uuid.hex}": "many"}, follow=True)
    assert "Seats: “many” is no number" in words(wrong)
    client.post(f"/lines/{line.iccid}/fields/", {f"field-{depot.uuid.hex}": ""})
    assert fields.read_values(account=account, given={"Seats": "1249.50"})[seats.pk] == FieldValue.objects.get().value


def test_people_of_a_subaccount_see_those_that_are_shown_and_set_none(account: Account, fleet: Fleet) -> None:
    sub = fleet.account(parent=account)
    line, person = fleet.line(sub), User.objects.create_user("kim@sub.example")
    Membership.objects.create(user=person, account=sub, role=Role.USER)
    client = Client()
    client.force_login(person)
    shown, hidden = add(account, "Site", "text", shown=True), add(account, "Margin class", "text")
    give(account, line, Site="Hall 7", **{"Margin class": "secret"})
    page = words(client.get(f"/lines/{line.iccid}/"))
    assert "Hall 7" in page
    assert "secret" not in page
    assert "Margin class" not in page
    assert client.post(f"/lines/{line.iccid}/fields/", {f"field-{shown.uuid.hex}": "x"}).status_code == 404
    assert client.get("/lines/fields/").status_code == 404
    assert line.iccid[-4:] in words(client.get("/lines/", {"field": str(shown.pk), "value": "hall 7"}))
    assert client.get("/lines/", {"field": str(hidden.pk), "value": "secret"}).status_code == 302
    assert b"secret" not in streamed_content(client.get("/lines/export.csv"))


def test_the_list_shows_filters_and_sorts_by_them(account: Account, fleet: Fleet) -> None:
    client, lines = browser(account), fleet.lines(account, 3)
    seats = add(account, "Seats", "number")
    for line, number in zip(lines, (100, 9, 20), strict=True):
        give(account, line, Seats=number)
    client.post("/lines/columns/", {"column": ["status", f"field{seats.pk}"]})
    page = client.get("/lines/", {"sort": f"field{seats.pk}"})
    assert [row.line.iccid for row in page.context["rows"]] == [lines[1].iccid, lines[2].iccid, lines[0].iccid]
    assert "Seats" in words(page)
    page = client.get("/lines/", {"field": str(seats.pk), "value": "20.0"})
    assert [row.line.iccid for row in page.context["rows"]] == [lines[2].iccid]
    assert not client.get("/lines/", {"field": str(seats.pk), "value": "many"}).context["rows"]
    again = client.get("/lines/", {"rows": lines[0].iccid, "total": "3"}, headers={"HX-Request": "true"})
    assert "100" in again.content.decode()


def test_files_carry_them_out_and_in(account: Account, fleet: Fleet) -> None:
    client, (one, two) = browser(account), fleet.lines(account, 2)
    stranger = fleet.line(fleet.account())
    add(account, "Depot", "choice", "Berlin", "Porto"), add(account, "Since", "date"), add(account, "Seats", "number")
    give(account, one, Depot="Berlin", Since="2026-10-02", Seats="7.5")
    text = streamed_content(client.get("/lines/export.csv")).decode().removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["Depot"], row["Seats"], row["Since"]) for row in rows] == [
        ("Berlin", "7.5", "2026-10-02"),
        ("", "", ""),
    ]
    assert streamed_content(client.get("/lines/export.xlsx")).startswith(b"PK")
    file = f"ICCID;depot;Seats\n{one.iccid};porto;\n{two.iccid};;many\n{two.iccid};Berlin;3\n{stranger.iccid};Porto;1\n"
    looked = client.post("/lines/fields/file/", {"rows": file})
    assert (looked.context["done"].changed, looked.context["done"].bad) == (
        2, [(3, "Seats: “many” is no number; write it like 1250.5"), (5, "No such line is yours")],
    )  # fmt: skip
    assert FieldValue.objects.filter(line=two).count() == 0
    done = client.post("/lines/fields/file/", {"kept": looked.context["kept"], "sure": "1"})
    assert done.context["done"].changed == 2
    of = {line: dict(line.field_values.values_list("field__name", "value")) for line in (one, two, stranger)}
    assert of[one] == {"Depot": "Porto", "Since": "2026-10-02", "Seats": "7.5"}
    assert (of[two], of[stranger]) == ({"Depot": "Berlin", "Seats": "3"}, {})
