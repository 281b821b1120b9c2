"""Rules, what they did, and webhooks."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import kit.clock
from django.db import migrations, models

import automation.policy


class Migration(migrations.Migration):
    replaces = [
        ("automation", "0001_rules"),
        ("automation", "0002_webhooks"),
        ("automation", "0003_rules_slow_lines_and_change_plans"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_schema"),
        ("lines", "0001_schema"),
    ]

    operations = [
        migrations.CreateModel(
            name="LineGuard",
            fields=[
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("day", models.DateField()),
                ("times", models.PositiveSmallIntegerField(default=0)),
                ("last_at", models.DateTimeField()),
                ("left_on", models.DateField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Swept",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("last_event", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Rule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=100)),
                ("is_on", models.BooleanField(default=True)),
                ("is_shadow", models.BooleanField(default=False)),
                ("deleted_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("since", models.DateTimeField(default=kit.clock.now)),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("usage", "usage"),
                            ("imei", "imei"),
                            ("silence", "silence"),
                            ("country", "country"),
                            ("sms", "sms"),
                            ("cost", "cost"),
                        ],
                        max_length=16,
                    ),
                ),
                ("period", models.CharField(blank=True, choices=[("day", "day"), ("month", "month")], max_length=8)),
                ("unit", models.CharField(blank=True, choices=[("mb", "mb"), ("usd", "usd")], max_length=8)),
                ("limit", models.DecimalField(decimal_places=6, max_digits=18, null=True)),
                ("hours", models.PositiveIntegerField(null=True)),
                ("word", models.CharField(blank=True, max_length=70)),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=2), default=list, size=None
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=50), default=list, size=None
                    ),
                ),
                (
                    "only_iccids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                (
                    "except_iccids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("deactivate", "deactivate"),
                            ("throttle", "throttle"),
                            ("plan", "plan"),
                            ("tell", "tell"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "then",
                    models.CharField(
                        blank=True,
                        choices=[("", ""), ("next-day", "next-day"), ("next-month", "next-month"), ("hours", "hours")],
                        max_length=16,
                    ),
                ),
                ("then_hours", models.PositiveIntegerField(null=True)),
                ("check_asked_at", models.DateTimeField(null=True)),
                ("mailed_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rules", to="accounts.account"
                    ),
                ),
                (
                    "holder",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.rateplan"
                    ),
                ),
                ("tells", models.ManyToManyField(related_name="+", to="accounts.membership")),
                ("kbps", models.PositiveIntegerField(null=True)),
                (
                    "to_plan",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.rateplan"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at__isnull", True), ("is_on", True)),
                        fields=["trigger", "account"],
                        name="rule_that_acts",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="rule_has_a_name"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "trigger__in",
                                    [automation.policy.Trigger["USAGE"], automation.policy.Trigger["COST"]],
                                ),
                                _negated=True,
                            ),
                            models.Q(
                                ("limit__gt", 0),
                                ("limit__isnull", False),
                                ("period__in", [automation.policy.Period["DAY"], automation.policy.Period["MONTH"]]),
                                ("unit__in", [automation.policy.Unit["MB"], automation.policy.Unit["USD"]]),
                            ),
                            _connector="OR",
                        ),
                        name="rule_about_usage_has_a_limit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("trigger", automation.policy.Trigger["SILENCE"]), _negated=True),
                            models.Q(("hours__gt", 0), ("hours__isnull", False)),
                            _connector="OR",
                        ),
                        name="rule_about_silence_has_hours",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("trigger", automation.policy.Trigger["SMS"]), _negated=True),
                            models.Q(("word", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="rule_about_messages_has_a_word",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("then", ""), ("action", automation.policy.Action["DEACTIVATE"]), _connector="OR"
                        ),
                        name="only_what_was_deactivated_is_activated",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("then", automation.policy.Then["HOURS"]), _negated=True),
                            models.Q(("then_hours__gt", 0), ("then_hours__isnull", False)),
                            _connector="OR",
                        ),
                        name="follow_up_after_hours_says_how_many",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("action", automation.policy.Action["THROTTLE"]), _negated=True),
                            models.Q(("kbps__gt", 0), ("kbps__isnull", False)),
                            _connector="OR",
                        ),
                        name="rule_that_throttles_says_to_what",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("action", automation.policy.Action["PLAN"]), _negated=True),
                            ("to_plan__isnull", False),
                            _connector="OR",
                        ),
                        name="rule_that_changes_the_plan_says_which",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleFire",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(max_length=80)),
                ("is_shadow", models.BooleanField(default=False)),
                ("fired_at", models.DateTimeField(default=kit.clock.now)),
                ("value", models.DecimalField(decimal_places=6, max_digits=24, null=True)),
                ("because", models.CharField(max_length=300)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("deactivated", "deactivated"),
                            ("told", "told"),
                            ("set", "set"),
                            ("refused", "refused"),
                            ("shadow", "shadow"),
                            ("already-off", "already-off"),
                            ("over", "over"),
                            ("waits", "waits"),
                            ("dropped", "dropped"),
                            ("left", "left"),
                        ],
                        max_length=16,
                    ),
                ),
                ("lifts_at", models.DateTimeField(null=True)),
                ("acted_at", models.DateTimeField(null=True)),
                ("mail_due", models.BooleanField(default=False)),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lines.line",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fires",
                        to="automation.rule",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "-id"], name="fire_of_account"),
                    models.Index(fields=["line", "-id"], name="fire_of_line"),
                    models.Index(condition=models.Q(("mail_due", True)), fields=["rule", "id"], name="fire_to_mail"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("rule", "line", "period", "is_shadow"),
                        name="rule_fires_once_for_a_line_and_period",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "act",
                    models.CharField(choices=[("activate", "activate"), ("deactivate", "deactivate")], max_length=16),
                ),
                ("due_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("done", "done"),
                            ("by-balance", "by-balance"),
                            ("by-subaccount", "by-subaccount"),
                            ("changed", "changed"),
                            ("held", "held"),
                            ("cancelled", "cancelled"),
                            ("left", "left"),
                        ],
                        default=automation.policy.FollowState["OPEN"],
                        max_length=16,
                    ),
                ),
                ("done_at", models.DateTimeField(null=True)),
                ("done_by", models.CharField(blank=True, max_length=254)),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.line"
                    ),
                ),
                (
                    "fire",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="follow_ups",
                        to="automation.rulefire",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", automation.policy.FollowState["OPEN"])),
                        fields=["due_at"],
                        name="follow_up_by_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", automation.policy.FollowState["OPEN"])),
                        fields=["line"],
                        name="follow_up_of_line",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("fire", "act"), name="follow_up_is_once_for_a_fire"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("done_at", None), ("state", automation.policy.FollowState["OPEN"])),
                            models.Q(
                                models.Q(("state", automation.policy.FollowState["OPEN"]), _negated=True),
                                models.Q(("done_at", None), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="follow_up_is_open_or_has_ended",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("url", models.URLField(max_length=500)),
                ("secret", models.TextField(editable=False)),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), size=None),
                ),
                ("is_on", models.BooleanField(default=True)),
                ("deleted_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("since", models.DateTimeField(default=kit.clock.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="webhooks", to="accounts.account"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("topic", models.CharField(max_length=32)),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("tried_at", models.DateTimeField(null=True)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                (
                    "event",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.event"
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="automation.webhookendpoint",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["endpoint", "-id"], name="delivery_of_endpoint"),
                    models.Index(
                        condition=models.Q(("delivered_at__isnull", True), ("failed_at__isnull", True)),
                        fields=["due_at"],
                        name="delivery_by_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("endpoint", "event"), name="event_is_sent_once_to_an_address"),
                    models.CheckConstraint(
                        condition=models.Q(("delivered_at", None), ("failed_at", None), _connector="OR"),
                        name="delivery_is_taken_or_given_up",
                    ),
                ],
            },
        ),
    ]
