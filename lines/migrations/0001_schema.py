"""Carriers, lines, their usage, wishes, jobs and messages; and how the database keeps them."""

import uuid
from decimal import Decimal

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import kit.clock
from django.db import migrations, models

import billing.models
import lines.policy

# Room on each page of the tables that every reading updates.
IN_PLACE = """
ALTER TABLE lines_linestate SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE lines_lineday SET (fillfactor = 80);
"""

# Behind the search: how an ICCID, an IMEI or a number starts or ends, the words of notes and of messages.
FOUND = """
CREATE INDEX line_by_last_digits ON lines_line (reverse(iccid) text_pattern_ops);
CREATE INDEX line_by_imei ON lines_line (imei text_pattern_ops) WHERE imei <> '';
CREATE INDEX line_by_imei_end ON lines_line (reverse(imei) text_pattern_ops) WHERE imei <> '';
CREATE INDEX line_by_msisdn ON lines_line (msisdn text_pattern_ops) WHERE msisdn <> '';
CREATE INDEX line_by_msisdn_end ON lines_line (reverse(msisdn) text_pattern_ops) WHERE msisdn <> '';
CREATE INDEX line_by_words ON lines_line USING gin (to_tsvector('simple', notes));
CREATE INDEX sms_by_words ON lines_smsmessage USING gin (to_tsvector('simple', text));
"""


