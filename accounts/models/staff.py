"""How people come into an account, and how it changes its owner."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from kit import clock

from accounts.models.people import Account, Membership, User
from accounts.policy import INVITATION_DAYS, INVITED_AS, OFFER_DAYS, Role


def _invitation_ends() -> dt.datetime:
    return clock.now() + dt.timedelta(days=INVITATION_DAYS)


def _offer_ends() -> dt.datetime:
    return clock.now() + dt.timedelta(days=OFFER_DAYS)


class Invitation(models.Model):
    """A person who is asked by mail to join an account. The link's token is known as its hash alone.

    `mail_after` and `mail_tries` are the version's before: PostedLetter has the mail.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=16, choices=[(role.value, role.name.title()) for role in INVITED_AS])
    invited_by = models.CharField(max_length=254)
    address = models.CharField(max_length=300)  # of the console that the link leads to: https://console.example.com
    token_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 - NULL: none yet
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(default=_invitation_ends)
    asked_at = models.DateTimeField(default=clock.now, db_default=Now())  # the last time that its mail was asked for
    asks = models.PositiveSmallIntegerField(default=1, db_default=1)  # of mails, within a day of one another
    mail_after = models.DateTimeField(default=None, null=True, blank=True)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "account",
                Lower("email"),
                condition=Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="person_is_invited_once_at_a_time",
            ),
            models.CheckConstraint(condition=~Q(role=Role.OWNER), name="nobody_is_invited_as_owner"),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(withdrawn_at__isnull=True),
                name="invitation_is_accepted_or_withdrawn",
            ),
        ]
        indexes = [
            models.Index(fields=["mail_after"], condition=Q(mail_after__isnull=False), name="invitation_to_mail")
        ]

    @property
    def has_ended(self) -> bool:
        return self.expires_at <= clock.now()


class OwnershipOffer(models.Model):
    """An account's owner offers it to one of its staff, who has not answered yet. The row goes with the answer."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="ownership_offer")
    to = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="ownership_offer")
    offered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(default=_offer_ends)
    address = models.CharField(max_length=300)  # of the console where it is answered
    mail_after = models.DateTimeField(default=None, null=True, blank=True)
    mail_tries = models.PositiveSmallIntegerField(default=0)

    @property
    def has_ended(self) -> bool:
        return self.expires_at <= clock.now()
