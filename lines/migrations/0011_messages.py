"""Messages to and from devices, and since when a line is its holder's."""

from decimal import Decimal

import django.db.models.deletion
import kit.clock
from django.db import migrations, models

import billing.models
import lines.policy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_brand"),
        ("lines", "0010_tags"),
    ]

    operations = [
        migrations.AddField(
            model_name="line",
            name="held_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="linestate",
            name="sms_mark",
            field=models.IntegerField(null=True),
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
        migrations.RunSQL(
            "CREATE INDEX sms_by_words ON lines_smsmessage USING gin (to_tsvector('simple', text))",
            "DROP INDEX sms_by_words",
        ),
    ]
