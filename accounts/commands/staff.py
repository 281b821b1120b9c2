"""What happens to an account's people, and who owns it."""

from __future__ import annotations

from django.db import transaction
from kit import clock, crypto
from kit.errors import Invalid, NotFound, Refusal

from accounts.commands import handover, waiting_letters
from accounts.commands.events import record
from accounts.models import Account, Membership, OwnershipOffer, User
from accounts.policy import INVITED_AS, Actor, Role


class OwnerStays(Refusal):
    """An account always has its owner."""


class OfferGone(NotFound):
    """The ownership is not offered, or no longer."""


class OfferOpen(Refusal):
    """The ownership is offered to somebody else already."""


@transaction.atomic
def change_role(*, place: Membership, role: Role, by: Actor) -> Membership:
    """Raises Invalid, OwnerStays, NotFound. Harmless twice."""
    if role not in INVITED_AS:
        raise Invalid("Choose user, operator or viewer; the ownership is transferred.")
    place = _staff(place)
    if place.role != role:
        before, place.role = place.role, role.value
        place.save(update_fields=["role"])
        _note(place, "staff.role_changed", by=by, before=before, after=place.role)
    return place


@transaction.atomic
def deactivate(*, place: Membership, by: Actor, keep_keys: bool = False) -> Membership:
    """Shut a person out of the account, out of every browser, and out of the API: keys that they know are replaced
    unless they are to be kept. Raises OwnerStays, NotFound.

    Harmless twice.
    """
    place = _staff(place)
    if place.is_active:
        place.is_active = False
        place.save(update_fields=["is_active"])
        OwnershipOffer.objects.filter(to=place).delete()
        end_sessions(user=place.user)
        _note(place, "staff.deactivated", by=by)
        _end_keys(place, by=by, keep_keys=keep_keys)
    return place


@transaction.atomic
def activate(*, place: Membership, by: Actor) -> Membership:
    """Raises OwnerStays, NotFound. Harmless twice."""
    place = _staff(place)
    if not place.is_active:
        place.is_active = True
        place.save(update_fields=["is_active"])
        _note(place, "staff.activated", by=by)
    return place


@transaction.atomic
def remove(*, place: Membership, by: Actor, keep_keys: bool = False) -> None:
    """Take a person off the account; what they did stays written, keys that they know are replaced unless they are to
    be kept. Raises OwnerStays, NotFound."""
    place = _staff(place)
    _note(place, "staff.removed", by=by, role=place.role)
    end_sessions(user=place.user)
    _end_keys(place, by=by, keep_keys=keep_keys)
    place.delete()


def _end_keys(place: Membership, *, by: Actor, keep_keys: bool) -> None:
    if not keep_keys:
        ended = handover.end_keys_seen_by(account=place.account, email=place.user.email, by=by)
        if ended:
            handover.tell(account=place.account, former=place.user.email, why="Access was ended", ended=ended)


@transaction.atomic
def log_out(*, place: Membership, by: Actor) -> None:
    """End every session of one of an account's people. Raises OwnerStays, NotFound."""
    place = _staff(place)
    end_sessions(user=place.user)
    _note(place, "person.sessions_ended", by=by)


def end_sessions(*, user: User) -> None:
    """Log a person out everywhere: every session holds a hash of this key."""
    User.objects.filter(pk=user.pk).update(sessions_key=crypto.new_hex())


@transaction.atomic
def demand_second_factor(*, account: Account, demanded: bool, by: Actor) -> Account:
    """Let in only people who have a second factor, or stop asking for it. Harmless twice."""
    account = _locked(account)
    if account.demands_second_factor != demanded:
        account.demands_second_factor = demanded
        account.save(update_fields=["demands_second_factor"])
        verb = "account.second_factor_demanded" if demanded else "account.second_factor_optional"
        record(by=by, verb=verb, account_id=account.pk, subject=f"account:{account.uuid.hex}")
    return account


@transaction.atomic
def offer_ownership(*, to: Membership, address: str, by: User) -> OwnershipOffer:
    """The owner offers the account to one of its staff, who has a week to answer. Harmless twice.

    Raises NotFound, OwnerStays, OfferOpen, Refusal.
    """
    account = _locked(to.account)
    _owned(account, by)
    to = _staff(to)
    if not to.is_active or not to.user.is_active:
        raise Refusal(f"{to.user.email} is deactivated; activate them first.")
    OwnershipOffer.objects.filter(account=account, expires_at__lte=clock.now()).delete()
    offer = OwnershipOffer.objects.filter(account=account).select_related("to__user").first()
    if offer is not None and offer.to_id != to.pk:
        raise OfferOpen(f"The ownership is offered to {offer.to.user.email}; withdraw that first.")
    if offer is None:
        offer = OwnershipOffer.objects.create(account=account, to=to, offered_by=by, address=address.rstrip("/"))
        waiting_letters.post_offer(offer=offer)
        _note(to, "ownership.offered", by=by.actor)
    return offer


