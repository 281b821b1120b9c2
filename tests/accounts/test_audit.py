"""The audit: nothing is changed or lost unseen, and everything is found."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from pytest_django import Settings

from accounts.commands import Happened, open_account, record, record_many
from accounts.commands.events import seal
from accounts.models import Account, Event, Membership, User
from accounts.policy import OPERATOR, SYSTEM, Actor, ActorKind, Role
from accounts.queries import owner_of
from accounts.tasks import anchor_audit
from tests.letters import posted
from tests.responses import streamed_content

pytestmark = pytest.mark.django_db

JANE = Actor(ActorKind.PERSON, "jane@acme.example")
ICCID = "8910300000000000017"


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email="jane@acme.example", by=OPERATOR)


def client_of(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def checked() -> dict[str, object]:
    out = io.StringIO()
    with contextlib.suppress(SystemExit):
        call_command("check_audit", "--json", stdout=out)
    document: dict[str, object] = json.loads(out.getvalue())
    return document


@pytest.fixture
def unguarded() -> Iterator[None]:
    """What only who owns the database can do: write past the triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.fixture
def history(acme: Account) -> Account:
    record_many(by=JANE, verb="line.activated", things=[Happened(acme.pk, f"line:{n}") for n in range(20)])
    record(by=SYSTEM, verb="kept", detail={"a": 1})
    seal()
    return acme


def test_every_event_becomes_a_link_of_its_accounts_chain_once(history: Account) -> None:
    links = Event.objects.filter(account=history).order_by("pk").values_list("link", flat=True)
    assert list(links) == list(range(1, 22))
    assert seal() == 0
    record(by=JANE, verb="later", account_id=history.pk)
    assert seal(most=1) == 1
    assert Event.objects.get(verb="later").link == 22
    answer = checked()
    assert (answer["whole"], answer["events"], answer["sealed"], answer["chains"]) == (True, 23, 23, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_event SET actor_name = 'x'",
        "UPDATE accounts_event SET hash = NULL, link = NULL",
        "UPDATE accounts_event SET link = link + 100, hash = 'x'",
        "DELETE FROM accounts_event",
    ],
)
def test_the_database_refuses_to_change_a_sealed_event(history: Account, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_an_event_that_is_no_link_yet_is_not_changed_while_it_is_sealed(acme: Account) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_event SET link = 1, hash = 'x', verb = 'nothing'")


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE accounts_event SET actor_name = 'tom' WHERE link = 7 AND account_id IS NOT NULL", "it was changed"),
        ("UPDATE accounts_event SET detail = '{\"a\": 2}' WHERE account_id IS NULL", "it was changed"),
        ("DELETE FROM accounts_event WHERE link = 7 AND account_id IS NOT NULL", "a link before it is missing"),
    ],
)
def test_what_was_done_past_the_triggers_is_found(history: Account, unguarded: None, statement: str, why: str) -> None:
    before = checked()
    with connection.cursor() as cursor:
        cursor.execute(statement)
    answer = checked()
    assert before["whole"] is True
    assert answer["whole"] is False
    assert why in str(answer["broken"])


