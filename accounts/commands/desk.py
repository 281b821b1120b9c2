"""What the back office does to accounts and people."""

from __future__ import annotations

from django.db import transaction
from kit.errors import Invalid

from accounts.commands.events import record
from accounts.commands.opening import person_of
from accounts.models import Account, User
from accounts.policy import Actor


@transaction.atomic
def set_professional(*, account: Account, professional: bool, reason: str, by: Actor) -> Account:
    """Real API calls, or samples; harmless twice. Raises Invalid."""
    if not reason.strip():
        raise Invalid("Say why; it is kept in the account's audit log")
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if account.is_professional != professional:
        account.is_professional = professional
        account.save(update_fields=["is_professional"])
        detail = {"professional": professional, "reason": reason.strip()[:300]}
        record(by=by, verb="account.kind_changed", account_id=account.pk, detail=detail)
    return account


@transaction.atomic
def let_into_back_office(*, email: str, password: str | None, by: Actor) -> User:
    """A person who runs the installation, made where they are new. Harmless twice. Raises Invalid, Refusal."""
    user = person_of(email=email, password=password)
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
        record(by=by, verb="back_office.let_in", subject=f"person:{user.email}")
    return user


@transaction.atomic
def put_out_of_back_office(*, email: str, by: Actor) -> User:
    """Harmless twice. Raises Invalid where nobody has this address."""
    user = User.objects.select_for_update().filter(email__iexact=email.strip()).first()
    if user is None:
        raise Invalid(f"Nobody here has the address {email.strip()!r}")
    if user.is_staff:
        user.is_staff = False
        user.save(update_fields=["is_staff"])
        record(by=by, verb="back_office.put_out", subject=f"person:{user.email}")
    return user
