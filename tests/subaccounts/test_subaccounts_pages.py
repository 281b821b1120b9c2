"""What an account's people do with its sub-accounts, and what a sub-account's people never meet."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from kit import clock

from accounts.models import Account, Event, Invitation, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from accounts.tasks import mail_invitations
from lines.commands import wishes
from lines.models import Job, Line
from lines.policy import Action, Wanted, Why
from lines.work.jobs import run_jobs
from tests.fleets import MB, Fleet, state


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


@pytest.fixture
def acme(fleet: Fleet) -> Account:
    return fleet.account()


@pytest.fixture
def harbour(fleet: Fleet, acme: Account) -> Account:
    return fleet.account(parent=acme)


def browser(account: Account, role: Role = Role.OWNER) -> Client:
    client, user = Client(), owner_of(account)
    if role is not Role.OWNER:
        user = User.objects.create_user(f"{role}@acme.example")
        Membership.objects.create(user=user, account=account, role=role)
    client.force_login(user)
    return client


def at(account: Account, rest: str = "") -> str:
    return f"/subaccounts/{account.uuid.hex}/{rest}"


def work() -> None:
    run_jobs(stop=lambda: False)


def test_the_list_sums_each_subaccounts_month(fleet: Fleet, acme: Account, harbour: Account) -> None:
    now = clock.now()
    line, own = fleet.line(harbour), fleet.line(acme)
    for counter in (0, 30 * MB):
        stamp = f"{now:%Y-%m-%d %H:%M}"
        fleet.read(line, stamp, counter)
        fleet.read(own, stamp, counter // 2)
    body = browser(acme).get("/subaccounts/").content.decode()
    for said in (harbour.name, "30.0 MB", "$0.30", "15.0 MB", "$0.15", "45.0 MB", "$0.45"):
        assert said in body


def test_a_subaccount_is_made_with_its_first_login(acme: Account) -> None:
    client = browser(acme)
    answer = client.post("/subaccounts/new/", {"name": " North  quay ", "first_login": "Kim@Quay.example"})
    made = Account.objects.get(parent=acme)
    assert (answer.status_code, answer["Location"], made.name) == (302, at(made), "North quay")
    invited = Invitation.objects.get(account=made)
    assert (invited.email, invited.role, invited.address) == ("kim@quay.example", "user", "http://testserver")
    again = client.post("/subaccounts/new/", {"name": "north quay"})
    assert (again.status_code, "already" in again.content.decode()) == (422, True)
    assert Account.objects.filter(parent=acme).count() == 1
    assert Event.objects.filter(account=acme, verb="account.opened", subject=f"account:{made.uuid.hex}").exists()


def test_the_invitation_names_the_provider_and_nobody_of_its_staff(
    acme: Account, harbour: Account, mailoutbox: list[EmailMessage]
) -> None:
    browser(acme).post(at(harbour, "invite/"), {"email": "kim@quay.example", "role": "viewer"})
    mail_invitations()
    [sent] = mailoutbox
    text = str(sent.message())
    assert f"{acme.name} asks you to join {harbour.name}" in sent.body
    assert "linekeeper" not in text.lower().replace("no-reply@localhost", "")
    assert owner_of(acme).email not in text


def test_logins_are_shut_out_let_in_and_removed(acme: Account, harbour: Account) -> None:
    client, kim = browser(acme), Client()
    browser(acme).post(at(harbour, "invite/"), {"email": "kim@quay.example", "role": "user"})
    asked = Invitation.objects.get()
    client.post(at(harbour, f"invitations/{asked.pk}/"), {"do": "withdraw"})
    asked.refresh_from_db()
    assert asked.withdrawn_at is not None
    user = User.objects.create_user("lee@quay.example", "orbit-lantern-42")
    place = Membership.objects.create(user=user, account=harbour, role=Role.USER)
    kim.force_login(user)
    assert kim.get("/").status_code == 200
    client.post(at(harbour, f"people/{place.pk}/"), {"do": "deactivate"})
    assert kim.get("/lines/").status_code in (302, 403)
    client.post(at(harbour, f"people/{place.pk}/"), {"do": "remove"})
    assert not Membership.objects.filter(pk=place.pk).exists()


def test_a_switch_stops_the_lines_and_shuts_the_people_out(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line, client, theirs = fleet.line(harbour), browser(acme), browser(harbour)
    for _ in range(2):  # the second click
        client.post(at(harbour, "switch/"), {"active": "0"})
        assert (state(line).wanted, state(line).why) == (Wanted.DEACTIVATED, Why.SUBACCOUNT)
    assert theirs.get("/lines/").status_code == 403
    assert Event.objects.filter(account=acme, verb="subaccount.deactivated").count() == 1
    client.post(at(harbour, "switch/"), {"active": "1"})
    assert state(line).wanted == Wanted.ACTIVE
    assert theirs.get("/lines/").status_code == 200


def test_a_line_that_somebody_deactivates_meanwhile_stays_off(fleet: Fleet, acme: Account, harbour: Account) -> None:
    by_person, dated = fleet.lines(harbour, 2)
    client = browser(acme)
    wishes.deactivate_next_day(line=dated, by=OPERATOR)
    client.post(at(harbour, "switch/"), {"active": "0"})
    wishes.deactivate(line=by_person, by=OPERATOR)
    wishes.deactivate_due(today=clock.today() + dt.timedelta(days=1))
    client.post(at(harbour, "switch/"), {"active": "1"})
    assert [state(one).why for one in (by_person, dated)] == [Why.PERSON, Why.PERSON]


def test_all_lines_are_activated_and_deactivated_as_jobs(fleet: Fleet, acme: Account, harbour: Account) -> None:
    lines, other = fleet.lines(harbour, 3, active=False), fleet.line(acme, active=False)
    client, once = browser(acme), "5" * 32
    for _ in range(2):
        answer = client.post(at(harbour, "all/"), {"action": "activate", "once": once})
    job = Job.objects.get()
    assert (job.total, job.action, answer["Location"]) == (3, Action.ACTIVATE, f"/jobs/{job.uuid.hex}/")
    work()
    assert {state(line).wanted for line in lines} == {Wanted.ACTIVE}
    assert state(other).wanted == Wanted.DEACTIVATED
    client.post(at(harbour, "all/"), {"action": "deactivate", "once": "6" * 32})
    work()
    tomorrow = clock.today() + dt.timedelta(days=1)
    assert set(Line.objects.filter(account=harbour).values_list("deactivation_date", flat=True)) == {tomorrow}


def test_pasted_lines_are_assigned_and_taken_back(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line, theirs = fleet.line(acme), fleet.line(fleet.account())
    client = browser(acme)
    spaced = " ".join(line.iccid[start : start + 4] for start in range(0, 20, 4))
    client.post(at(harbour, "assign/"), {"iccids": f"{spaced}\n{theirs.iccid}", "key": "7" * 32})
    work()
    line.refresh_from_db()
    theirs.refresh_from_db()
    assert (line.account, line.payer) == (harbour, acme)
    assert theirs.account not in (harbour, acme)
    client.post(at(harbour, "assign/"), {"iccids": line.iccid, "key": "8" * 32, "back": "1"})
    work()
    line.refresh_from_db()
    assert line.account == acme
    only_theirs = client.post(at(harbour, "assign/"), {"iccids": theirs.iccid, "key": "9" * 32})
    unknown = client.post(at(harbour, "assign/"), {"iccids": "8999999999999999999", "key": "a" * 32})
    assert (only_theirs.status_code, unknown.status_code) == (422, 422)
    assert "No line is chosen" in only_theirs.content.decode()
    assert client.post(at(harbour, "assign/"), {"iccids": "abc", "key": "b" * 32}).status_code == 422


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_only_looks_changes_nothing(acme: Account, harbour: Account, role: Role) -> None:
    client = browser(acme, role)
    assert client.get("/subaccounts/").status_code == 200
    assert client.get(at(harbour)).status_code == 200
    for path in ("switch/", "all/", "rename/", "assign/", "invite/", "white-label/"):
        assert client.post(at(harbour, path)).status_code == 404
    assert client.post("/subaccounts/new/", {"name": "x"}).status_code == 404


def test_anothers_subaccount_and_ones_own_account_are_no_subaccounts(
    fleet: Fleet, acme: Account, harbour: Account
) -> None:
    stranger = browser(fleet.account())
    for client, account in ((stranger, harbour), (browser(acme), acme)):
        assert client.get(at(account)).status_code == 404
        for path in ("switch/", "all/", "rename/", "assign/", "invite/"):
            assert client.post(at(account, path), {"active": "0", "action": "activate"}).status_code == 404
    assert stranger.get(at(harbour, "white-label/")).status_code == 404
    assert browser(harbour).get("/subaccounts/").status_code == 404
