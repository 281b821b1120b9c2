"""Inviting people, their roles, shutting them out, and changing the owner."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from kit import clock
from kit.errors import Invalid, NotFound, Refusal

from accounts.commands import invitations, open_account, staff
from accounts.models import Account, Event, Invitation, Membership, OwnershipOffer, User
from accounts.policy import OPERATOR, Right, Role, rights
from accounts.queries import memberships_of, owner_of
from accounts.tasks import mail_invitations
from tests.links import link_in, opened
from tests.responses import ClientResponse

pytestmark = pytest.mark.django_db

PASSWORD = "orbit-lantern-42"
Join = Callable[..., Membership]


@pytest.fixture(autouse=True)
def no_tries_before() -> None:
    cache.clear()


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email="jane@acme.example", password=PASSWORD, by=OPERATOR)


@pytest.fixture
def other() -> Account:
    return open_account(name="Other", owner_email="olga@other.example", password=PASSWORD, by=OPERATOR)


@pytest.fixture
def joined(acme: Account) -> Join:
    """Makes a person of Acme's staff."""

    def make(email: str = "tom@acme.example", role: Role = Role.USER, account: Account = acme) -> Membership:
        user = User.objects.filter(email=email).first() or User.objects.create_user(email, PASSWORD)
        return Membership.objects.create(user=user, account=account, role=role)

    return make


def asked(account: Account, email: str = "tom@acme.example", role: Role = Role.USER) -> Invitation:
    return invitations.invite(
        account=account, email=email, role=role, address="http://testserver/", by=owner_of(account).actor
    )


def browser_of(user: User) -> Client:
    """Logged in by the form, as people are, and just asked for the password again."""
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def link_of(message: object) -> str:
    return link_in(message.body, "invitation")  # type: ignore[attr-defined]


def looked(link: str) -> ClientResponse:
    """What a stranger's browser gets for it."""
    client = Client()
    return client.get(opened(client, link))


def test_roles_that_cause_no_cost_neither_activate_nor_pay_nor_invite() -> None:
    for role in (Role.OPERATOR, Role.VIEWER):
        granted = rights(role, is_subaccount=False)
        assert not granted & {Right.ACTIVATE_LINES, Right.MANAGE_LINES, Right.MANAGE_MONEY, Right.MANAGE_PEOPLE}
        assert not rights(role, is_subaccount=True) & {Right.SEE_MONEY, Right.SEE_AUDIT, Right.ACTIVATE_LINES}
    assert Right.STOP_LINES in rights(Role.OPERATOR, is_subaccount=False)
    assert rights(Role.VIEWER, is_subaccount=False) == {
        Right.SEE_LINES, Right.SEE_SUBACCOUNTS, Right.SEE_MONEY, Right.SEE_AUDIT,
    }  # fmt: skip


def test_a_new_person_joins_by_the_mailed_link_once(acme: Account) -> None:
    asked(acme, role=Role.OPERATOR)
    assert mail_invitations() == 1
    assert mail_invitations() == 0
    mailed, client = link_of(mail.outbox[-1]), Client()
    link = opened(client, mailed)
    page = client.get(link).content.decode()
    assert "jane@acme.example" in page
    weak = client.post(link, {"name": "Tom", "password1": "tom@acme.example", "password2": "tom@acme.example"})
    assert weak.status_code == 422
    done = client.post(link, {"name": "Tom", "password1": PASSWORD, "password2": PASSWORD})
    assert done.headers["Location"] == "/"
    place = Membership.objects.get(user__email="tom@acme.example")
    assert (place.account, place.role, place.user.name) == (acme, Role.OPERATOR, "Tom")
    assert client.get("/").status_code == 200
    assert looked(mailed).status_code == 404
    assert Event.objects.get(verb="staff.joined").actor_name == "tom@acme.example"


def test_a_used_link_brings_nobody_back_who_was_removed(acme: Account) -> None:
    asked(acme)
    mail_invitations()
    token = link_of(mail.outbox[-1]).partition("#")[2]
    place = invitations.join_as_new(token=token, name="Tom", password=PASSWORD)
    user = place.user
    place.delete()
    with pytest.raises(NotFound):
        invitations.join(token=token, user=user)
    assert not memberships_of(user)


def test_an_invitation_is_for_its_address_alone(acme: Account, other: Account) -> None:
    asked(acme, email="tom@acme.example")
    mail_invitations()
    token = link_of(mail.outbox[-1]).partition("#")[2]
    with pytest.raises(Refusal, match="log in as that person"):
        invitations.join(token=token, user=owner_of(other))
    assert {place.account for place in memberships_of(owner_of(other))} == {other}


def test_a_person_who_is_known_joins_after_logging_in_and_nobody_else_takes_their_link(
    acme: Account, other: Account
) -> None:
    asked(acme, email="olga@other.example")
    mail_invitations()
    link = link_of(mail.outbox[-1])
    assert "log in to join" in looked(link).content.decode()
    wrong = browser_of(owner_of(acme))
    assert "Log out" in wrong.post(opened(wrong, link)).content.decode()
    client = browser_of(owner_of(other))
    assert client.post(opened(client, link)).headers["Location"] == "/"
    assert client.get("/").context["account"] == acme
    assert {place.account for place in memberships_of(owner_of(other))} == {acme, other}


