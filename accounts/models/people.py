"""People, accounts, and who belongs to which."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from kit import clock, crypto

from accounts.policy import Actor, ActorKind, Right, Role, rights


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
    time_zone = models.CharField(max_length=64, default="UTC", db_default="UTC")
    language = models.CharField(max_length=10, default="en-gb", db_default="en-gb")
    sessions_key = models.CharField(max_length=32, default=crypto.new_hex, editable=False)  # a new one ends them all

    is_acting = False  # for an account, from the back office, in this request

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="email_is_one_person_in_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.BACK_OFFICE if self.is_acting else ActorKind.PERSON, self.email)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a login holds: it ends with the password and with `sessions_key`."""
        salt = f"accounts.User.sessions.{self.sessions_key}"
        return salted_hmac(salt, self.password, secret=secret, algorithm="sha256").hexdigest()


class Account(models.Model):
    """Whom lines and money belong to. A sub-account is an account with a parent, which pays for it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="subaccounts")
    is_professional = models.BooleanField(default=False)
    demands_second_factor = models.BooleanField(default=False, db_default=False)  # of each of its people
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)
    erased_at = models.DateTimeField(null=True, editable=False)  # since when nobody owns it, for good
    is_test = models.BooleanField(default=False, db_default=False, editable=False)  # nothing in it is real, for good
    # Whose test account it is; none once it was closed.
    live = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="test", editable=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(erased_at=None) | Q(is_active=False), name="erased_account_stays_closed"
            ),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="account_is_not_its_own_parent"),
            models.CheckConstraint(condition=~Q(name=""), name="account_has_a_name"),
            models.CheckConstraint(condition=Q(live=None) | Q(is_test=True), name="account_of_another_is_a_test"),
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
        account = self.account
        return rights(Role(self.role), is_subaccount=account.is_subaccount, is_test=account.is_test)

    def may(self, right: Right) -> bool:
        return right in self.rights
