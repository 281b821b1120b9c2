"""Who is who, and in which account."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet
from kit.errors import NotFound

from accounts.models import Account, Brand, Membership, User
from accounts.policy import Role


def open_account_of(text: str) -> Account | None:
    """The account of this UUID while it is open; a sub-account is open while its parent is."""
    found = Account.objects.select_related("parent").filter(uuid=text, is_active=True)
    return found.filter(Q(parent=None) | Q(parent__is_active=True)).first()


def account_by_uuid(text: str) -> Account:
    """The account that an operator names, with or without dashes. Raises NotFound."""
    try:
        account = Account.objects.filter(uuid=uuid.UUID(text.strip())).first()
    except ValueError:
        account = None
    if account is None:
        raise NotFound(f"No account has the UUID {text.strip()!r}; check it against what add_account answered.")
    return account


def test_account_of(account: Account) -> Account | None:
    """The account's test account, if it has one."""
    return Account.objects.select_related("parent").filter(live=account).first()


def is_unconfirmed(*, payer_id: int) -> bool:
    """Whether nobody has shown yet that the mail address of this account's owner is theirs."""
    owner = {"user__memberships__account": payer_id, "user__memberships__role": Role.OWNER}
    return bool(EmailAddress.objects.filter(primary=True, verified=False, **owner).exists())


def user_by_email(email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip()).first()


def memberships_of(user: User) -> QuerySet[Membership]:
    """A person's active places in accounts that are open (a sub-account is open while its parent is), oldest first."""
    return (
        Membership.objects.filter(user=user, is_active=True, account__is_active=True)
        .filter(Q(account__parent=None) | Q(account__parent__is_active=True))
        .select_related("user", "account__brand", "account__parent__brand", "account__test")
        .order_by("pk")
    )


def test_places(places: Iterable[Membership]) -> list[Membership]:
    """The same person's places in the test accounts of these accounts. They are no rows: whoever leaves an account or
    changes their role in it has done so in its test account, too."""
    tests = [(place, getattr(place.account, "test", None)) for place in places]
    return [Membership(user=place.user, account=test, role=place.role) for place, test in tests if test is not None]


def places_at(places: Iterable[Membership], brand: Brand) -> list[Membership]:
    """Those in the brand's account and its sub-accounts."""
    return [place for place in places if brand.account_id in (place.account_id, place.account.parent_id)]


def is_of_brand(user: User, brand: Brand) -> bool:
    """Whether a person has places there and nowhere else, the back office included."""
    places = list(memberships_of(user))
    return bool(places) and places == places_at(places, brand) and not user.is_staff


def owner_of(account: Account) -> User:
    """The person that the account belongs to."""
    return User.objects.get(memberships__account=account, memberships__role="owner")