def test_a_link_ends_when_it_is_old_withdrawn_or_replaced(acme: Account) -> None:
    invitation = asked(acme)
    mail_invitations()
    first = link_of(mail.outbox[-1])
    Invitation.objects.update(mailed_at=clock.now() - dt.timedelta(hours=1))
    invitation.refresh_from_db()
    invitations.send_again(invitation=invitation, by=OPERATOR)
    assert looked(first).status_code == 404
    mail_invitations()
    second = link_of(mail.outbox[-1])
    assert looked(second).status_code == 200
    Account.objects.filter(pk=acme.pk).update(is_active=False)
    with pytest.raises(NotFound):
        invitations.join_as_new(token=second.partition("#")[2], name="", password=PASSWORD)
    Account.objects.filter(pk=acme.pk).update(is_active=True)
    with clock.frozen(clock.now() + dt.timedelta(days=7, seconds=1)):
        assert looked(second).status_code == 404
    invitations.withdraw(invitation=invitation, by=OPERATOR)
    assert looked(second).status_code == 404
    with pytest.raises(NotFound):
        invitations.send_again(invitation=invitation, by=OPERATOR)


def test_the_token_is_nowhere_in_the_database(acme: Account) -> None:
    asked(acme)
    mail_invitations()
    token = link_of(mail.outbox[-1]).partition("#")[2]
    assert token not in str(Invitation.objects.values()) + str(Event.objects.values())


