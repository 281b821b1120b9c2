"""Lines come into an account out of stock: by digits or by a file, and nobody learns whose the others are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from kit.errors import Invalid

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from lines.commands.adding import NewLine, add_lines, rows_of
from lines.commands.claims import NOT_HERE, reserve
from lines.commands.fields import add_field
from lines.models import Drive, Line
from lines.policy import Wanted, Why
from lines.policy.fields import FieldKind
from tests.fleets import MB, Fleet, available, books_hold, state, used


def browser(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def give(account: Account, *lines: Line, plan: str = "simbase", active: bool = True) -> list[str]:
    rows = [NewLine(number, line.iccid, plan) for number, line in enumerate(lines, 2)]
    done = add_lines(account=account, rows=rows, active=active, by=OPERATOR)
    return [why for _, why in done.bad]


def test_a_line_comes_out_of_stock_with_nothing_to_pay_for_what_was_before(fleet: Fleet) -> None:
    account, line = fleet.account(), fleet.line(None)
    fleet.read(line, "2026-11-20T11:00", 500 * MB)
    assert give(account, line) == []
    line.refresh_from_db()
    assert (line.account, line.payer, state(line).wanted) == (account, account, Wanted.ACTIVE)
    fleet.read(line, "2026-11-20T12:30", 510 * MB)
    assert used(line) == 0
    fleet.read(line, "2026-11-20T13:00", 513 * MB)
    assert used(line) == 3 * MB
    assert available(account) == Decimal("99.97")
    assert books_hold()


def test_without_the_tick_it_is_deactivated_and_with_a_red_balance_suspended(fleet: Fleet) -> None:
    line, other = fleet.lines(None, 2)
    fresh = fleet.line(None)
    give(fleet.account(), line, active=False)
    give(fleet.account(credit="0"), other)
    give(fleet.account(), fresh)
    assert Drive.objects.filter(pk=fresh.pk).exists()
    assert not Drive.objects.filter(pk=line.pk).exists()
    assert (state(line).wanted, state(line).why) == (Wanted.DEACTIVATED, Why.NEW)
    assert (state(other).wanted, state(other).why) == (Wanted.SUSPENDED, Why.BALANCE)


def test_unknown_anothers_and_the_wrong_carriers_are_one_answer(fleet: Fleet) -> None:
    foreign = fleet.line(fleet.account())
    wrong = fleet.line(None, "iotportal")
    unknown = Line(iccid="8944999999999999999")
    assert give(fleet.account(), foreign, wrong, unknown) == [NOT_HERE] * 3
    assert Event.objects.filter(verb="line.added").count() == 0


def test_a_nul_in_the_notes_is_left_out(fleet: Fleet) -> None:
    line = fleet.line(None)
    rows = [NewLine(2, line.iccid, "simbase", "van\0  7")]
    assert not add_lines(account=fleet.account(), rows=rows, active=True, by=OPERATOR).bad
    line.refresh_from_db()
    assert line.notes == "van 7"


def test_the_second_click_changes_nothing(fleet: Fleet) -> None:
    account, line = fleet.account(), fleet.line(None)
    give(account, line)
    rows = [NewLine(2, line.iccid, "simbase")]
    assert len(add_lines(account=account, rows=rows, active=True, by=OPERATOR).ours) == 1
    assert Event.objects.filter(verb="line.added").count() == 1


def test_a_file_is_looked_at_first_and_each_bad_row_is_named(fleet: Fleet) -> None:
    account, client = fleet.account(), None
    one, two = fleet.lines(None, 2)
    client = browser(account)
    reserve(iccids=[one.iccid, two.iccid], account=account, by=OPERATOR)
    for name in ("Description", "Seats"):  # the first is a name for notes elsewhere
        kind = FieldKind.NUMBER if name == "Seats" else FieldKind.TEXT
        add_field(account=account, name=name, kind=kind, by=OPERATOR)
    text = "ICCID;Rate plan;Notes;Tags;Description;seats\n"
    text += f"{one.iccid};Simbase;Gate;north, south;Van 7;49.0\n12;simbase;;;;\n{two.iccid};nothing;;;;\n"
    text += f"{one.iccid};simbase;;;;\n{two.iccid};simbase;;;;many\n"
    page = client.post("/lines/add/many/", {"rows": text, "active": "1"}).content.decode()
    for expected in (
        "18 to 22 digits",
        "no rate plan “nothing”",
        "stands in row 2",
        "“many” is no number",
        "Add 1 line",
    ):
        assert expected in page
    assert Line.objects.filter(payer=account).count() == 0
    client.post("/lines/add/many/", {"rows": text, "active": "1", "sure": "1"})
    line = Line.objects.get(payer=account)
    assert (line.iccid, line.notes, line.tags.count()) == (one.iccid, "Gate", 2)
    kept = line.field_values.order_by("field__name").values_list("field__name", "value")
    assert list(kept) == [("Description", "Van 7"), ("Seats", "49")]


@pytest.mark.parametrize("text", ["", "iccid\n1", "a,b\n1,2", "rate plan,notes\nx,y"])
def test_a_file_without_its_headings_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rows_of(content=text.encode())


def test_the_form_adds_one_and_says_what_is_wrong(fleet: Fleet) -> None:
    account, line = fleet.account(), fleet.line(None)
    client = browser(account)
    reserve(iccids=[line.iccid], account=account, by=OPERATOR)
    assert "checked" in client.get("/lines/add/").content.decode()
    said = client.post("/lines/add/", {"iccid": "8944999999999999999", "plan": "simbase"}).content.decode()
    assert NOT_HERE in said
    spaced = f"{line.iccid[:4]} {line.iccid[4:]}"
    answer = client.post("/lines/add/", {"iccid": spaced, "plan": "simbase", "active": "1"}, follow=True)
    assert "is yours now" in answer.content.decode()
    sub = fleet.account(parent=account)
    assert browser(sub).get("/lines/add/").status_code == 404
    assert browser(sub).post("/lines/add/many/", {"rows": "x"}).status_code == 404