class Migration(migrations.Migration):
    replaces = [
        ("lines", "0001_initial"),
        ("lines", "0002_state_updates_in_place"),
        ("lines", "0003_lines_are_found"),
        ("lines", "0004_since_cycle"),
        ("lines", "0005_shown_lower"),
        ("lines", "0006_deactivation_date"),
        ("lines", "0007_fewer_indexes"),
        ("lines", "0008_changed_lines"),
        ("lines", "0009_jobs"),
        ("lines", "0010_tags"),
        ("lines", "0011_messages"),
        ("lines", "0012_orders_and_coverage"),
        ("lines", "0013_devices_and_settings"),
        ("lines", "0014_what_carriers_take_and_books"),
        ("lines", "0015_looks_go_round"),
        ("lines", "0016_differences"),
        ("lines", "0017_pasted_lists"),
        ("lines", "0018_sightings_are_found_by_when_they_were_seen"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_schema"),
    ]

    operations = [
        migrations.CreateModel(
            name="Carrier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("kind", models.CharField(max_length=32)),
                ("url", models.URLField(max_length=500)),
                ("secrets", models.TextField(editable=False)),
                (
                    "cycle_day",
                    models.PositiveSmallIntegerField(
                        default=1,
                        editable=False,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(28),
                        ],
                    ),
                ),
                ("calls_per_second", models.FloatField(default=10.0)),
                ("calls_per_day", models.PositiveIntegerField(blank=True, null=True)),
                ("read_every", models.PositiveIntegerField(default=300, verbose_name="seconds between passes")),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("apn", models.CharField(blank=True, max_length=100, verbose_name="APN")),
                ("apn_password", models.CharField(blank=True, max_length=100, verbose_name="APN password")),
                ("apn_user", models.CharField(blank=True, max_length=100, verbose_name="APN user")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("cycle_day__gte", 1), ("cycle_day__lte", 28)),
                        name="cycle_day_is_in_every_month",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("calls_per_second__gt", 0)), name="carrier_may_be_called"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Quarantine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=kit.clock.now)),
                ("times", models.PositiveIntegerField(default=1)),
                ("call", models.CharField(max_length=200)),
                ("error", models.CharField(max_length=300)),
                ("digest", models.CharField(max_length=64)),
                ("body", models.BinaryField()),
                (
                    "carrier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="quarantined", to="lines.carrier"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["carrier", "-at"], name="quarantine_of_carrier")],
                "constraints": [
                    models.UniqueConstraint(fields=("carrier", "call", "digest"), name="quarantined_answer_is_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="RatePlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "carrier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rate_plans", to="lines.carrier"
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=64, verbose_name="carrier's plan")),
            ],
        ),
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "iccid",
                    models.CharField(
                        max_length=20,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator("^[0-9]{19,20}$", "An ICCID has 19 or 20 digits.")
                        ],
                    ),
                ),
                ("notes", models.CharField(blank=True, max_length=500)),
                ("imei", models.CharField(blank=True, max_length=17)),
                ("msisdn", models.CharField(blank=True, max_length=20)),
                ("added_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="accounts.account",
                    ),
                ),
                (
                    "carrier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="lines.carrier",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paid_lines",
                        to="accounts.account",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="lines.rateplan"
                    ),
                ),
                ("deactivation_by", models.CharField(blank=True, db_default="", default="", max_length=254)),
                ("deactivation_date", models.DateField(blank=True, null=True)),
                ("held_since", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "iccid"], name="line_of_account"),
                    models.Index(fields=["payer", "iccid"], name="line_of_payer"),
                    models.Index(fields=["carrier", "id"], name="line_of_carrier"),
                    models.Index(
                        condition=models.Q(("deactivation_date__isnull", False)),
                        fields=["deactivation_date"],
                        name="line_to_deactivate",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("account__isnull", True), ("payer__isnull", True)),
                            models.Q(("account__isnull", False), ("payer__isnull", False)),
                            _connector="OR",
                        ),
                        name="line_has_a_holder_and_a_payer_or_neither",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("iccid__regex", "^[0-9]{19,20}$")), name="iccid_has_19_or_20_digits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("deactivation_date__isnull", True),
                            models.Q(("deactivation_by", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="deactivation_date_is_somebodys",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FinalTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                ("cycle", models.DateField()),
                ("done_at", models.DateTimeField(null=True)),
                ("total", models.BigIntegerField(null=True)),
                (
                    "carrier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.carrier"
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="final_totals",
                        to="lines.line",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("done_at__isnull", True)), fields=["carrier", "due_at"], name="final_by_due"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("line", "cycle"), name="final_total_is_once_a_month")],
            },
        ),
        migrations.CreateModel(
            name="LineCycle",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cycle", models.DateField()),
                ("counter", models.BigIntegerField()),
                ("used", models.BigIntegerField()),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cycles",
                        to="lines.line",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lines.rateplan",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("line", "cycle", "payer"), name="line_cycle_is_one_row_a_payer"),
                    models.CheckConstraint(condition=models.Q(("used__gte", 0)), name="used_is_not_negative"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateTimeField(null=True)),
                ("per_mb", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                ("per_sms", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                ("per_day", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="prices", to="lines.rateplan"
                    ),
                ),
                ("cost_per_day", billing.models.MoneyField(blank=True, decimal_places=6, max_digits=20, null=True)),
                ("cost_per_mb", billing.models.MoneyField(blank=True, decimal_places=6, max_digits=20, null=True)),
                ("cost_per_sms", billing.models.MoneyField(blank=True, decimal_places=6, max_digits=20, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("plan", "valid_from"), name="plan_has_one_price_at_a_time", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("per_day__gte", 0), ("per_mb__gte", 0), ("per_sms__gte", 0)),
                        name="price_is_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cost_per_day", None), ("cost_per_mb", None), ("cost_per_sms", None)),
                            models.Q(("cost_per_day__gte", 0), ("cost_per_mb__gte", 0), ("cost_per_sms__gte", 0)),
                            _connector="OR",
                        ),
                        name="cost_is_known_whole_and_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LineDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("cycle", models.DateField()),
                ("used", models.BigIntegerField(default=0)),
                ("cost", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                ("fee", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="lines.line",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.price"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["payer", "day"], name="line_day_of_payer")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("line", "day", "payer", "price"), name="line_day_is_one_row_a_price"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cost__gte", 0), ("fee__gte", 0), ("used__gte", 0)),
                        name="line_day_is_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReadingPass",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("planned_for", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(default=kit.clock.now)),
                ("finished_at", models.DateTimeField(null=True)),
                ("readings", models.PositiveIntegerField(default=0)),
                ("unknown", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("bytes_moved", models.BigIntegerField(default=0)),
                ("charged", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                (
                    "carrier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="passes", to="lines.carrier"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["carrier", "-started_at"], name="pass_of_carrier")],
                "constraints": [
                    models.UniqueConstraint(fields=("carrier", "planned_for"), name="pass_is_planned_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Chunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                ("page", models.PositiveIntegerField(null=True)),
                ("first_line", models.BigIntegerField(null=True)),
                ("last_line", models.BigIntegerField(null=True)),
                (
                    "reading_pass",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="chunks", to="lines.readingpass"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["due_at"], name="chunk_by_due")],
                "constraints": [
                    models.UniqueConstraint(fields=("reading_pass", "page"), name="page_is_once_in_a_pass"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("first_line__isnull", True), ("last_line__isnull", True), ("page__isnull", False)
                            ),
                            models.Q(
                                ("first_line__isnull", False), ("last_line__isnull", False), ("page__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="chunk_is_a_page_or_a_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CarrierHealth",
            fields=[
                (
                    "carrier",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="health",
                        serialize=False,
                        to="lines.carrier",
                    ),
                ),
                ("next_call_at", models.DateTimeField(null=True)),
                ("day", models.DateField(null=True)),
                ("calls_today", models.PositiveIntegerField(default=0)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("open_until", models.DateTimeField(null=True)),
                ("last_success_at", models.DateTimeField(null=True)),
                ("last_failure_at", models.DateTimeField(null=True)),
                ("last_failure", models.CharField(blank=True, max_length=300)),
                ("finals_planned_for", models.DateField(null=True)),
                ("looked_through", models.BigIntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Drive",
            fields=[
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="drive",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("since", models.DateTimeField(default=kit.clock.now)),
                ("ask_first", models.BooleanField(default=False)),
                (
                    "carrier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="lines.carrier",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["carrier", "due_at"], name="drive_by_due")],
            },
        ),
        migrations.CreateModel(
            name="LineState",
            fields=[
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("cycle", models.DateField(null=True)),
                ("counter", models.BigIntegerField(default=0)),
                ("baseline", models.BigIntegerField(default=0)),
                ("read_at", models.DateTimeField(null=True)),
                ("last_seen", models.DateTimeField(null=True)),
                ("day", models.DateField(null=True)),
                ("day_bytes", models.BigIntegerField(default=0)),
                ("sms_sent", models.IntegerField(default=0)),
                ("lower_at", models.DateTimeField(null=True)),
                ("lower_counter", models.BigIntegerField(null=True)),
                ("fee_day", models.DateField(null=True)),
                (
                    "wanted",
                    models.SmallIntegerField(
                        choices=[(1, "Active"), (2, "Deactivated"), (3, "Suspended")],
                        default=lines.policy.Wanted["DEACTIVATED"],
                    ),
                ),
                ("wanted_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("balance", "balance"),
                            ("person", "person"),
                            ("rule", "rule"),
                            ("sub-account", "sub-account"),
                            ("carrier", "carrier"),
                            ("new", "new"),
                        ],
                        default=lines.policy.Why["NEW"],
                        max_length=16,
                    ),
                ),
                ("why_who", models.CharField(blank=True, max_length=254)),
                ("reported", models.SmallIntegerField(choices=[(0, "Off"), (1, "On"), (2, "Ready")], null=True)),
                ("reported_word", models.CharField(blank=True, max_length=40)),
                ("blocked", models.BooleanField(default=False)),
                ("reported_at", models.DateTimeField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("since_cycle", models.DateField(null=True)),
                ("shown_lower", models.BigIntegerField(null=True)),
                ("sms_mark", models.IntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("counter__gte", models.F("baseline"))),
                        name="counter_is_not_under_its_baseline",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("wanted", lines.policy.Wanted["ACTIVE"]), ("why", "")),
                            models.Q(
                                models.Q(("wanted", lines.policy.Wanted["ACTIVE"]), _negated=True),
                                models.Q(("why", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="line_is_off_for_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChangedLines",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("read_at", models.DateTimeField()),
                ("line_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("activate", "activate"),
                            ("deactivate-next-day", "deactivate-next-day"),
                            ("deactivate", "deactivate"),
                            ("deactivate-on", "deactivate-on"),
                            ("keep", "keep"),
                            ("sms", "sms"),
                            ("assign", "assign"),
                            ("plan", "plan"),
                            ("tag", "tag"),
                            ("untag", "untag"),
                            ("reset-tags", "reset-tags"),
                        ],
                        max_length=24,
                    ),
                ),
                ("parameters", models.JSONField(default=dict)),
                ("by_kind", models.CharField(max_length=16)),
                ("by_name", models.CharField(max_length=254)),
                ("selection", models.CharField(max_length=300)),
                ("key", models.CharField(blank=True, default="", max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("previewed", "previewed"),
                            ("running", "running"),
                            ("paused", "paused"),
                            ("cancelled", "cancelled"),
                            ("done", "done"),
                        ],
                        default=lines.policy.JobState["PREVIEWED"],
                        max_length=12,
                    ),
                ),
                ("stopped_by", models.CharField(blank=True, default="", max_length=254)),
                ("total", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("same", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("run_at", models.DateTimeField(null=True)),
                ("run_from", models.PositiveIntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jobs",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "-id"], name="job_of_account"),
                    models.Index(
                        condition=models.Q(("state", lines.policy.JobState["RUNNING"])),
                        fields=["id"],
                        name="job_that_runs",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True),
                        fields=("account", "key"),
                        name="job_key_is_used_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", False),
                                ("state__in", [lines.policy.JobState["CANCELLED"], lines.policy.JobState["DONE"]]),
                            ),
                            models.Q(
                                ("ended_at__isnull", True),
                                (
                                    "state__in",
                                    [
                                        lines.policy.JobState["PREVIEWED"],
                                        lines.policy.JobState["RUNNING"],
                                        lines.policy.JobState["PAUSED"],
                                    ],
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="job_that_is_over_has_an_end",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JobItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[(0, "waiting"), (1, "done"), (2, "same"), (3, "refused"), (4, "failed")],
                        default=lines.policy.Item["WAITING"],
                    ),
                ),
                ("verdict", models.CharField(blank=True, default="", max_length=16)),
                ("note", models.CharField(blank=True, default="", max_length=200)),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="lines.job",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.line"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["job", "state", "id"], name="job_item_by_state")],
                "constraints": [models.UniqueConstraint(fields=("job", "line"), name="line_is_once_in_a_job")],
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tags",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("account"),
                        django.db.models.functions.text.Lower("name"),
                        name="tag_is_one_word_in_any_case",
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="tag_has_a_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LineTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "line",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.line"),
                ),
                (
                    "tag",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.tag"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("tag", "line"), name="line_has_a_tag_once")],
            },
        ),
        migrations.CreateModel(
            name="SmsLook",
            fields=[
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sms_look",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("is_due", models.BooleanField(default=True)),
                ("looked_at", models.DateTimeField(null=True)),
                (
                    "carrier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="lines.carrier",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_due", True)), fields=["carrier", "due_at"], name="sms_look_by_due"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SmsMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                ("to_device", models.BooleanField()),
                ("text", models.CharField(max_length=1000)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("undelivered", "Undelivered"),
                            ("refused", "Refused"),
                            ("received", "Received"),
                        ],
                        max_length=16,
                    ),
                ),
                ("is_open", models.BooleanField(default=True)),
                ("key", models.CharField(max_length=100, null=True, unique=True)),
                ("by", models.CharField(blank=True, max_length=254)),
                ("price", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("at", models.DateTimeField(default=kit.clock.now)),
                ("ref", models.CharField(blank=True, max_length=80)),
                ("nth", models.PositiveSmallIntegerField(default=0)),
                ("word", models.CharField(blank=True, max_length=40)),
                ("asked_at", models.DateTimeField(null=True)),
                ("ask_first", models.BooleanField(default=False)),
                ("accepted_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                ("seen_by", models.CharField(blank=True, max_length=254)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "carrier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lines.carrier",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="lines.line",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["payer", "-id"], name="sms_of_payer"),
                    models.Index(fields=["account", "-id"], name="sms_of_account"),
                    models.Index(fields=["line", "-id"], name="sms_of_line"),
                    models.Index(
                        condition=models.Q(("is_open", True)), fields=["carrier", "due_at"], name="sms_by_due"
                    ),
                    models.Index(
                        condition=models.Q(("seen_at", None), ("state", lines.policy.SmsState["RECEIVED"])),
                        fields=["payer"],
                        name="sms_unread",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("text", ""), _negated=True), ("to_device", False), _connector="OR"
                        ),
                        name="sms_says_something",
                    ),
                    models.CheckConstraint(condition=models.Q(("price__gte", 0)), name="sms_price_is_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("accepted_at", None),
                                ("state__in", [lines.policy.SmsState["QUEUED"], lines.policy.SmsState["REFUSED"]]),
                            ),
                            models.Q(
                                ("accepted_at", None),
                                ("state", lines.policy.SmsState["RECEIVED"]),
                                ("to_device", False),
                            ),
                            models.Q(
                                ("accepted_at__isnull", False),
                                (
                                    "state__in",
                                    [
                                        lines.policy.SmsState["SENT"],
                                        lines.policy.SmsState["DELIVERED"],
                                        lines.policy.SmsState["UNDELIVERED"],
                                    ],
                                ),
                                ("to_device", True),
                            ),
                            _connector="OR",
                        ),
                        name="sms_is_accepted_or_not",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ref", ""), _negated=True),
                        fields=("line", "ref", "nth"),
                        name="carriers_message_is_one_message",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Coverage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("country", models.CharField(max_length=80)),
                ("code", models.CharField(max_length=2)),
                ("network", models.CharField(max_length=80)),
                ("technologies", models.CharField(blank=True, max_length=60)),
                (
                    "plan",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="coverage",
                        to="lines.rateplan",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["country", "code"], name="coverage_by_country")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("plan", "code", "network"), name="network_is_once_in_a_plans_country"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("code__regex", "^[A-Z]{2}$")), name="country_code_is_two_letters"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("quantity", models.PositiveIntegerField()),
                ("contact", models.CharField(max_length=150)),
                ("email", models.EmailField(max_length=254)),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("address", models.TextField(max_length=500)),
                ("message", models.TextField(blank=True, max_length=2000)),
                ("by", models.CharField(max_length=254)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("answered", "Answered"), ("withdrawn", "Withdrawn")],
                        default=lines.policy.OrderState["OPEN"],
                        max_length=12,
                    ),
                ),
                ("answer", models.TextField(blank=True, max_length=2000)),
                ("answered_by", models.CharField(blank=True, max_length=254)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="accounts.account",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lines.rateplan",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "-id"], name="order_of_account"),
                    models.Index(
                        condition=models.Q(("state", lines.policy.OrderState["OPEN"])),
                        fields=["id"],
                        name="order_to_answer",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("quantity__gt", 10)), name="order_is_for_more_than_ten"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answered_at__isnull", False),
                                ("state", lines.policy.OrderState["ANSWERED"]),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", lines.policy.OrderState["ANSWERED"]), _negated=True),
                                ("answer", ""),
                                ("answered_at", None),
                            ),
                            _connector="OR",
                        ),
                        name="order_is_answered_with_words",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LineSecret",
            fields=[
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="secret",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("codes", models.TextField(editable=False)),
                ("kept_at", models.DateTimeField(default=kit.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="LineDevice",
            fields=[
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="device",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("is_due", models.BooleanField(default=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("facts", models.JSONField(default=dict)),
                ("cycle", models.DateField(null=True)),
                ("counter", models.BigIntegerField(default=0)),
                (
                    "carrier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="lines.carrier",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_due", True)), fields=["carrier", "asked_at"], name="device_to_ask"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LineSetting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "name",
                    models.CharField(
                        choices=[("throttle", "throttle"), ("imei_lock", "imei_lock"), ("plan", "plan")], max_length=16
                    ),
                ),
                ("wanted", models.CharField(blank=True, max_length=64)),
                ("confirmed", models.CharField(max_length=64, null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("since", models.DateTimeField(default=kit.clock.now)),
                ("by", models.CharField(max_length=254)),
                ("is_open", models.BooleanField(default=True)),
                (
                    "carrier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="lines.carrier",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="settings",
                        to="lines.line",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_open", True)), fields=["carrier", "due_at"], name="setting_by_due"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("line", "name"), name="line_has_a_setting_once")],
            },
        ),
        migrations.CreateModel(
            name="Sighting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cycle", models.DateField()),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(default=kit.clock.now)),
                ("is_session", models.BooleanField()),
                ("country", models.CharField(blank=True, max_length=2)),
                ("network", models.CharField(blank=True, max_length=100)),
                ("radio", models.CharField(blank=True, max_length=100)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("sessions", models.PositiveIntegerField(default=0)),
                ("used", models.BigIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sightings",
                        to="lines.line",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["line", "-started_at"], name="sighting_of_line"),
                    models.Index(fields=["seen_at"], name="sighting_by_seen"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("used__gte", 0)), name="sighting_used_is_not_negative")
                ],
            },
        ),
        migrations.CreateModel(
            name="BooksCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asked_at", models.DateTimeField(default=kit.clock.now)),
                ("asked_by", models.CharField(max_length=254)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("is_good", models.BooleanField(null=True)),
                ("result", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="Difference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("iccid", models.CharField(max_length=20)),
                (
                    "kind",
                    models.CharField(
                        choices=[("unknown", "Unknown"), ("missing", "Missing"), ("drift", "Drift")], max_length=16
                    ),
                ),
                ("said", models.CharField(blank=True, max_length=300, verbose_name="what the carrier says")),
                ("found_at", models.DateTimeField(default=kit.clock.now)),
                ("seen_at", models.DateTimeField(default=kit.clock.now)),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_how", models.CharField(blank=True, max_length=100)),
                ("settled_by", models.CharField(blank=True, max_length=254)),
                (
                    "carrier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="differences",
                        to="lines.carrier",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.line"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("settled_at", None)), fields=["-found_at"], name="difference_to_settle"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("carrier", "iccid", "kind"), name="difference_is_one_row"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("settled_at", None), ("settled_how", "")),
                            models.Q(("settled_at__isnull", False), models.Q(("settled_how", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="difference_is_settled_somehow",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IccidList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "iccids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), size=None),
                ),
                ("total", models.PositiveIntegerField()),
                ("used_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "digest"), name="iccid_list_is_one_row")],
            },
        ),
        migrations.AddField(
            model_name="tag",
            name="lines",
            field=models.ManyToManyField(related_name="tags", through="lines.LineTag", to="lines.line"),
        ),
        migrations.RunSQL(IN_PLACE, migrations.RunSQL.noop),
        migrations.RunSQL(FOUND, migrations.RunSQL.noop),
    ]
