"""People are asked to join an account, by a link that is mailed to them and works once."""

from __future__ import annotations

import datetime as dt
import secrets

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Q, Sum
from kit import clock
from kit.errors import Invalid, NotFound, Refusal

from accounts.commands import waiting_letters
from accounts.commands.events import record
from accounts.commands.people import add_person, mail_address, person_name
from accounts.commands.testing import refuse_test
from accounts.models import Account, Invitation, Membership, User
from accounts.policy import INVITATION_DAYS, INVITED_AS, Actor, Role, invitation_mails_a_day, token_hash
from accounts.queries import is_open

MOST_OPEN = 200  # invitations of an account at a time
A_DAY = dt.timedelta(hours=24)
NOT_AGAIN_FOR = dt.timedelta(minutes=1)
GONE = "This invitation no longer works: it is too old, was used or was withdrawn. Ask for a new one."


class AlreadyStaff(Refusal):
    """The person has a place in this account."""


class AlreadyInvited(Refusal):
    """The person has an invitation that waits."""


class TooManyInvitations(Refusal):
    """More are open than one account may have, or they come too fast."""


class InvitationGone(NotFound):
    """Used, withdrawn, too old or never made: the four are one answer."""


@transaction.atomic
def invite(*, account: Account, email: str, role: Role, address: str, by: Actor) -> Invitation:
    """Ask a person to join; `address` is that of the console, to which the link leads.

    Raises Invalid, AlreadyStaff, AlreadyInvited, TooManyInvitations.
    """
    email = mail_address(email=email)
    if role not in INVITED_AS:
        raise Invalid("People are invited as user, operator or viewer; the ownership is transferred.")
    refuse_test(account=account, what="Nobody is invited to it: its people are those of the live account.")
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if Membership.objects.filter(account=account, user__email=email).exists():
        raise AlreadyStaff(f"{email} is among this account's people already.")
    waiting = Invitation.objects.filter(account=account, accepted_at=None, withdrawn_at=None)
    before = waiting.filter(email=email).first()
    if before is not None and not before.has_ended:
        raise AlreadyInvited(f"{email} is invited already; send that invitation again or withdraw it.")
    if before is not None:
        _withdraw(before, by=by)
    _refuse_many(account, by)
    if waiting.count() >= MOST_OPEN:
        raise TooManyInvitations(f"{MOST_OPEN} invitations wait already; withdraw some first.")
    invitation = Invitation.objects.create(
        account=account, email=email, role=role, invited_by=by.name, address=address.rstrip("/")
    )
    waiting_letters.post_invitation(invitation=invitation)
    _note(invitation, "staff.invited", by=by)
    return invitation


@transaction.atomic
def send_again(*, invitation: Invitation, by: Actor) -> Invitation:
    """Mail a new link that works for a week; the one before works no longer.

    Raises InvitationGone, TooManyInvitations within a minute of the last.
    """
    invitation = _waiting(invitation)
    now = clock.now()
    if invitation.mailed_at is not None and now - invitation.mailed_at < NOT_AGAIN_FOR:
        raise TooManyInvitations(f"The mail to {invitation.email} left a moment ago; wait a minute.")
    _refuse_many(Account.objects.select_for_update(no_key=True).get(pk=invitation.account_id), by)
    invitation.token_hash = None
    invitation.expires_at = now + dt.timedelta(days=INVITATION_DAYS)
    invitation.asks = invitation.asks + 1 if invitation.asked_at > now - A_DAY else 1
    invitation.asked_at = now
    invitation.save(update_fields=["token_hash", "expires_at", "asks", "asked_at"])
    waiting_letters.post_invitation(invitation=invitation)
    _note(invitation, "staff.invited_again", by=by)
    return invitation


@transaction.atomic
def withdraw(*, invitation: Invitation, by: Actor) -> None:
    """Take an invitation back; its link works no longer. Raises InvitationGone."""
    _withdraw(_waiting(invitation), by=by)