def test_a_mail_that_cannot_leave_is_tried_again_later(acme: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(acme)

    def refuse(*_: object) -> None:
        raise OSError("no mail server")

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.open", refuse)
        assert mail_invitations() == 0
    assert mail_invitations() == 0  # not before its time
    with clock.frozen(clock.now() + dt.timedelta(minutes=3)):
        assert mail_invitations() == 1


def test_asking_twice_and_asking_staff_is_refused(acme: Account, joined: Join) -> None:
    asked(acme)
    with pytest.raises(invitations.AlreadyInvited):
        asked(acme, email="TOM@acme.example")
    joined("ann@acme.example")
    with pytest.raises(invitations.AlreadyStaff):
        asked(acme, email="ann@acme.example")
    with pytest.raises(Invalid):
        asked(acme, email="x@acme.example", role=Role.OWNER)
    with clock.frozen(clock.now() + dt.timedelta(days=8)):
        assert asked(acme).pk  # an old one is no obstacle


def test_a_pasted_list_invites_each_and_says_who_was_not(acme: Account) -> None:
    client = browser_of(owner_of(acme))
    text = "Ann <ann@acme.example>; tom@acme.example,\n ann@acme.example jane@acme.example"
    answer = client.post("/staff/invite/", {"emails": text, "role": "viewer"}, follow=True).content.decode()
    assert set(Invitation.objects.values_list("email", "role")) == {
        ("ann@acme.example", "viewer"),
        ("tom@acme.example", "viewer"),
    }
    assert "jane@acme.example is among this account" in answer
    wrong = client.post("/staff/invite/", {"emails": "bob@acme.example, nobody@", "role": "viewer"})
    assert wrong.status_code == 422
    assert "bob@acme.example, nobody@" in wrong.content.decode()
    assert not Invitation.objects.filter(email="bob@acme.example").exists()


def test_who_is_deactivated_is_out_of_every_browser_at_once(acme: Account, joined: Join) -> None:
    place = joined()
    client = browser_of(place.user)
    assert client.get("/").status_code == 200
    staff.deactivate(place=place, by=OPERATOR)
    staff.deactivate(place=place, by=OPERATOR)
    assert client.get("/").headers["Location"].startswith("/accounts/login/")
    assert Event.objects.filter(verb="staff.deactivated").count() == 1
    staff.activate(place=place, by=OPERATOR)
    assert browser_of(place.user).get("/").status_code == 200


def test_the_owner_is_neither_deactivated_nor_deleted_nor_demoted(acme: Account) -> None:
    place = Membership.objects.get(account=acme)
    for command in (staff.deactivate, staff.activate, staff.remove):
        with pytest.raises(staff.OwnerStays):
            command(place=place, by=OPERATOR)
    with pytest.raises(staff.OwnerStays):
        staff.change_role(place=place, role=Role.VIEWER, by=OPERATOR)


def test_deleting_takes_the_place_and_keeps_the_person(acme: Account, joined: Join) -> None:
    place = joined()
    client = browser_of(place.user)
    staff.remove(place=place, by=OPERATOR)
    assert client.get("/").status_code == 302
    assert User.objects.filter(email="tom@acme.example").exists()
    assert not memberships_of(place.user).exists()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM accounts_membership", "UPDATE accounts_membership SET role = 'user'"]
)
def test_the_database_refuses_an_account_without_an_owner(acme: Account, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(IntegrityError, match="has no owner"):
        connection.check_constraints()
    transaction.set_rollback(True)


def test_the_database_refuses_a_new_account_without_an_owner_and_a_second_owner(acme: Account, joined: Join) -> None:
    with pytest.raises(IntegrityError, match="account_has_one_owner"), transaction.atomic():
        joined(role=Role.OWNER)
    Account.objects.create(name="Nobody's")
    with pytest.raises(IntegrityError, match="has no owner"):
        connection.check_constraints()
    transaction.set_rollback(True)


def test_the_ownership_goes_over_when_both_agree(acme: Account, joined: Join) -> None:
    jane, place = owner_of(acme), joined()
    mine, theirs = browser_of(jane), browser_of(place.user)
    assert mine.post(f"/staff/{place.pk}/offer/").status_code == 302
    assert owner_of(acme) == jane
    mail_invitations()
    assert mail.outbox[-1].to == ["tom@acme.example"]
    assert "/staff/ownership/" in mail.outbox[-1].body
    assert "jane@acme.example offers you" in theirs.get("/staff/ownership/").content.decode()
    answer = {"account": acme.uuid.hex, "answer": "accept"}
    assert mine.post("/staff/ownership/", answer, follow=True).status_code == 200  # not hers to accept
    assert owner_of(acme) == jane
    theirs.post("/staff/ownership/", answer)
    theirs.post("/staff/ownership/", answer)
    assert owner_of(acme) == place.user
    assert Membership.objects.get(user=jane).role == Role.USER
    event = Event.objects.get(verb="ownership.transferred")
    assert (event.detail, event.actor_name) == (
        {"before": "jane@acme.example", "after": "tom@acme.example"},
        "tom@acme.example",
    )


def test_an_offer_is_declined_withdrawn_or_ends(acme: Account, joined: Join) -> None:
    jane, place = owner_of(acme), joined()

    def offer() -> None:
        staff.offer_ownership(to=place, address="http://testserver", by=jane)

    offer()
    with pytest.raises(staff.OfferOpen):
        staff.offer_ownership(to=joined("ann@acme.example"), address="", by=jane)
    staff.decline_ownership(account=acme, by=place.user)
    offer()
    staff.withdraw_offer(account=acme, by=jane)
    with pytest.raises(staff.OfferGone):
        staff.accept_ownership(account=acme, by=place.user)
    offer()
    with clock.frozen(clock.now() + dt.timedelta(days=8)), pytest.raises(staff.OfferGone):
        staff.accept_ownership(account=acme, by=place.user)
    staff.deactivate(place=place, by=OPERATOR)
    assert not OwnershipOffer.objects.exists()
    with pytest.raises(Refusal):
        offer()
    assert owner_of(acme) == jane


def test_offering_asks_for_the_password_again(acme: Account, joined: Join) -> None:
    place, client = joined(), Client()
    client.force_login(owner_of(acme))
    answer = client.post(f"/staff/{place.pk}/offer/")
    assert answer.headers["Location"] == f"/accounts/reauthenticate/?next=%2Fstaff%2F{place.pk}%2Foffer%2F"
    assert not OwnershipOffer.objects.exists()
    answer = client.post(answer.headers["Location"], {"password": PASSWORD, "next": f"/staff/{place.pk}/offer/"})
    assert client.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize("role", [Role.USER, Role.OPERATOR, Role.VIEWER])
def test_only_the_owner_meets_the_staff_pages(acme: Account, joined: Join, role: Role) -> None:
    place, client = joined(role=role), Client()
    client.force_login(place.user)
    invitation = asked(acme, email="x@acme.example")
    assert client.get("/staff/").status_code == 404
    assert client.get(f"/staff/{place.pk}/").status_code == 404
    for path in ("invite/", f"invitations/{invitation.pk}/again/", "second-factor/", f"{place.pk}/deactivate/"):
        assert client.post(f"/staff/{path}").status_code == 404


def test_another_accounts_people_do_not_exist(acme: Account, other: Account, joined: Join) -> None:
    place, invitation = joined(), asked(acme, email="x@acme.example")
    client = browser_of(owner_of(other))
    assert client.get(f"/staff/{place.pk}/").status_code == 404
    for act in ("role", "activate", "deactivate", "delete", "offer"):
        assert client.post(f"/staff/{place.pk}/{act}/").status_code == 404
    for act in ("again", "withdraw"):
        assert client.post(f"/staff/invitations/{invitation.pk}/{act}/").status_code == 404
    assert Membership.objects.filter(pk=place.pk, is_active=True).exists()


def test_an_account_that_demands_a_second_factor_opens_for_nobody_without(acme: Account, joined: Join) -> None:
    client = browser_of(owner_of(acme))
    assert client.post("/staff/second-factor/", {"demanded": "1"}).headers["Location"] == "/accounts/2fa/"
    assert not Account.objects.get().demands_second_factor  # who has none does not shut out everybody
    staff.demand_second_factor(account=acme, demanded=True, by=OPERATOR)
    theirs = browser_of(joined().user)
    assert theirs.get("/").headers["Location"] == "/accounts/2fa/?next=%2F"
    page = theirs.get("/accounts/2fa/")
    assert "Acme demands a second factor" in page.content.decode()
    assert theirs.get("/profile/").status_code == 200
