"""An account's people, who is asked to join, and to whom the account is offered."""

from __future__ import annotations

from django.db.models import Case, QuerySet, Value, When
from kit import clock

from accounts.models import Account, Invitation, Membership, OwnershipOffer, User
from accounts.policy import Role, token_hash
from accounts.queries.keys import is_open


def staff_of(account: Account) -> QuerySet[Membership]:
    """The owner first, then the others by mail address."""
    owner_first = Case(When(role=Role.OWNER, then=Value(0)), default=Value(1))
    return Membership.objects.filter(account=account).select_related("user").order_by(owner_first, "user__email")


def invitations_of(account: Account) -> QuerySet[Invitation]:
    """Those that were neither used nor withdrawn, the newest first; too old ones may be sent again."""
    waiting = Invitation.objects.filter(account=account, accepted_at=None, withdrawn_at=None)
    return waiting.select_related("letter").order_by("-pk")


def invitation_by_token(token: str) -> Invitation | None:
    """The invitation that this link still opens."""
    found = (
        Invitation.objects.select_related("account__parent")
        .filter(token_hash=token_hash(token), accepted_at=None, withdrawn_at=None, expires_at__gt=clock.now())
        .first()
    )
    return found if found and is_open(found.account) else None


def offer_of(account: Account) -> OwnershipOffer | None:
    """The offer of the ownership that waits for an answer."""
    offers = OwnershipOffer.objects.filter(account=account, expires_at__gt=clock.now())
    return offers.select_related("to__user", "offered_by", "account").first()


def offers_to(user: User) -> QuerySet[OwnershipOffer]:
    """The accounts whose ownership is offered to this person."""
    offers = OwnershipOffer.objects.filter(to__user=user, to__is_active=True, expires_at__gt=clock.now())
    return offers.select_related("account", "offered_by", "to")
