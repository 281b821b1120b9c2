"""Opening accounts: what it makes, what it refuses, and what happens when it is asked twice."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.db import DatabaseError, connection, transaction
from kit.errors import Invalid, NotFound, Refusal

from accounts.commands import AlreadyOwned, EmailTaken, ParentRefused, open_account, record, sign_up
from accounts.models import Account, ApiCredential, Event, Membership, User
from accounts.policy import OPERATOR, SYSTEM, Actor, ActorKind, Role
from accounts.queries import account_by_uuid, credential_of, memberships_of, owner_of

pytestmark = pytest.mark.django_db

PASSWORD = "orbit-lantern-42"


def opened(name: str = "Acme", owner: str = "jane@acme.example", **more: object) -> Account:
    return open_account(name=name, owner_email=owner, by=OPERATOR, **more)  # type: ignore[arg-type]


def test_an_account_has_its_owner_and_a_credential_of_32_hex_each() -> None:
    account = opened(password=PASSWORD)
    owner = owner_of(account)
    assert owner.email == "jane@acme.example"
    assert owner.check_password(PASSWORD)
    assert Membership.objects.get(account=account).role == Role.OWNER
    credential = credential_of(account)
    assert re.fullmatch(r"[0-9a-f]{32}", credential.user_uuid)
    assert re.fullmatch(r"[0-9a-f]{32}", credential.shared_key)


def test_the_shared_key_is_encrypted_at_rest() -> None:
    account = opened()
    assert credential_of(account).shared_key not in ApiCredential.objects.get(account=account).shared_key


def test_opening_writes_one_event_with_who_did_it() -> None:
    account = opened()
    event = Event.objects.get(account=account)
    assert (event.verb, event.actor_kind, event.actor_name) == ("account.opened", "operator", "operator")
    assert event.detail["owner"] == "jane@acme.example"


def test_the_address_is_kept_in_small_letters_and_counts_as_verified() -> None:
    account = opened(owner=" Jane@Acme.Example ")
    assert owner_of(account).email == "jane@acme.example"
    assert EmailAddress.objects.get(user=owner_of(account)).verified


def test_an_owner_without_a_password_has_none_that_works() -> None:
    assert not owner_of(opened()).has_usable_password()


def test_a_person_may_own_several_accounts_with_one_login() -> None:
    first, second = opened("One", password=PASSWORD), opened("Two")
    assert owner_of(first) == owner_of(second)
    assert owner_of(second).check_password(PASSWORD)
    assert credential_of(first).user_uuid != credential_of(second).user_uuid


def test_asked_twice_it_opens_one_account() -> None:
    opened()
    with pytest.raises(AlreadyOwned):
        opened()
    assert Account.objects.count() == 1


def test_a_password_for_a_person_who_has_another_is_refused() -> None:
    opened(password=PASSWORD)
    with pytest.raises(Refusal, match="leave --password out"):
        opened("Two", password="another-lantern-43")
    assert owner_of(Account.objects.get()).check_password(PASSWORD)


def test_a_person_who_may_not_log_in_gets_no_account() -> None:
    owner = owner_of(opened())
    owner.is_active = False
    owner.save()
    with pytest.raises(Refusal, match="may not log in"):
        opened("Two")


def test_a_subaccount_has_its_parent_and_the_parent_pays() -> None:
    parent = opened()
    child = opened("Harbour", "sub@harbour.example", parent=parent)
    assert child.is_subaccount
    assert child.payer_id == parent.pk


def test_a_subaccount_has_no_subaccounts() -> None:
    child = opened("Harbour", "sub@harbour.example", parent=opened())
    with pytest.raises(ParentRefused, match="itself a sub-account"):
        opened("Deeper", "x@harbour.example", parent=child)


def test_a_closed_account_gets_no_subaccounts() -> None:
    parent = opened()
    Account.objects.filter(pk=parent.pk).update(is_active=False)
    with pytest.raises(ParentRefused, match="closed"):
        opened("Harbour", "sub@harbour.example", parent=parent)


@pytest.mark.parametrize(
    ("name", "owner"), [("  ", "a@b.example"), ("x" * 201, "a@b.example"), ("Acme", "nobody"), ("Acme", "")]
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(name: str, owner: str) -> None:
    with pytest.raises(Invalid):
        opened(name, owner)
    assert not Account.objects.exists()
    assert not User.objects.exists()


def test_a_refusal_leaves_no_half_of_an_account() -> None:
    child = opened("Harbour", "sub@harbour.example", parent=opened())
    with pytest.raises(ParentRefused):
        opened("Deeper", "new@harbour.example", parent=child)
    assert not User.objects.filter(email="new@harbour.example").exists()


def test_signing_up_opens_an_account_whose_address_is_not_verified_yet() -> None:
    account = sign_up(name="Acme", email="jane@acme.example", password=PASSWORD, by=SYSTEM)
    assert not EmailAddress.objects.get(user=owner_of(account)).verified
    assert not account.is_professional


def test_signing_up_with_a_known_address_is_refused_in_any_case() -> None:
    opened()
    with pytest.raises(EmailTaken):
        sign_up(name="Mine", email="JANE@acme.example", password=PASSWORD, by=SYSTEM)
    assert Account.objects.count() == 1


def test_an_account_is_found_by_its_uuid_with_and_without_dashes() -> None:
    account = opened()
    assert account_by_uuid(account.uuid.hex) == account_by_uuid(str(account.uuid)) == account


@pytest.mark.parametrize("text", ["", "nonsense", "0" * 32])
def test_a_uuid_of_no_account_is_refused(text: str) -> None:
    with pytest.raises(NotFound):
        account_by_uuid(text)


def test_a_person_of_a_closed_account_has_no_place_in_it() -> None:
    parent = opened()
    child = opened("Harbour", "sub@harbour.example", parent=parent)
    assert [place.account for place in memberships_of(owner_of(child))] == [child]
    Account.objects.filter(pk=parent.pk).update(is_active=False)
    assert not memberships_of(owner_of(child)).exists()
    assert not memberships_of(owner_of(parent)).exists()


@pytest.mark.parametrize("statement", ["UPDATE accounts_event SET verb = 'x'", "DELETE FROM accounts_event"])
def test_the_database_refuses_to_change_what_happened(statement: str) -> None:
    record(by=Actor(ActorKind.PERSON, "jane@acme.example"), verb="tried", detail={"a": 1})
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