def test_a_chain_that_was_cut_at_its_end_has_another_head(history: Account, unguarded: None) -> None:
    before = checked()["heads"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_event WHERE link = 21")
    assert checked()["heads"] != before


@pytest.mark.django_db(transaction=True)
def test_many_write_and_seal_at_once_and_every_chain_is_whole() -> None:
    account = open_account(name="Acme", owner_email="jane@acme.example", by=OPERATOR)

    def write(_: int) -> None:
        for _ in range(5):
            with transaction.atomic():
                record_many(by=JANE, verb="tried", things=[Happened(account.pk, ""), Happened(None, "")])
            seal(most=7)
        connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    while seal():
        pass
    answer = checked()
    assert (answer["whole"], answer["sealed"]) == (True, 61)


def test_the_page_tells_who_did_what_before_and_after(acme: Account) -> None:
    by = Actor(ActorKind.BACK_OFFICE, "ann@ops.example")
    record(
        by=by,
        verb="line.notes_edited",
        account_id=acme.pk,
        subject=f"line:{ICCID}",
        detail={"before": "a", "after": "b"},
    )
    page = client_of(acme).get("/audit/").content.decode()
    for words in (
        "Back office, ann@ops.example",
        "Line: notes edited",
        "<del>a</del>",
        "<ins>b</ins>",
        f"/lines/{ICCID}/",
    ):
        assert words in page


def test_search_and_filters_find_what_is_asked(acme: Account) -> None:
    record(
        by=JANE, verb="line.notes_edited", account_id=acme.pk, subject=f"line:{ICCID}", detail={"after": "Truck 100%"}
    )
    record(by=SYSTEM, verb="balance.red", account_id=acme.pk)
    client = client_of(acme)

    def found(query: str) -> list[str]:
        return [row.what for row in client.get(f"/audit/?{query}", follow=True).context["rows"]]

    assert (
        found(f"q={ICCID}")
        == found("q=truck")
        == found("q=100%25")
        == found("q=notes+edited")
        == ["Line: notes edited"]
    )
    assert found("by=system") == ["Balance: red"]
    assert found("q=jane@acme&by=person") == ["Person: logged in", "Line: notes edited"]
    assert found("to=2020-01-01") == []
    assert len(found("from=2020-01-01&by=nobody&to=tomorrow&before=x&q=%00")) == 4


def test_older_pages_go_on_where_the_last_ended(acme: Account) -> None:
    record_many(by=JANE, verb="tried", things=[Happened(acme.pk, str(n)) for n in range(120)])
    client, address, seen = client_of(acme), "", []
    while True:
        context = client.get(f"/audit/{address}").context
        seen += [row.id for row in context["rows"]]
        if not (address := context["older"]):
            break
    assert len(seen) == len(set(seen)) == 122  # opened, tried, logged in


def test_the_file_holds_everything_and_nothing_that_a_spreadsheet_would_run(acme: Account) -> None:
    detail = {"before": {"name": "=1+1"}, "after": {"name": "b"}}
    record(by=JANE, verb="line.notes_edited", account_id=acme.pk, subject=f"line:{ICCID}", detail=detail)
    body = streamed_content(client_of(acme).get("/audit/audit.csv")).decode()
    rows = [row for row in csv.reader(io.StringIO(body)) if row[2] != "Person: logged in"]
    assert rows[1][1:] == ["jane@acme.example", "Line: notes edited", f'="{ICCID}"', "", "name", "'=1+1", "b"]
    assert {len(row) for row in rows} == {8}


def test_a_parent_sees_its_sub_accounts_events_and_nobody_elses(acme: Account) -> None:
    child = open_account(name="Harbour", owner_email="sub@harbour.example", parent=acme, by=OPERATOR)
    other = open_account(name="Other", owner_email="olga@other.example", by=OPERATOR)
    record(by=JANE, verb="canary.of_child", account_id=child.pk)
    record(by=JANE, verb="canary.of_other", account_id=other.pk)
    page = client_of(acme).get("/audit/").content.decode()
    assert "Canary: of child" in page
    assert "Canary: of other" not in page
    assert client_of(child).get("/audit/").status_code == 404
    assert client_of(child).get("/audit/audit.csv").status_code == 404


def test_a_viewer_sees_the_audit(acme: Account) -> None:
    user = User.objects.create_user("view@acme.example")
    Membership.objects.create(user=user, account=acme, role=Role.VIEWER)
    client = Client()
    client.force_login(user)
    assert client.get("/audit/").status_code == 200


def kept(tmp_path: Path, acme: Account) -> str:
    """The ends of today, signed, in a file elsewhere."""
    file = tmp_path / "heads"
    call_command("check_audit", "--heads", str(file), "--json", stdout=io.StringIO())
    assert f"{acme.uuid} " in file.read_text()
    return str(file)


def compared(file: str) -> dict[str, Any]:
    out = io.StringIO()
    with contextlib.suppress(SystemExit):
        call_command("check_audit", "--since", file, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_chain_whose_end_was_cut_is_found_against_heads_kept_before(
    history: Account, unguarded: None, tmp_path: Path
) -> None:
    file = kept(tmp_path, history)
    assert compared(file)["whole"]
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_event WHERE id IN (SELECT id FROM accounts_event WHERE account_id = %s"
            " ORDER BY link DESC LIMIT 2)",
            [history.pk],
        )
    record(by=SYSTEM, verb="goes.on", account_id=history.pk)
    seal()
    assert checked()["whole"]  # of itself it looks whole
    found = compared(file)
    assert not found["whole"]
    assert str(history.uuid) in found["differs"][0]


def test_a_chain_that_was_computed_anew_is_found_against_heads_kept_before(
    history: Account, unguarded: None, tmp_path: Path
) -> None:
    file = kept(tmp_path, history)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_event SET actor_name = 'mallory' WHERE id ="
            " (SELECT min(id) FROM accounts_event WHERE account_id = %s)",
            [history.pk],
        )
        cursor.execute("UPDATE accounts_event SET link = NULL, hash = NULL WHERE account_id = %s", [history.pk])
    seal()
    assert checked()["whole"]
    assert "made anew" in compared(file)["differs"][0]


def test_heads_that_we_did_not_sign_are_refused(history: Account, tmp_path: Path) -> None:
    file = Path(kept(tmp_path, history))
    file.write_text(file.read_text().replace(" 1 ", " 2 ").replace("heads 20", "heads 19"))
    with pytest.raises(CommandError, match="not signed"):
        call_command("check_audit", "--since", str(file), "--json", stdout=io.StringIO())


def test_the_heads_are_mailed_outside_each_day_where_somebody_is_named(
    history: Account, settings: Settings, tmp_path: Path
) -> None:
    assert anchor_audit() == 0
    settings.AUDIT_ANCHOR_MAIL = "auditor@outside.example"
    anchor_audit()
    (letter,) = posted()
    page = str(letter.body)[str(letter.body).index("linekeeper audit heads") :]
    file = tmp_path / "mailed"
    file.write_text(page)
    assert compared(str(file))["compared"] >= 1
