"""Events are kept by month: one goes whole, the proof of the others stays, and no reader loses what it has not read."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from kit import clock
from kit.months import make_months
from kit.retention import forget

from accounts.audit import differences, heads, prove
from accounts.commands import Happened, open_account, record, record_many
from accounts.commands.events import seal
from accounts.commands.handover import end_keys_of_former_owner
from accounts.commands.retention import KINDS
from accounts.models import Account, Event, GoneLinks
from accounts.policy import OPERATOR, SYSTEM
from automation.models import Swept, WebhookDelivery, WebhookEndpoint
from automation.work import webhooks
from tests.accounts.test_audit import JANE, unguarded  # noqa: F401
from tests.fleets import at

pytestmark = pytest.mark.django_db
(EVENTS,) = KINDS
JANUARY, NOW = dt.date(2031, 1, 1), dt.date(2032, 3, 2)  # of thirteen months that are kept, January is none


@pytest.fixture(autouse=True)
def kept(settings: Any) -> None:
    settings.RETENTION = "events=13"


@pytest.fixture
def acme() -> Account:
    """Opened now, with events of two months that are kept in parts of their own."""
    account = open_account(name="Acme", owner_email="jane@acme.example", by=OPERATOR)
    seal()
    make_months("event", today=JANUARY)
    happened(account, "2031-01-10T08:00", 3)
    happened(account, "2031-02-10T08:00", 2)
    seal()
    read_all()
    return account


def happened(account: Account | None, when: str, number: int = 1) -> None:
    with clock.frozen(at(when)):
        record_many(by=JANE, verb="tried", things=[Happened(account.pk if account else None, "")] * number)


def read_all() -> None:
    """Whoever reads events has read them. No table is changed while a check of its rows waits for a test's end."""
    newest = Event.objects.latest("pk").pk
    Swept.objects.update_or_create(name="feed", defaults={"last_event": newest})
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def parts() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM event_parts()")
        return {row[0].removeprefix("accounts_event_") for row in cursor.fetchall()}


def links(account: Account | None) -> list[int | None]:
    return list(Event.objects.filter(account=account).order_by("pk").values_list("link", flat=True))


def test_a_month_goes_whole_and_the_proof_goes_on_from_there(acme: Account) -> None:
    before = heads()
    assert (links(acme), prove().is_whole) == ([1, 2, 3, 4, 5, 6], True)
    with CaptureQueriesContext(connection) as asked:
        forget(EVENTS, today=NOW)
    assert parts() & {"before", "y2031m01", "y2031m02"} == {"y2031m02"}
    assert links(acme) == [5, 6]
    assert not [one for one in asked.captured_queries if one["sql"].startswith("DELETE")]
    seal()
    proof = prove()
    assert (proof.broken, proof.gone) == ([], 4)
    assert differences(before) == []
    (row,) = GoneLinks.objects.filter(account=acme)
    assert (row.first_link, row.last_link, row.until) == (1, 4, at("2031-02-01"))
    said = Event.objects.filter(verb="audit.month_dropped").latest("pk")
    assert (said.account, said.actor_name, said.detail["links"]) == (None, "system", 4)


def test_a_chain_of_which_nothing_is_left_goes_on(acme: Account) -> None:
    before = heads()
    forget(EVENTS, today=dt.date(2032, 6, 2))
    assert links(acme) == []
    seal()
    assert {str(one) for one in before} <= {str(one) for one in heads()}
    make_months("event", today=dt.date(2033, 1, 1))
    happened(acme, "2033-01-10T08:00", 2)
    seal()
    assert links(acme) == [7, 8]
    assert prove().is_whole
    assert differences(before) == []
    read_all()
    forget(EVENTS, today=dt.date(2034, 3, 2))
    seal()
    assert prove().is_whole
    assert GoneLinks.objects.get(account=acme).last_link == 8  # one run for all


def test_nothing_goes_where_nobody_says_so(acme: Account, settings: Any) -> None:
    settings.RETENTION = ""
    there = parts()
    assert forget(EVENTS, today=dt.date(2099, 1, 1)) == 0
    assert there <= parts()
    settings.RETENTION = "events=1"
    assert EVENTS.kept == 13


def test_links_that_were_made_in_another_order_than_months_are_proved(acme: Account) -> None:
    for when in ("2031-02-01T00:01", "2031-01-31T23:59", "2031-02-01T00:02", "2031-01-31T23:58", "2031-02-03T00:02"):
        happened(acme, when)
        seal()
    read_all()
    forget(EVENTS, today=NOW)
    gone = GoneLinks.objects.filter(account=acme).order_by("first_link").values_list("first_link", "last_link")
    assert list(gone) == [(1, 4), (8, 8), (10, 10)]
    assert links(acme) == [5, 6, 7, 9, 11]
    seal()
    assert prove().is_whole
    read_all()
    forget(EVENTS, today=dt.date(2032, 4, 2))
    assert GoneLinks.objects.get(account=acme).last_link == 11
    seal()
    assert prove().is_whole


