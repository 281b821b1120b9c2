"""Lines: what people edit (Line), what changes with every page (LineState), what was used, and the work that is due."""

from __future__ import annotations

import datetime as dt
import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q, Value
from kit import clock, crypto
from kit.identifiers import ICCID_LONGEST, ICCID_PATTERN
from kit.money import ZERO

from accounts.models import Account
from billing.models import MoneyField
from lines.carriers.base import CallKind, Dialect, Switch
from lines.counting import Turns
from lines.policy import Wanted, Why

ICCID = RegexValidator(rf"^{ICCID_PATTERN}$", "ICCIDs have 18 to 22 digits.")


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
    calls_per_day = models.PositiveIntegerField(null=True, blank=True)
    read_every = models.PositiveIntegerField("seconds between passes", default=300)
    is_active = models.BooleanField(default=True)
    bulk_edits = models.BooleanField(default=False, db_default=False)  # our account there may switch many SIMs at once
    apn = models.CharField("APN", max_length=100, blank=True)  # for devices, where the carrier does not say it itself
    apn_user = models.CharField("APN user", max_length=100, blank=True)
    apn_password = models.TextField(blank=True, editable=False)  # encrypted
    # What its document leaves open: a network's own words, in small letters, with what each means; the version in the
    # address that sends messages, empty for the usual one.
    words = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()), editable=False)
    sms_version = models.CharField("SMS version", max_length=32, blank=True, db_default="")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cycle_day__gte=1, cycle_day__lte=28), name="cycle_day_is_in_every_month"
            ),
            models.CheckConstraint(condition=Q(calls_per_second__gt=0), name="carrier_may_be_called"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def dialect(self) -> Dialect:
        """What the operator told of the network behind it."""
        return Dialect(tuple(sorted(self.words.items())), self.sms_version)

    @property
    def opened_apn_password(self) -> str:
        return crypto.decrypt(self.apn_password, row=f"carrier:{self.pk}") if self.apn_password else ""

    @property
    def turns(self) -> Turns:
        """When its cycles begin."""
        return Turns(self.cycle_day, self.cycle_since, self.cycle_before)


class CarrierHealth(models.Model):
    """A carrier's call budget, shared by all workers. Times here are the database's real time."""

    carrier = models.OneToOneField(Carrier, on_delete=models.CASCADE, primary_key=True, related_name="health")
    next_call_at = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    calls_today = models.PositiveIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_failure = models.CharField(max_length=300, blank=True)
    finals_planned_for = models.DateField(null=True)
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


class RatePlan(models.Model):
    """What a line costs its payer. The prices are rows of their own, each in force from a moment."""

    name = models.CharField(max_length=100, unique=True)
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="rate_plans")
    code = models.CharField("carrier's plan", max_length=64, blank=True)  # lines that come to this plan are put on it
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class Price(models.Model):
    """A rate plan's prices from a moment on (null: from the beginning), until the next row's. USD, never changed.

    `cost_...` is what the carrier takes from us for the same, where we know it: it may be learned later.
    """

    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="prices")
    valid_from = models.DateTimeField(null=True)
    per_mb = MoneyField()
    per_sms = MoneyField(default=ZERO)
    per_day = MoneyField(default=ZERO)
    cost_per_mb = MoneyField(null=True, blank=True)
    cost_per_sms = MoneyField(null=True, blank=True)
    cost_per_day = MoneyField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cost_per_mb=None, cost_per_sms=None, cost_per_day=None)
                | Q(cost_per_mb__gte=0, cost_per_sms__gte=0, cost_per_day__gte=0),
                name="cost_is_known_whole_and_not_negative",
            ),
            models.UniqueConstraint(
                fields=["plan", "valid_from"], name="plan_has_one_price_at_a_time", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(per_mb__gte=0, per_sms__gte=0, per_day__gte=0), name="price_is_not_negative"
            ),
        ]


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

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(counter__gte=F("baseline")), name="counter_is_not_under_its_baseline"),
            models.CheckConstraint(
                condition=Q(wanted=Wanted.ACTIVE, why="") | (~Q(wanted=Wanted.ACTIVE) & ~Q(why="")),
                name="line_is_off_for_a_reason",
            ),
        ]


class LineCycle(models.Model):
    """A finished cycle of a line under one payer: bytes that were its, and the highest counter seen."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="cycles", db_index=False)
    cycle = models.DateField()
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    counter = models.BigIntegerField()
    used = models.BigIntegerField()
    read_at = models.DateTimeField(null=True)  # when the last reading of it was asked for, where that is known

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "cycle", "payer"], name="line_cycle_is_one_row_a_payer"),
            models.CheckConstraint(condition=Q(used__gte=0), name="used_is_not_negative"),
        ]


class LineDay(models.Model):
    """What a line used on a day at one price, for one payer: bytes, their cost, and the day's line fee in USD.

    `account` held the line when it last moved on that day. Every index here is paid for by every line on every day: a
    foreign key has none of its own where another begins with it or nobody looks by it.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    cycle = models.DateField()
    used = models.BigIntegerField(default=0)
    cost = MoneyField(default=ZERO)
    fee = MoneyField(default=ZERO)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "day", "payer", "price"], name="line_day_is_one_row_a_price"),
            models.CheckConstraint(condition=Q(used__gte=0, cost__gte=0, fee__gte=0), name="line_day_is_not_negative"),
        ]
        indexes = [models.Index(fields=["payer", "day"], name="line_day_of_payer")]


