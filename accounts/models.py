"""Who: people, accounts, who belongs to which, keys, and what was done by whom."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from kit import clock

from accounts.policy import Actor, ActorKind, Right, Role, rights

COLOUR = r"^(#[0-9a-f]{6})?$"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who logs in, known by mail address."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("back office", default=False)
    date_joined = models.DateTimeField(default=clock.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="email_is_one_person_in_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.PERSON, self.email)


class Account(models.Model):
    """Whom lines and money belong to. A sub-account is an account with a parent, which pays for it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="subaccounts")
    is_professional = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(parent=F("id")), name="account_is_not_its_own_parent"),
            models.CheckConstraint(condition=~Q(name=""), name="account_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_subaccount(self) -> bool:
        return self.parent_id is not None

    @property
    def payer_id(self) -> int:
        """The account whose balance pays: the parent of a sub-account, else itself."""
        return self.parent_id or self.pk


class Membership(models.Model):
    """A person's place in an account."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=[(role.value, role.name.title()) for role in Role])
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "account"], name="person_is_once_in_an_account"),
            models.UniqueConstraint(fields=["account"], condition=Q(role=Role.OWNER), name="account_has_one_owner"),
        ]

    @property
    def rights(self) -> frozenset[Right]:
        return rights(Role(self.role), is_subaccount=self.account.is_subaccount)

    def may(self, right: Right) -> bool:
        return right in self.rights


class ApiCredential(models.Model):
    """What a client signs with: 32 hex each; the shared key is encrypted at rest."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credentials")
    user_uuid = models.CharField(max_length=32, unique=True)
    shared_key = models.TextField(editable=False)
    created_at = models.DateTimeField(default=clock.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(revoked_at__isnull=True), name="account_has_one_live_credential"
            ),
            models.CheckConstraint(condition=Q(user_uuid__regex=r"^[0-9a-f]{32}$"), name="user_uuid_is_32_hex"),
        ]


class ApiDay(models.Model):
    """How often an account called the API on a day (UTC). Narrow: every request updates it, in place."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    used = models.IntegerField(default=0)
    allowed = models.IntegerField(null=True)
    counted_at = models.DateTimeField(null=True)  # when `allowed` was made from the number of lines

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="api_day_is_one_row")]


class SignedWrite(models.Model):
    """A signed write that was accepted: while its signature is good, the same one again is a replay."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    good_until = models.DateTimeField(db_index=True)


class IdempotentAnswer(models.Model):
    """What a write with an Idempotency-Key was answered: the same one again gets the same answer."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32)  # of verb, path and body
    status = models.PositiveSmallIntegerField(default=0)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="idempotency_key_is_used_once")]


class Event(models.Model):
    """Something that happened, by whom: append-only, the database refuses anything else."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    at = models.DateTimeField(default=clock.now)
    actor_kind = models.CharField(max_length=16, choices=[(kind.value, kind.name.title()) for kind in ActorKind])
    actor_name = models.CharField(max_length=254)
    verb = models.CharField(max_length=64)
    subject = models.CharField(max_length=128, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="event_of_account"),
            models.Index(fields=["subject", "-id"], name="event_of_subject"),
        ]


class Brand(models.Model):
    """The dress in which an account's people and its sub-accounts' meet the console. What is empty is ours.

    `key` names it in public addresses, so that they tell no account. A domain shows it once the operator, who sets up
    its address and certificate, has put it live.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="brand")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=60)
    accent = models.CharField(max_length=7, blank=True)  # #rrggbb, as it was given
    bar = models.CharField(max_length=7, blank=True)  # behind the list of pages
    logo_digest = models.CharField(max_length=64, blank=True, editable=False)
    support_mail = models.EmailField(blank=True)
    domain = models.CharField(max_length=253, null=True, blank=True, unique=True)
    domain_live_at = models.DateTimeField(null=True, blank=True)
    apn = models.CharField(max_length=100, blank=True)
    apn_user = models.CharField(max_length=100, blank=True)
    apn_password = models.CharField(max_length=100, blank=True)
    apn_text = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="brand_has_a_name"),
            models.CheckConstraint(
                condition=Q(accent__regex=COLOUR, bar__regex=COLOUR), name="brand_colour_is_6_hex_or_none"
            ),
            models.CheckConstraint(
                condition=Q(domain__isnull=True) | Q(domain__regex=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"),
                name="brand_domain_is_a_host",
            ),
            models.CheckConstraint(
                condition=Q(domain_live_at__isnull=True) | Q(domain__isnull=False), name="brand_is_live_at_a_domain"
            ),
        ]


class BrandLogo(models.Model):
    """A brand's logo: a PNG that we encoded ourselves. A row of its own, so that nobody who asks a name reads it."""

    brand = models.OneToOneField(Brand, on_delete=models.CASCADE, primary_key=True, related_name="logo")
    image = models.BinaryField()
