"""Each person finds in the console what they are told, and chooses how they are told it.

What was told before counts as shown: a column's default for the rows that are there is no rewrite of the table.
"""

import django.db.models.deletion
import kit.clock
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_test_accounts"),
        ("billing", "0016_wallets_of_subaccounts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("money", "Money"),
                    ("rules", "Rules"),
                    ("jobs", "Jobs"),
                    ("carriers", "Carriers"),
                    ("invitations", "Invitations"),
                ],
                db_default="money",
                default="money",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="mailing",
            field=models.CharField(
                choices=[("usual", "Usual"), ("chosen", "Chosen"), ("nobody", "Nobody")],
                db_default="usual",
                default="usual",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="is_shown",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AlterField(
            model_name="notice",
            name="is_shown",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(condition=models.Q(("is_shown", False)), fields=["id"], name="notice_to_show"),
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=kit.clock.now)),
                ("in_console", models.BooleanField(default=True)),
                ("webhook_due", models.BooleanField(default=False)),
                ("read_at", models.DateTimeField(null=True)),
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
                    "notice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="billing.notice",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("in_console", True)),
                        fields=["user", "account", "-id"],
                        name="notification_of_person",
                    ),
                    models.Index(
                        condition=models.Q(("in_console", True), ("read_at", None)),
                        fields=["user", "account"],
                        name="notification_unread",
                    ),
                    models.Index(fields=["account"], name="notification_of_account"),
                    models.Index(condition=models.Q(("webhook_due", True)), fields=["id"], name="notification_to_send"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("notice", "user"), name="person_is_notified_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="NotificationChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("money", "Money"),
                            ("rules", "Rules"),
                            ("jobs", "Jobs"),
                            ("carriers", "Carriers"),
                            ("invitations", "Invitations"),
                        ],
                        max_length=12,
                    ),
                ),
                ("in_console", models.BooleanField(default=True)),
                (
                    "by_mail",
                    models.CharField(
                        choices=[("usual", "Usual"), ("all", "All"), ("none", "None")], default="usual", max_length=8
                    ),
                ),
                ("by_webhook", models.BooleanField(default=False)),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notification_choices",
                        to="accounts.membership",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("membership", "kind"), name="kind_is_chosen_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["money", "rules", "jobs", "carriers", "invitations"])),
                        name="choice_is_of_a_kind",
                    ),
                ],
            },
        ),
    ]
