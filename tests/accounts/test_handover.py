"""Whoever could see keys of an account has none that works once they are gone, unless somebody decides so."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core import mail
from django.test import Client
from kit import clock

from accounts import keys, tasks
from accounts.commands import credentials, invitations, open_account, open_subaccount, sign_up, staff
from accounts.models import Account, ApiKey, Invitation, Membership
from accounts.policy import OPERATOR, SYSTEM, Role, Scope
from accounts.queries import credential_of, owner_of
from tests.proofs import log_in

pytestmark = pytest.mark.django_db

JANE, TOM = "jane@acme.example", "tom@acme.example"


@pytest.fixture
def acme() -> Account:
    account = open_account(name="Acme", owner_email=JANE, password="orbit-lantern-42", by=OPERATOR)
    open_account(name="Toms", owner_email=TOM, password="orbit-lantern-42", by=OPERATOR)
    return account


@pytest.fixture
def tom(acme: Account) -> Membership:
    user = owner_of(Account.objects.get(name="Toms"))
    return Membership.objects.create(account=acme, user=user, role=Role.USER)


def bearer_of(account: Account, name: str = "billing") -> ApiKey:
    by = owner_of(account).actor
    return keys.make_key(account=account, name=name, scopes=[Scope.READ_LINES], days=30, by=by)[0]


def handed_over(acme: Account, tom: Membership, *, keep_keys: bool = False) -> None:
    staff.offer_ownership(to=tom, address="https://c.example", by=owner_of(acme))
    staff.accept_ownership(account=acme, by=tom.user, keep_keys=keep_keys)


def test_a_former_owner_knows_no_key_that_works(acme: Account, tom: Membership) -> None:
    before, key = credential_of(acme), bearer_of(acme)
    credentials.rotate_key(account=acme, overlap_hours=168, last=None, by=owner_of(acme).actor)
    handed_over(acme, tom)
    row = acme.credentials.get()
    assert (credential_of(acme).shared_key == before.shared_key, row.former_key, row.former_until) == (False, "", None)
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_both_owners_are_told(acme: Account, tom: Membership) -> None:
    bearer_of(acme)
    handed_over(acme, tom)
    tasks.mail_invitations()
    letters = {letter.to[0]: letter.body for letter in mail.outbox if "transferred" in letter.body}
    assert set(letters) == {JANE, TOM}
    assert "the API key billing" in letters[TOM]
    assert "billing" not in letters[JANE]
    mail.outbox.clear()
    tasks.mail_invitations()
    assert not mail.outbox


def test_the_new_owner_may_keep_them_working_and_it_is_written(acme: Account, tom: Membership) -> None:
    before, key = credential_of(acme), bearer_of(acme)
    handed_over(acme, tom, keep_keys=True)
    key.refresh_from_db()
    assert (credential_of(acme), key.revoked_at) == (before, None)
    assert acme.events.filter(verb="api.keys_kept", subject=f"person:{JANE}").exists()


def test_the_page_asks_and_replaces_unless_told_otherwise(acme: Account, tom: Membership) -> None:
    before = credential_of(acme)
    staff.offer_ownership(to=tom, address="https://c.example", by=owner_of(acme))
    client = log_in(Client(), tom.user)
    assert 'name="keep_keys"' in client.get("/staff/ownership/").content.decode()
    client.post("/staff/ownership/", {"account": acme.uuid.hex, "answer": "accept"})
    assert owner_of(acme) == tom.user
    assert credential_of(acme) != before


def test_keys_of_sub_accounts_that_a_former_owner_looked_at_end_too(acme: Account, tom: Membership) -> None:
    seen, unseen = (open_subaccount(parent=acme, name=name, by=OPERATOR) for name in ("Seen", "Unseen"))
    credentials.show_key(account=seen, by=owner_of(acme).actor)
    before = {one.pk: credential_of(one) for one in (seen, unseen)}
    handed_over(acme, tom)
    assert credential_of(seen) != before[seen.pk]
    assert credential_of(unseen) == before[unseen.pk]


def test_a_sub_accounts_former_owner_knows_no_key_that_works(acme: Account, tom: Membership) -> None:
    harbour = open_subaccount(parent=acme, name="Harbour", by=OPERATOR)
    place = Membership.objects.create(account=harbour, user=tom.user, role=Role.USER)
    staff.name_owner(subaccount=harbour, place=place, by=OPERATOR)
    before = credential_of(harbour)
    staff.name_owner(subaccount=harbour, place=None, by=OPERATOR)
    assert credential_of(harbour) != before


@pytest.mark.parametrize("ends", [staff.remove, staff.deactivate])
def test_somebody_who_once_knew_keys_takes_none_along(acme: Account, tom: Membership, ends: object) -> None:
    key = bearer_of(acme)
    credentials.show_key(account=acme, by=owner_of(acme).actor)
    before = credential_of(acme)
    handed_over(acme, tom, keep_keys=True)
    former = Membership.objects.get(account=acme, user__email=JANE)
    page = log_in(Client(), tom.user)
    session = page.session
    session["account"] = acme.uuid.hex
    session.save()
    assert "knows API keys" in page.get(f"/staff/{former.pk}/").content.decode()
    ends(place=former, by=tom.user.actor)  # type: ignore[operator]
    key.refresh_from_db()
    assert credential_of(acme) != before
    assert key.revoked_at is not None


def test_who_never_saw_a_key_ends_none(acme: Account, tom: Membership) -> None:
    before = credential_of(acme)
    staff.remove(place=tom, by=OPERATOR)
    assert credential_of(acme) == before


# Mails to strangers


def invited(account: Account, number: int, **more: object) -> Invitation:
    by = owner_of(account).actor
    return invitations.invite(
        account=account, email=f"n{number}@x.example", role=Role.VIEWER, address="https://c.example", by=by
    )


def test_a_strangers_account_mails_few_people_a_day_however_it_asks(acme: Account) -> None:
    for number in range(5):
        invitation = invited(acme, number)
        invitations.withdraw(invitation=invitation, by=SYSTEM)
        invited(acme, number)  # withdrawing takes no mail back
    sub = open_subaccount(parent=acme, name="Sub", by=OPERATOR)
    for account in (acme, sub):
        with pytest.raises(invitations.TooManyInvitations, match="24 hours"):
            invitations.invite(
                account=account, email="more@x.example", role=Role.VIEWER, address="", by=owner_of(acme).actor
            )
    with clock.frozen(clock.now() + dt.timedelta(hours=25)):
        invited(acme, 6)


def test_asking_again_counts(acme: Account) -> None:
    invitation = invited(acme, 1)
    for _ in range(9):
        invitation = invitations.send_again(invitation=invitation, by=owner_of(acme).actor)
    with pytest.raises(invitations.TooManyInvitations, match="24 hours"):
        invitations.send_again(invitation=invitation, by=owner_of(acme).actor)


def test_an_account_that_is_known_mails_more(acme: Account) -> None:
    Account.objects.filter(pk=acme.pk).update(is_professional=True)
    acme.refresh_from_db()
    for number in range(11):
        invited(acme, number)
    assert Invitation.objects.filter(account=acme).count() == 11


def test_nobody_invites_before_their_own_address_is_confirmed() -> None:
    account = sign_up(name="Evil", email="eve@evil.example", password="orbit-lantern-42", by=SYSTEM)
    with pytest.raises(invitations.TooManyInvitations, match="Confirm your email"):
        invited(account, 1)
    assert not Invitation.objects.exists()
