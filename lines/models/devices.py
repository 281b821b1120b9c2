"""What is known of the device behind a line, and what is set on its SIM."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models import Account
from lines.carriers.base import LONGEST_LABEL, Setting
from lines.models.carriers import Carrier
from lines.models.leased import Leased
from lines.models.lines import Line


class LineDevice(Leased):
    """What the carrier said of a SIM when it was last asked, without its place on the map.

    `is_due`: it has moved since, and is to be asked again when the day's calls allow it. `cycle` and `counter` are the
    line's of that moment: what moved since then belongs to the next sighting.
    """

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="device")
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    is_due = models.BooleanField(default=True)
    asked_at = models.DateTimeField(null=True)
    facts = models.JSONField(default=dict)
    cycle = models.DateField(null=True)
    counter = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(null=True, editable=False)  # by which transaction (decision 0310)

    class Meta:
        indexes = [models.Index(fields=["carrier", "asked_at"], condition=Q(is_due=True), name="device_to_ask")]


class Sighting(models.Model):
    """Where a line was seen, from when to when, and what it used in that time: a session, or a stay in a network.

    The table is partitioned by the month of `started_at`, which is never changed.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="sightings", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    cycle = models.DateField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # none: it was still open when it was seen
    seen_at = models.DateTimeField(default=clock.now)
    is_session = models.BooleanField()  # the carrier gave its beginning and end; otherwise they are our looks
    country = models.CharField(max_length=2, blank=True)
    network = models.CharField(max_length=100, blank=True)
    radio = models.CharField(max_length=100, blank=True)
    ip = models.GenericIPAddressField(null=True)
    sessions = models.PositiveIntegerField(default=0)
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(used__gte=0), name="sighting_used_is_not_negative")]
        indexes = [
            models.Index(fields=["line", "-started_at"], name="sighting_of_line"),
            models.Index(fields=["seen_at"], name="sighting_by_seen"),
            models.Index(fields=["seen_at"], condition=Q(ended_at=None), name="sighting_open"),
        ]


class LineSetting(Leased):
    """One thing that is set on a SIM: what we want, and what its carrier confirmed. Open until the two agree."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="settings", db_index=False)
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=16, choices=[(one.value, one.value) for one in Setting])
    wanted = models.CharField(max_length=LONGEST_LABEL, blank=True)
    confirmed = models.CharField(max_length=LONGEST_LABEL, null=True)  # noqa: DJ001 - none: not known; empty: no limit
    confirmed_at = models.DateTimeField(null=True)
    since = models.DateTimeField(default=clock.now)
    by = models.CharField(max_length=254)
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "name"], name="line_has_a_setting_once")]
        indexes = [models.Index(fields=["carrier", "due_at"], condition=Q(is_open=True), name="setting_by_due")]


class NameSharing(models.Model):
    """That an account wants its notes and tags to stand at its lines' carriers too."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="+")
    since = models.DateTimeField(default=clock.now)
    by = models.CharField(max_length=254)


class LineSecret(models.Model):
    """A SIM's PIN and PUK, as its carrier delivered them: encrypted JSON."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="secret")
    codes = models.TextField(editable=False)
    kept_at = models.DateTimeField(default=clock.now)