@transaction.atomic
def withdraw_offer(*, account: Account, by: User) -> None:
    """The owner takes the offer back. Raises OfferGone."""
    account = _locked(account)
    _owned(account, by)
    offer = _offer(account)
    _note(offer.to, "ownership.offer_withdrawn", by=by.actor)
    offer.delete()


@transaction.atomic
def decline_ownership(*, account: Account, by: User) -> None:
    """Raises OfferGone."""
    offer = _offer(_locked(account), to=by)
    _note(offer.to, "ownership.declined", by=by.actor)
    offer.delete()


@transaction.atomic
def accept_ownership(*, account: Account, by: User, keep_keys: bool = False) -> Membership:
    """The account changes its owner; the former one stays as a user, and the keys that they could see are replaced
    unless they are to be kept. Raises OfferGone."""
    account = _locked(account)
    offer = _offer(account, to=by)
    former = Membership.objects.select_for_update(no_key=True).get(account=account, role=Role.OWNER)
    place = Membership.objects.select_for_update(no_key=True).filter(pk=offer.to_id, is_active=True).first()
    if place is None or offer.has_ended or former.user_id != offer.offered_by_id:
        raise OfferGone("This offer has ended; ask the owner to offer the account again.")
    former.role, place.role = Role.USER.value, Role.OWNER.value
    former.save(update_fields=["role"])
    place.save(update_fields=["role"])
    offer.delete()
    _note(place, "ownership.transferred", by=by.actor, before=former.user.email, after=by.email)
    _hand_over(account, former.user.email, by=by.actor, keep_keys=keep_keys)
    return place


@transaction.atomic
def name_owner(*, subaccount: Account, place: Membership | None, by: Actor, keep_keys: bool = False) -> None:
    """The provider says which of a sub-account's people owns it, or that nobody does; the one before stays as a user,
    and the keys that they could see are replaced unless they are to be kept.

    Raises NotFound, Refusal. Harmless twice.
    """
    account = _locked(subaccount)
    if not account.is_subaccount:
        raise Refusal("The owner of an account that pays for itself is not named; they transfer the ownership.")
    former = Membership.objects.select_related("user").filter(account=account, role=Role.OWNER).first()
    if former is not None and place is not None and former.pk == place.pk:
        return
    new = _staff(place) if place is not None else None
    if new is not None and (new.account_id != account.pk or not new.is_active):
        raise Refusal(f"{new.user.email} is deactivated; activate them first.")
    OwnershipOffer.objects.filter(account=account).delete()
    for one, role in ((former, Role.USER), (new, Role.OWNER)):
        if one is not None:
            before, one.role = one.role, role.value
            one.save(update_fields=["role"])
            _note(one, "staff.role_changed", by=by, before=before, after=one.role)
    if former is not None:
        _hand_over(account, former.user.email, by=by, keep_keys=keep_keys)


def _hand_over(account: Account, former: str, *, by: Actor, keep_keys: bool) -> None:
    ended = [] if keep_keys else handover.end_keys_of_former_owner(account=account, email=former, by=by)
    if keep_keys:
        record(by=by, verb="api.keys_kept", account_id=account.pk, subject=f"person:{former}"[:128])
    handover.tell(account=account, former=former, why="The ownership was transferred", ended=ended)


def _locked(account: Account) -> Account:
    return Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _owned(account: Account, by: User) -> None:
    if not Membership.objects.filter(account=account, user=by, role=Role.OWNER, is_active=True).exists():
        raise NotFound("Only the owner transfers the ownership.")


def _offer(account: Account, *, to: User | None = None) -> OwnershipOffer:
    offer = OwnershipOffer.objects.select_related("to__user", "to__account").filter(account=account).first()
    if offer is None or (to is not None and offer.to.user_id != to.pk):
        raise OfferGone("The ownership is not offered to anybody, or the offer was answered meanwhile.")
    return offer


def _staff(place: Membership) -> Membership:
    """The place, locked, of somebody who is not the owner."""
    found = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("user", "account")
    locked = found.filter(pk=place.pk).first()
    if locked is None:
        raise NotFound("This person is no longer among the account's people.")
    if locked.role == Role.OWNER:
        raise OwnerStays(f"{locked.user.email} owns the account; transfer the ownership first.")
    return locked


def _note(place: Membership, verb: str, *, by: Actor, **detail: str) -> None:
    subject = f"person:{place.user.email}"[:128]
    record(by=by, verb=verb, account_id=place.account_id, subject=subject, detail=detail)
