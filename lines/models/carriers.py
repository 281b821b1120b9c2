"""Carriers: our accounts with them, how they are, and what is kept of their changes."""

from __future__ import annotations

import datetime as dt
import math

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value
from kit import clock, crypto

from accounts.models.second import IS_DECIDED_BY_SOMEBODY, WAITS, ForASecondPerson
from lines.carriers.base import CallKind, Dialect
from lines.counting import Turns, cycle_of


class Carrier(models.Model):
    """A carrier's account of ours: where its API is, our credentials, and how often we may call."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=32)
    url = models.URLField(max_length=500)
    secrets = models.TextField(editable=False)  # encrypted JSON
    cycle_day = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(28)], editable=False
    )
    # A cycle day that was changed counts from this boundary on; until then the cycle that was open goes on.
    cycle_since = models.DateField(null=True, blank=True, editable=False)
    cycle_before = models.DateField(null=True, blank=True, editable=False)
    calls_per_second = models.FloatField(default=10.0)
    calls_per_minute = models.PositiveIntegerField(null=True, blank=True)
    calls_per_day = models.PositiveIntegerField(null=True, blank=True)
    read_every = models.PositiveIntegerField("seconds between passes", default=300)
    is_active = models.BooleanField(default=True)
    bulk_edits = models.BooleanField(default=False, db_default=False)  # our account there may switch many SIMs at once
    apn = models.CharField("APN", max_length=100, blank=True)  # for devices, where the carrier does not say it itself
    apn_user = models.CharField("APN user", max_length=100, blank=True)
    apn_password = models.TextField(blank=True, editable=False)  # encrypted
    # What its document leaves open: a network's own words, in small letters, with what each means; what it is asked for
    # on and off, where that is another word; the version in the address that sends messages, empty for the usual one.
    words = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()), editable=False)
    sms_version = models.CharField("SMS version", max_length=32, blank=True, db_default="")
    asks = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()), editable=False)
    device_edits = models.BooleanField(default=False, db_default=False)  # our account there may call EditDevice
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cycle_day__gte=1, cycle_day__lte=28), name="cycle_day_is_in_every_month"
            ),
            models.CheckConstraint(condition=Q(calls_per_second__gt=0), name="carrier_may_be_called"),
            models.CheckConstraint(
                condition=Q(calls_per_minute=None) | Q(calls_per_minute__gt=0), name="carrier_may_be_called_a_minute"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def pace(self) -> float:
        """Calls a second that it takes for long."""
        return min(self.calls_per_second, (self.calls_per_minute or math.inf) / 60)

    @property
    def dialect(self) -> Dialect:
        """What the operator told of the network behind it."""
        return Dialect(tuple(sorted(self.words.items())), self.sms_version, tuple(sorted(self.asks.items())))

    @property
    def opened_apn_password(self) -> str:
        return crypto.decrypt(self.apn_password, row=f"carrier:{self.pk}") if self.apn_password else ""

    @property
    def turns(self) -> Turns:
        """When its cycles begin."""
        return Turns(self.cycle_day, self.cycle_since, self.cycle_before)

    def cycle_of(self, day: dt.date) -> dt.date:
        """The first day of the cycle that a day is in."""
        return cycle_of(day, self.turns)


class CarrierHealth(models.Model):
    """A carrier's call budget, shared by all workers. Times here are the database's real time."""

    carrier = models.OneToOneField(Carrier, on_delete=models.CASCADE, primary_key=True, related_name="health")
    next_call_at = models.DateTimeField(null=True)
    # Calls of each second, the one of `minute_at` (Unix seconds) first, where a minute's calls are limited.
    minute_at = models.BigIntegerField(default=0, db_default=0)
    minute_calls = ArrayField(models.PositiveIntegerField(), default=list, db_default=Value("{}"))
    day = models.DateField(null=True)
    calls_today = models.PositiveIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_failure = models.CharField(max_length=300, blank=True)
    finals_planned_for = models.DateField(null=True)
    costs_planned_for = models.DateField(null=True)  # the month whose costs are asked for
    looked_through = models.BigIntegerField(default=0, db_default=0)  # lines up to this id had their look


class Breaker(models.Model):
    """What keeps us from calling a carrier for one kind of call; no row is a closed one. Times are the database's."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="breakers")
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value.capitalize()) for kind in CallKind])
    failures = models.PositiveIntegerField(default=0)  # in a row
    open_until = models.DateTimeField(null=True)  # failed too often in a row
    paused_until = models.DateTimeField(null=True)  # the carrier said "not now"
    last_failure_at = models.DateTimeField(null=True)
    last_failure = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier", "kind"], name="a_carrier_has_one_breaker_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.carrier}: {self.kind}"


class AddressChange(ForASecondPerson):
    """Another address for a carrier's API: our credentials go there, so a second person of the back office decides."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="address_changes")
    url = models.CharField(max_length=500)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier"], condition=WAITS, name="carrier_has_one_address_that_waits"),
            models.CheckConstraint(
                condition=IS_DECIDED_BY_SOMEBODY,
                name="address_change_is_decided_by_somebody",
            ),
        ]


class CarrierFunds(models.Model):
    """What the operator had with a carrier at a moment, as the carrier said; in the carrier's currency."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="funds")
    read_at = models.DateTimeField()
    balance = models.DecimalField(max_digits=16, decimal_places=4)
    currency = models.CharField(max_length=3)
    threshold = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    amount = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    is_auto = models.BooleanField(null=True)
    carrier_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier", "read_at"], name="funds_are_read_once_at_a_moment"),
        ]


class FormerSecrets(models.Model):
    """The credentials that a carrier had before its present ones, encrypted: the way back."""

    carrier = models.OneToOneField(Carrier, on_delete=models.CASCADE, primary_key=True, related_name="former")
    secrets = models.TextField(editable=False)
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=clock.now)
