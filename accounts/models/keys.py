"""Keys of the API, and what is written down of its calls."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from kit import clock

from accounts.models.people import Account, User
from accounts.policy import PER_SECOND


class ApiCredential(models.Model):
    """What a client signs with: 32 hex each; the shared key is encrypted at rest, and so is the one before, which still
    works for a while after it was rotated."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credentials")
    user_uuid = models.CharField(max_length=32, unique=True)
    shared_key = models.TextField(editable=False)
    created_at = models.DateTimeField(default=clock.now)
    rotated_at = models.DateTimeField(null=True, blank=True)
    former_key = models.TextField(blank=True, default="", editable=False)
    former_until = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(revoked_at__isnull=True), name="account_has_one_live_credential"
            ),
            models.CheckConstraint(
                condition=Q(former_key="", former_until__isnull=True)
                | ~Q(former_key="") & Q(former_until__isnull=False),
                name="former_key_has_its_end",
            ),
            models.CheckConstraint(condition=Q(user_uuid__regex=r"^[0-9a-f]{32}$"), name="user_uuid_is_32_hex"),
        ]


class BearerKey(models.Model):
    """A key that is sent as it is: how long and from where it works. Only its digest is kept."""

    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256: the key is random and long
    hint = models.CharField(max_length=16)  # how the key begins
    ranges = models.JSONField(default=list, blank=True)  # CIDR; none: from everywhere
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.GenericIPAddressField(null=True, blank=True)
    free_at = models.DateTimeField(null=True, blank=True, editable=False)  # when what it called just now counts no more

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


def _checks(called: str, owner: str) -> list[models.BaseConstraint]:
    """What holds for the keys of this owner."""
    return [
        models.UniqueConstraint(
            fields=[owner, "name"], condition=Q(revoked_at__isnull=True), name=f"live_{called}_has_its_own_name"
        ),
        models.CheckConstraint(condition=~Q(name=""), name=f"{called}_has_a_name"),
        models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name=f"{called}_expires_after_it_is_made"),
    ]


class ApiKey(BearerKey):
    """A bearer key of an account: what it may do, and how often in a second."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="api_keys")
    scopes = models.JSONField(default=list)
    created_by = models.CharField(max_length=254)
    made_with = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="made")
    is_test = models.BooleanField(default=False, db_default=False)  # its calls are answered in the test account
    per_second = models.PositiveSmallIntegerField(default=PER_SECOND, db_default=PER_SECOND)

    class Meta:
        constraints = [
            *_checks("api_key", "account"),
            models.CheckConstraint(condition=Q(per_second__gte=1), name="api_key_may_call_each_second"),
        ]


class OfficeKey(BearerKey):
    """A bearer key of a person who runs the installation, for the back office's calls."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="office_keys")

    class Meta:
        constraints = _checks("office_key", "user")


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
    body = models.BinaryField(default=b"")  # encrypted
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="idempotency_key_is_used_once")]
