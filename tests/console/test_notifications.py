"""The bell, the page with all, how each wants to be told; and Undo in messages, where nothing has changed since."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from kit import clock

from accounts.models import Account, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from billing.commands import notices, notifying
from billing.models import Notification, NotificationChoice
from billing.policy.notices import Kind, Wish
from billing.words import Told
from lines.commands.wishes import deactivate
from lines.models import Line, LineState
from lines.policy import Wanted
from tests.console.console_people import MakeLine, client_of, place_of
from tests.evenly import evenly

pytestmark = pytest.mark.django_db


def told(account: Account, *subjects: str) -> None:
    for subject in subjects:
        notices.tell(account_id=account.pk, key=subject, told=Told(subject, "What it says."))
    notifying.show_due()


def test_the_bell_counts_what_is_unread_and_a_notification_opens_what_it_is_about(acme: Account) -> None:
    told(acme, "The first", "The second")
    client = client_of(acme)
    assert "Unread (2)" in evenly(client.get("/notifications/").content.decode())
    bell = evenly(client.get("/notifications/bell/", headers={"HX-Request": "true"}).content.decode())
    assert bell.index("The second") < bell.index("The first")
    one = Notification.objects.order_by("pk").first()
    assert one is not None
    answer = client.post("/notifications/read/", {"one": one.pk})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/billing/")
    unread = evenly(client.get("/notifications/?which=unread").content.decode())
    assert ("The second" in unread, "The first" in unread) == (True, False)
    client.post("/notifications/read/", {"all": "1", "next": "https://else.example/"})
    assert "Nothing unread" in evenly(client.get("/notifications/?which=unread").content.decode())
    assert client.get("/notifications/bell/").headers["Location"] == "/notifications/"
    assert "was left out" in evenly(client.get("/notifications/?kind=weather", follow=True).content.decode())


def test_nobody_opens_or_reads_what_another_was_told(acme: Account) -> None:
    told(acme, "A secret")
    other = User.objects.create_user("op@acme.example")
    Membership.objects.create(user=other, account=acme, role=Role.VIEWER)
    Notification.objects.filter(user=other).delete()
    client = Client()
    client.force_login(other)
    assert "A secret" not in evenly(client.get("/notifications/").content.decode())
    assert client.post("/notifications/read/", {"one": Notification.objects.get().pk}).status_code == 404
    client.post("/notifications/read/", {"all": "1"})
    assert Notification.objects.get().read_at is None


def test_a_person_chooses_for_each_kind_how_they_are_told(acme: Account) -> None:
    client, place = client_of(acme), place_of(acme)
    form = {f"mail-{kind}": Wish.NONE.value for kind in Kind} | {"console-money": "on", "webhook-jobs": "on"}
    said = evenly(client.post("/notifications/choose/", form, follow=True).content.decode())
    assert "Notification settings saved" in said
    chosen = {row.kind: row for row in NotificationChoice.objects.filter(membership=place)}
    assert {kind: (row.in_console, row.by_webhook) for kind, row in chosen.items()} == {
        kind: (kind == Kind.MONEY, kind == Kind.JOBS) for kind in Kind
    }
    assert {row.by_mail for row in chosen.values()} == {Wish.NONE}
    bad = client.post("/notifications/choose/", form | {"mail-rules": "sometimes"}, follow=True)
    assert "Nothing saved" in evenly(bad.content.decode())
    assert NotificationChoice.objects.count() == len(Kind)


def note_in(html: str) -> str:
    found = re.search(r'name="note" value="([^"]+)"', html)
    return found[1] if found else ""


def act(client: Client, path: str, **form: str) -> str:
    return note_in(client.post(path, form, follow=True).content.decode())


def undone(client: Client, note: str) -> str:
    return evenly(client.post("/undo/", {"note": note, "next": "/lines/"}, follow=True).content.decode())


def wanted(line: Line) -> Wanted:
    return Wanted(LineState.objects.get(pk=line.pk).wanted)


def test_what_was_done_to_a_line_is_undone_from_its_message(acme: Account, make_line: MakeLine) -> None:
    line, client = make_line(acme, notes="before"), client_of(acme)
    deactivate(line=line, by=OPERATOR)
    note = act(client, f"/lines/{line.iccid}/activate/")
    assert wanted(line) is Wanted.ACTIVE
    assert "Undone" in undone(client, note)
    assert wanted(line) is Wanted.DEACTIVATED
    assert "changed again since" in undone(client, note)  # the second press
    note = act(client, f"/lines/{line.iccid}/notes/", notes="after")
    undone(client, note)
    line.refresh_from_db()
    assert line.notes == "before"
    act(client, f"/lines/{line.iccid}/activate/")
    note = act(client, f"/lines/{line.iccid}/deactivate/")
    line.refresh_from_db()
    assert line.deactivation_date is not None
    undone(client, note)
    line.refresh_from_db()
    assert line.deactivation_date is None
    note = act(client, f"/lines/{line.iccid}/tags/", tags="red, blue")
    undone(client, note)
    assert not line.tags.exists()


def test_undo_asks_again_whether_anything_changed_and_whether_one_may(acme: Account, make_line: MakeLine) -> None:
    line, client = make_line(acme, notes="before"), client_of(acme)
    note = act(client, f"/lines/{line.iccid}/notes/", notes="after")
    Line.objects.filter(pk=line.pk).update(notes="somebody else's")
    assert "changed again since" in undone(client, note)
    line.refresh_from_db()
    assert line.notes == "somebody else's"
    note = act(client, f"/lines/{line.iccid}/notes/", notes="mine")
    Membership.objects.filter(account=acme).update(role=Role.VIEWER)
    assert client.post("/undo/", {"note": note}).status_code == 404
    Membership.objects.filter(account=acme).update(role=Role.OWNER)
    assert client.post("/undo/", {"note": note + "x"}).status_code == 404
    other = User.objects.create_user("op@acme.example")
    Membership.objects.create(user=other, account=acme, role=Role.USER)
    stranger = Client()
    stranger.force_login(other)
    assert stranger.post("/undo/", {"note": note}).status_code == 404
    line.refresh_from_db()
    assert line.notes == "mine"


def test_undo_is_good_for_an_hour(acme: Account, make_line: MakeLine, monkeypatch: pytest.MonkeyPatch) -> None:
    line, client = make_line(acme, notes="before"), client_of(acme)
    note = act(client, f"/lines/{line.iccid}/notes/", notes="after")
    monkeypatch.setattr(
        "django.core.signing.time.time", lambda: clock.now().timestamp() + dt.timedelta(hours=2).seconds
    )
    assert "more than an hour ago" in undone(client, note)


def test_switches_of_a_sub_account_and_a_person_are_undone(acme: Account) -> None:
    client = client_of(acme)
    inner = Account.objects.create(name="Harbour", parent=acme)
    note = act(client, f"/subaccounts/{inner.uuid.hex}/switch/", active="0")
    assert not Account.objects.get(pk=inner.pk).is_active
    undone(client, note)
    assert Account.objects.get(pk=inner.pk).is_active
    assert "changed again since" in undone(client, note)
    place = Membership.objects.create(user=User.objects.create_user("op@acme.example"), account=acme, role=Role.USER)
    note = act(client, f"/staff/{place.pk}/deactivate/")
    undone(client, note)
    place.refresh_from_db()
    assert place.is_active
    assert owner_of(acme).email