def test_a_month_with_an_event_that_is_no_link_stays(acme: Account) -> None:
    happened(acme, "2031-01-12T08:00")
    read_all()
    forget(EVENTS, today=NOW)
    assert "y2031m01" in parts()
    seal()
    read_all()
    forget(EVENTS, today=NOW)
    assert "y2031m01" not in parts()


def test_a_month_that_the_feed_has_not_told_stays(acme: Account) -> None:
    Swept.objects.filter(name="feed").update(
        last_event=Event.objects.filter(at__gte=at("2031-01-01")).earliest("pk").pk
    )
    forget(EVENTS, today=NOW)
    assert "y2031m01" in parts()
    read_all()
    forget(EVENTS, today=NOW)
    assert "y2031m01" not in parts()


def test_a_message_is_sent_when_its_event_is_gone(acme: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = WebhookEndpoint.objects.create(account=acme, url="https://hooks.acme.example/", topics=["lines"])
    first = Event.objects.filter(account=acme).earliest("pk")
    WebhookDelivery.objects.create(endpoint=endpoint, event_id=first.pk, topic="lines", body="{}")
    read_all()
    forget(EVENTS, today=NOW)
    assert not Event.objects.filter(pk=first.pk).exists()
    monkeypatch.setattr(webhooks, "_try", lambda _: 204)
    assert webhooks.send() == 1
    assert WebhookDelivery.objects.get().event_id == first.pk


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM accounts_gonelinks",
        "UPDATE accounts_gonelinks SET hash = 'x'",
        "UPDATE accounts_gonelinks SET last_link = last_link + 1; DELETE FROM accounts_event WHERE link = 5",
        "DELETE FROM accounts_event WHERE verb = 'audit.month_dropped'",
        "UPDATE accounts_event SET actor_name = 'tom' WHERE link = 5",
        "DELETE FROM accounts_event WHERE link = 5",
    ],
)
@pytest.mark.usefixtures("unguarded")
def test_what_stands_for_a_month_is_not_changed_in_secret(acme: Account, statement: str) -> None:
    forget(EVENTS, today=NOW)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert not prove().is_whole


def test_the_application_writes_none_of_what_stands_for_a_month(acme: Account) -> None:
    forget(EVENTS, today=NOW)
    for statement in ("DELETE FROM accounts_gonelinks", "UPDATE accounts_gonelinks SET hash = 'x'"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE ROLE someone; GRANT SELECT, DELETE, UPDATE ON accounts_gonelinks TO someone")
            cursor.execute("SET ROLE someone")
            with pytest.raises(DatabaseError, match="written where a month goes"), transaction.atomic():
                cursor.execute(statement)
            transaction.set_rollback(True)


@pytest.mark.usefixtures("unguarded")
def test_a_link_is_one_event_in_all_months(acme: Account) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ALTER TABLE accounts_event DISABLE TRIGGER event_is_sealed_once")
        for account, change in ((acme.pk, "link = 1"), (acme.pk, "link = 6"), (acme.pk, "account_id = NULL")):
            record(by=SYSTEM, verb="of.installation")
            seal()
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            with pytest.raises(IntegrityError, match="is another event"), transaction.atomic():
                cursor.execute(f"UPDATE accounts_event SET {change} WHERE account_id = %s AND link = 2", [account])
        read_all()
        cursor.execute("ALTER TABLE accounts_event ENABLE TRIGGER event_is_sealed_once")


def test_a_month_that_is_archived_is_in_one_file_before_it_goes(acme: Account, settings: Any, tmp_path: Path) -> None:
    settings.RETENTION_ARCHIVED, settings.RETENTION_ARCHIVE = "events", str(tmp_path / "archive")
    Swept.objects.filter(name="feed").update(last_event=0)
    forget(EVENTS, today=NOW)
    assert not (tmp_path / "archive").exists()  # what stays is not written each hour
    read_all()
    forget(EVENTS, today=NOW)
    files = {path.name: path for path in (tmp_path / "archive").iterdir()}
    opened = f"events-{clock.today():%Y-%m}.jsonl.gz"
    assert set(files) == {opened, "events-2031-01.jsonl.gz"}
    assert {path.stat().st_mode & 0o077 for path in files.values()} == {0}
    rows = [json.loads(row) for row in gzip.decompress(files["events-2031-01.jsonl.gz"].read_bytes()).splitlines()]
    assert [row["link"] for row in rows] == [2, 3, 4]


def test_a_key_that_may_have_been_seen_in_a_month_that_is_gone_ends(acme: Account) -> None:
    child = open_account(name="Harbour", owner_email="sub@harbour.example", parent=acme, by=OPERATOR)
    record(by=JANE, verb="tried", account_id=child.pk)

    def ended() -> bool:
        return "Harbour" in str(end_keys_of_former_owner(account=acme, email="x@acme.example", by=OPERATOR))

    assert not ended()
    seal()
    read_all()
    forget(EVENTS, today=NOW)
    assert ended()