class HolderDay(models.Model):
    """The sums of the day rows of one payer, holder, price and day, kept by whoever writes day rows.

    `days` are the rows, `cost` is in USD with the fees. A month of a million lines are thousands of these.
    """

    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)
    days = models.IntegerField()
    used = models.BigIntegerField()
    cost = MoneyField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payer", "day", "account", "price"], name="holder_day_is_one_row_a_price")
        ]
        indexes = [models.Index(fields=["day"], name="holder_day_by_day")]


class Leased(models.Model):
    """Work that one worker does at a time.

    A lease ends with its time (the database's, real) or with its holder's database session, whichever comes first: a
    killed worker's work is free at once.
    """

    due_at = models.DateTimeField(null=True)  # by the application's clock; null: at once
    attempts = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    leased_pid = models.IntegerField(null=True)
    leased_session = models.DateTimeField(null=True)  # when that session began: process ids come again
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True


class BulkEdit(models.Model):
    """Lines that a carrier was asked to switch by one call. It queues that and calls back; until then they wait.

    The row is there before the call is made, so whatever becomes of us or of the carrier, its lines are asked about.
    """

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="bulk_edits_made")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    on = models.BooleanField()
    lines = ArrayField(models.BigIntegerField())
    asked_at = models.DateTimeField(default=clock.now)
    wait_until = models.DateTimeField()  # then its lines are asked about, called back or not
    called_at = models.DateTimeField(null=True)
    said = models.CharField(max_length=2000, blank=True)  # by whoever called; it decides nothing
    error = models.CharField(max_length=300, blank=True)

    def is_open(self, now: dt.datetime) -> bool:
        """Whether the carrier may still be about to act on it, as far as we know."""
        return self.called_at is None and now < self.wait_until


class Drive(Leased):
    """A line whose carrier has not confirmed what we want: driven until it does, then deleted."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="drive")
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    since = models.DateTimeField(default=clock.now)
    ask_first = models.BooleanField(default=False)  # the last call's outcome is unknown
    bulk = models.ForeignKey(
        BulkEdit, on_delete=models.SET_NULL, null=True, blank=True, related_name="drives", db_index=False
    )  # the last call was for many lines

    class Meta:
        indexes = [models.Index(fields=["carrier", "due_at"], name="drive_by_due")]


class ReadingPass(models.Model):
    """One reading of all a carrier's lines. A planned one is unique in its moment, so two clocks plan it once."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="passes")
    planned_for = models.DateTimeField(null=True)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    readings = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    bytes_moved = models.BigIntegerField(default=0)
    charged = MoneyField(default=ZERO)
    lost = models.PositiveIntegerField(default=0, db_default=0)  # pages or ranges that gave no answer: not a whole one
    pages = models.PositiveIntegerField(default=1, db_default=1)  # of the carrier's list, that are planned
    last_page = models.PositiveIntegerField(null=True)  # where its answers ended

    class Meta:
        constraints = [models.UniqueConstraint(fields=["carrier", "planned_for"], name="pass_is_planned_once")]
        indexes = [models.Index(fields=["carrier", "-started_at"], name="pass_of_carrier")]


class Chunk(Leased):
    """A part of a pass: a page of the carrier's list, or a range of lines read one by one. Deleted when done."""

    reading_pass = models.ForeignKey(ReadingPass, on_delete=models.CASCADE, related_name="chunks")
    page = models.PositiveIntegerField(null=True)
    first_line = models.BigIntegerField(null=True)
    last_line = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reading_pass", "page"], name="page_is_once_in_a_pass"),
            models.CheckConstraint(
                condition=Q(page__isnull=False, first_line__isnull=True, last_line__isnull=True)
                | Q(page__isnull=True, first_line__isnull=False, last_line__isnull=False),
                name="chunk_is_a_page_or_a_range",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="chunk_by_due")]


class FinalTotal(Leased):
    """A finished month of a line whose carrier gives a final total: fetched once, then it settles the month."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="final_totals", db_index=False)
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+")
    cycle = models.DateField()
    done_at = models.DateTimeField(null=True)
    total = models.BigIntegerField(null=True)
    charged = models.BigIntegerField(null=True)  # the counter up to which it was charged then

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "cycle"], name="final_total_is_once_a_month")]
        indexes = [
            models.Index(fields=["carrier", "due_at"], condition=Q(done_at__isnull=True), name="final_by_due"),
            models.Index(fields=["done_at"], condition=Q(total__lt=F("charged")), name="final_below_charged"),
        ]


class Quarantine(models.Model):
    """An answer, or one record of it, that could not be read, raw and unapplied; the same again is counted.

    `line`: the line of ours that it is about. Of one record's faults the last body is kept, however its counter moves.
    """

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="quarantined")
    line = models.ForeignKey("Line", on_delete=models.CASCADE, null=True, blank=True, related_name="quarantined")
    at = models.DateTimeField(default=clock.now)
    times = models.PositiveIntegerField(default=1)
    call = models.CharField(max_length=200)
    error = models.CharField(max_length=300)
    digest = models.CharField(max_length=64)
    body = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier", "call", "digest"], name="quarantined_answer_is_one_row")
        ]
        indexes = [models.Index(fields=["carrier", "-at"], name="quarantine_of_carrier")]