@transaction.atomic
def new_token(*, invitation: Invitation) -> str:
    """The link that works from now on, for the mail that leaves; it is kept as its hash alone."""
    token = secrets.token_urlsafe(32)
    Invitation.objects.filter(pk=invitation.pk).update(token_hash=token_hash(token))
    return token


@transaction.atomic
def join(*, token: str, user: User) -> Membership:
    """A person who is known takes the invitation to their own address. Raises InvitationGone, Refusal."""
    invitation = _invited(token)
    if user.email != invitation.email:
        raise Refusal(f"This invitation is for {invitation.email}; log in as that person.")
    return _join(invitation, user)


@transaction.atomic
def join_as_new(*, token: str, name: str, password: str) -> Membership:
    """A person who is not known yet takes an invitation; having its link proves the address.

    Raises InvitationGone, Invalid, Refusal.
    """
    invitation = _invited(token)
    if User.objects.filter(email=invitation.email).exists():
        raise Refusal(f"{invitation.email} is known here already; log in to join.")
    user = add_person(email=invitation.email, password=password, verified=True)
    user.name = person_name(name=name)
    user.save(update_fields=["name"])
    return _join(invitation, user)


def _join(invitation: Invitation, user: User) -> Membership:
    if not user.is_active:
        raise Refusal("This person may not log in; ask whoever runs this installation.")
    now = clock.now()
    place, _ = Membership.objects.get_or_create(
        user=user, account_id=invitation.account_id, defaults={"role": invitation.role}
    )
    EmailAddress.objects.filter(user=user, email=user.email).update(verified=True)
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    _note(invitation, "staff.joined", by=user.actor)
    return place


def _refuse_many(account: Account, by: Actor) -> None:
    """Mails in our name to people who never heard of us: none before the sender's address is confirmed, and so many in
    24 hours for an account with all its sub-accounts. Withdrawing takes none back: the mails have left."""
    if EmailAddress.objects.filter(email=by.name, verified=False, primary=True).exists():
        raise TooManyInvitations("Confirm your email address first. Then you can invite others.")
    payer = account.parent or account
    Account.objects.select_for_update(no_key=True).get(pk=payer.pk)
    now = clock.now()
    most = invitation_mails_a_day(age=now - payer.created_at, is_professional=payer.is_professional)
    family = Account.objects.filter(Q(pk=payer.pk) | Q(parent=payer)).values("pk")
    today = Invitation.objects.filter(account__in=family, asked_at__gt=now - A_DAY)
    if (today.aggregate(asks=Sum("asks"))["asks"] or 0) >= most:
        raise TooManyInvitations(f"{most} invitations left in the last 24 hours. Try again tomorrow.")


def _invited(token: str) -> Invitation:
    """The invitation of this token, locked."""
    invitation = (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("account__parent")
        .filter(token_hash=token_hash(token), accepted_at=None, withdrawn_at=None, expires_at__gt=clock.now())
        .first()
    )
    if invitation is None or not is_open(invitation.account):
        raise InvitationGone(GONE)
    return invitation


def _waiting(invitation: Invitation) -> Invitation:
    locked = Invitation.objects.select_for_update().filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None)
    found = locked.first()
    if found is None:
        raise InvitationGone(f"The invitation of {invitation.email} was used or withdrawn meanwhile.")
    return found


def _withdraw(invitation: Invitation, *, by: Actor) -> None:
    invitation.withdrawn_at = clock.now()
    invitation.save(update_fields=["withdrawn_at"])
    _note(invitation, "staff.invitation_withdrawn", by=by)


def _note(invitation: Invitation, verb: str, *, by: Actor) -> None:
    record(
        by=by,
        verb=verb,
        account_id=invitation.account_id,
        subject=f"person:{invitation.email}"[:128],
        detail={"role": invitation.role},
    )
