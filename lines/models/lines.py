"""Lines: what people edit (Line), and what changes with every page (LineState)."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from kit import clock
from kit.identifiers import ICCID_LONGEST, ICCID_PATTERN

from accounts.models import Account
from lines.carriers.base import Switch
from lines.models.carriers import Carrier
from lines.models.plans import RatePlan
from lines.policy import Wanted, Why

ICCID = RegexValidator(rf"^{ICCID_PATTERN}$", "ICCIDs have 18 to 22 digits.")


class Line(models.Model):
    """A SIM. `account` holds it, `payer` pays for it; a line of neither is stock."""

    iccid = models.CharField(max_length=ICCID_LONGEST, unique=True, validators=[ICCID])
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="lines", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="lines")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="lines", db_index=False
    )
    payer = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="paid_lines", db_index=False
    )
    # As its carrier spells it, where that is not `iccid`: with its check digit, or without; see `called`.
    carrier_iccid = models.CharField(max_length=ICCID_LONGEST, blank=True, default="", db_default="", editable=False)
    notes = models.CharField(max_length=500, blank=True)
    imei = models.CharField(max_length=17, blank=True)
    msisdn = models.CharField(max_length=20, blank=True)
    added_at = models.DateTimeField(default=clock.now)
    held_since = models.DateTimeField(null=True, blank=True)  # by its holder, where that is later than `added_at`
    plan_since = models.DateTimeField(null=True, blank=True)  # at its plan, where that is later than `added_at`
    deactivation_date = models.DateField(null=True, blank=True)  # it is deactivated at 00:00 of this day
    deactivation_by = models.CharField(max_length=254, blank=True, default="", db_default="")
    changed = models.BigIntegerField(null=True, editable=False)  # by which transaction (decision 0310)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(deactivation_date__isnull=True) | ~Q(deactivation_by=""),
                name="deactivation_date_is_somebodys",
            ),
            models.CheckConstraint(
                condition=Q(account__isnull=True, payer__isnull=True) | Q(account__isnull=False, payer__isnull=False),
                name="line_has_a_holder_and_a_payer_or_neither",
            ),
            models.CheckConstraint(condition=Q(iccid__regex=rf"^{ICCID_PATTERN}$"), name="iccid_has_18_to_22_digits"),
            models.CheckConstraint(
                condition=Q(carrier_iccid="")
                | (Q(carrier_iccid__regex="^[0-9A-Fa-f]{18,22}$") & ~Q(carrier_iccid=F("iccid"))),
                name="carrier_iccid_is_another_spelling",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "iccid"], name="line_of_account"),
            models.Index(fields=["payer", "iccid"], name="line_of_payer"),
            models.Index(fields=["carrier", "id"], name="line_of_carrier"),
            models.Index(
                fields=["deactivation_date"],
                condition=Q(deactivation_date__isnull=False),
                name="line_to_deactivate",
            ),
        ]

    def __str__(self) -> str:
        return self.iccid

    @property
    def called(self) -> str:
        """Its ICCID in calls to its carrier."""
        return self.carrier_iccid or self.iccid


class LineState(models.Model):
    """What changes with every page: kept narrow and without indexes on what is updated, so that updates stay in place.

    `cycle`, `counter`, `baseline`: the cycle that the counter belongs to, the highest counter seen in it, and where our
    own usage begins in it (bytes; under 0 where the carrier began to count anew inside the cycle). No cycle: the next
    reading is the baseline and charges nothing.
    """

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="state")
    cycle = models.DateField(null=True)
    counter = models.BigIntegerField(default=0)
    baseline = models.BigIntegerField(default=0)
    since_cycle = models.DateField(null=True)  # the cycle in which the baseline was taken, by our clock
    read_at = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    day_bytes = models.BigIntegerField(default=0)
    sms_sent = models.IntegerField(null=True, default=None)  # from the device this cycle; null: not reported
    sms_mark = models.IntegerField(null=True)  # the carrier's count that moves with messages from the device
    lower_at = models.DateTimeField(null=True)  # when the carrier last showed less than before in one cycle
    lower_counter = models.BigIntegerField(null=True)
    shown_lower = models.BigIntegerField(null=True)  # what the carrier shows now, where that is not `counter`
    held_bytes = models.BigIntegerField(default=0, db_default=0)  # of this cycle, not charged yet: too many to believe
    boundary_bytes = models.BigIntegerField(default=0, db_default=0)  # charged to the old cycle since its end
    reading_id = models.BigIntegerField(null=True)  # the kept reading that was applied last
    baseline_at = models.DateTimeField(null=True)  # when the reading was asked for that is the baseline

    wanted = models.SmallIntegerField(default=Wanted.DEACTIVATED, choices=[(w.value, w.name.title()) for w in Wanted])
    wanted_at = models.DateTimeField(default=clock.now)
    why = models.CharField(max_length=16, blank=True, default=Why.NEW, choices=[(w.value, w.value) for w in Why])
    why_who = models.CharField(max_length=254, blank=True)
    reported = models.SmallIntegerField(null=True, choices=[(s.value, s.name.title()) for s in Switch])
    reported_word = models.CharField(max_length=40, blank=True)
    blocked = models.BooleanField(default=False)
    reported_at = models.DateTimeField(null=True)  # since when
    confirmed_at = models.DateTimeField(null=True)  # last asked
    changed = models.BigIntegerField(null=True, editable=False)  # by which transaction (decision 0310)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(counter__gte=F("baseline")), name="counter_is_not_under_its_baseline"),
            models.CheckConstraint(
                condition=Q(wanted=Wanted.ACTIVE, why="") | (~Q(wanted=Wanted.ACTIVE) & ~Q(why="")),
                name="line_is_off_for_a_reason",
            ),
        ]
