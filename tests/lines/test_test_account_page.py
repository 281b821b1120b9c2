"""The page of the test account: made, entered, lived in and left, and none of it is of the live account."""

from __future__ import annotations

from django.test import Client
from kit import clock

from accounts.models import Account, Membership, User
from accounts.policy import Role
from lines.models import Line, LineState, Sandbox
from lines.policy import Wanted
from tests import proofs
from tests.evenly import evenly
from tests.fleets import Fleet


def browser(account: Account, role: Role = Role.OWNER) -> Client:
    found = Membership.objects.filter(account=account, role=role).first()
    user = found.user if found else User.objects.create_user(email=f"{role}@acme.example", password=None)
    if found is None:
        Membership.objects.create(user=user, account=account, role=role)
    return proofs.log_in(Client(), user, proved=("password",))


def text(client: Client, path: str) -> str:
    return evenly(client.get(path).content.decode())


def enter(client: Client, account: Account) -> Account:
    test = Account.objects.get(live=account)
    assert client.post("/accounts/choose/", {"account": test.uuid.hex}).status_code == 302
    return test


def test_it_is_made_entered_used_and_left(fleet: Fleet) -> None:
    acme = fleet.account()
    live = fleet.line(acme)
    jane = browser(acme)
    assert "No test account yet" in text(jane, "/test-account/")
    assert "Test account made." in evenly(jane.post("/test-account/make/", follow=True).content.decode())
    test = enter(jane, acme)
    assert "Nothing here is real" in text(jane, "/")
    page = text(jane, "/lines/")
    line = Line.objects.filter(payer=test).earliest("iccid")
    assert (live.iccid in page, line.iccid[-4:] in page) == (False, True)
    assert jane.get(f"/lines/{live.iccid}/").status_code == 404
    jane.post(f"/lines/{line.iccid}/activate/")
    assert (LineState.objects.get(line=line).wanted, LineState.objects.get(line=line).reported_word) == (
        Wanted.ACTIVE,
        "on",
    )
    done = jane.post("/test-account/do/usage/", {"line": line.pk, "megabytes": "12"}, follow=True)
    assert "12 MB used." in evenly(done.content.decode())
    jane.post("/test-account/do/clock/", {"days": "2", "hours": "0"})
    assert Sandbox.objects.get(account=test).ahead.days == 2
    now = clock.real() + Sandbox.objects.get(account=test).ahead
    assert f"{now:%-d %b %Y}" in text(jane, "/test-account/")
    jane.post("/accounts/choose/", {"account": acme.uuid.hex})
    assert "Nothing here is real" not in text(jane, "/")
    assert jane.get(f"/lines/{line.iccid}/").status_code == 404


def test_its_lines_are_the_forms_only_choice(fleet: Fleet) -> None:
    acme = fleet.account()
    live, jane = fleet.line(acme), browser(acme)
    jane.post("/test-account/make/")
    assert jane.post("/test-account/do/usage/", {"line": live.pk, "megabytes": "1"}).status_code == 404
    enter(jane, acme)
    before = LineState.objects.get(line=live)
    assert jane.post("/test-account/do/usage/", {"line": live.pk, "megabytes": "1"}).status_code == 422
    after = LineState.objects.get(line=live)
    assert (after.counter, after.read_at) == (before.counter, before.read_at)
    assert jane.post("/test-account/do/clock/", {"days": "31", "hours": "1"}).status_code == 422
    assert jane.get("/staff/").status_code == 404
    assert jane.get("/billing/add-funds/").status_code == 404
    assert jane.get("/automation/webhooks/").status_code == 200


def test_whoever_leaves_the_account_has_left_its_test_account(fleet: Fleet) -> None:
    acme, other = fleet.account(), fleet.account()
    jane, tom, stranger = browser(acme), browser(acme, Role.USER), browser(other)
    jane.post("/test-account/make/")
    test = enter(tom, acme)
    assert "Nothing here is real" in text(tom, "/")
    assert tom.get("/test-account/").status_code == 404
    assert stranger.post("/accounts/choose/", {"account": test.uuid.hex}).status_code == 404
    Membership.objects.filter(account=acme, role=Role.USER).update(is_active=False)
    assert tom.get("/").status_code == 403
    assert not Membership.objects.filter(account=test).exists()


def test_a_reset_begins_anew(fleet: Fleet) -> None:
    acme = fleet.account()
    jane = browser(acme)
    jane.post("/test-account/make/")
    first = Account.objects.get(live=acme)
    said = evenly(jane.post("/test-account/close/", {"again": "1"}, follow=True).content.decode())
    assert "Test account reset." in said
    first.refresh_from_db()
    assert (first.is_active, first.live, Account.objects.get(live=acme).pk != first.pk) == (False, None, True)
    assert "Test account closed." in evenly(jane.post("/test-account/close/", follow=True).content.decode())
    assert not Account.objects.filter(live=acme).exists()
