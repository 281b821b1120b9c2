"""The ledger, wallets, payments and invoices; and what the database itself holds to."""

import uuid
from decimal import Decimal

import django.db.models.deletion
import kit.clock
from django.db import migrations, models

import billing.models
import billing.policy

# The ledger is append-only, and wallets and days are written with every page of readings, in place.
IN_PLACE = """
ALTER TABLE billing_wallet SET (fillfactor = 50);
ALTER TABLE billing_usageday SET (fillfactor = 50);
"""
APPEND_ONLY = """
CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE ON billing_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_is_never_emptied BEFORE TRUNCATE ON billing_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    replaces = [
        ("billing", "0001_initial"),
        ("billing", "0002_entry_is_append_only"),
        ("billing", "0003_payments"),
        ("billing", "0004_days_are_open_until_sealed"),
        ("billing", "0005_wallet_knows_when_it_turned_low"),
        ("billing", "0006_notices_are_for_others_too"),
        ("billing", "0007_refunds_and_credits_by_hand"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_schema"),
    ]

    operations = [
        migrations.CreateModel(
            name="Wallet",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="wallet",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                ("posted", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                ("accrued", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                ("first_usage_day", models.DateField(blank=True, null=True)),
                ("is_red", models.BooleanField(default=True)),
                ("red_since", models.DateTimeField(blank=True, null=True)),
                ("low_since", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("accrued__gte", 0)), name="accrued_is_not_negative")
                ],
            },
        ),
        migrations.CreateModel(
            name="Adjustment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                ("reason", models.CharField(max_length=300)),
                ("by", models.CharField(max_length=254)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="adjustments", to="accounts.account"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount", 0), _negated=True), name="adjustment_is_not_zero"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="adjustment_has_a_reason"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=120, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("usage", "Usage"),
                            ("sms", "Sms"),
                            ("top-up", "Top_Up"),
                            ("adjustment", "Adjustment"),
                            ("discount", "Discount"),
                            ("refund", "Refund"),
                            ("dispute", "Dispute"),
                        ],
                        max_length=16,
                    ),
                ),
                ("amount", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                ("day", models.DateField()),
                ("posted_at", models.DateTimeField(default=kit.clock.now)),
                ("note", models.CharField(blank=True, max_length=300)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["account", "-id"], name="entry_of_account")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount", 0), _negated=True), name="entry_is_not_zero")
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("usage", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                ("sms", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                ("sealed", billing.models.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20)),
                ("parts", models.PositiveSmallIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="usage_days",
                        to="accounts.account",
                    ),
                ),
                ("is_open", models.BooleanField(db_default=True, default=True)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("is_open", True)), fields=["day"], name="usage_day_to_seal")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "day"), name="usage_day_is_one_row"),
                    models.CheckConstraint(
                        condition=models.Q(("sealed__lte", models.F("usage"))), name="sealed_is_at_most_the_usage"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_open", True), ("sealed", models.F("usage")), _connector="OR"),
                        name="closed_day_is_sealed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AutoRefill",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="auto_refill",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("off", "Off"),
                            ("on", "On"),
                            ("charging", "Charging"),
                            ("retrying", "Retrying"),
                            ("confirming", "Confirming"),
                            ("paused", "Paused"),
                        ],
                        default=billing.policy.RefillState["OFF"],
                        max_length=16,
                    ),
                ),
                ("amount", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                ("fixed_on", models.DateField()),
                ("ceiling", billing.models.MoneyField(blank=True, decimal_places=6, max_digits=20, null=True)),
                ("declined", models.PositiveSmallIntegerField(default=0)),
                ("retry_at", models.DateTimeField(null=True)),
                ("why_paused", models.CharField(blank=True, max_length=200)),
                ("since", models.DateTimeField(default=kit.clock.now)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 50), ("amount__lte", 500)), name="refill_is_50_to_500"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ceiling", None), ("ceiling__gte", 50), _connector="OR"),
                        name="ceiling_allows_one_refill",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("retry_at__isnull", False), ("state", billing.policy.RefillState["RETRYING"])),
                            models.Q(
                                models.Q(("state", billing.policy.RefillState["RETRYING"]), _negated=True),
                                ("retry_at", None),
                            ),
                            _connector="OR",
                        ),
                        name="retrying_has_its_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="customer",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                ("stripe_id", models.CharField(max_length=64, unique=True)),
                ("card_id", models.CharField(blank=True, max_length=64)),
                ("brand", models.CharField(blank=True, max_length=32)),
                ("last4", models.CharField(blank=True, max_length=4)),
                ("exp_month", models.PositiveSmallIntegerField(null=True)),
                ("exp_year", models.PositiveSmallIntegerField(null=True)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("address", models.JSONField(blank=True, default=dict)),
                ("card_since", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("card_id", ""), ("exp_month", None), ("exp_year", None), ("last4", "")),
                            models.Q(
                                models.Q(("card_id", ""), _negated=True),
                                models.Q(("last4", ""), _negated=True),
                                ("exp_month__isnull", False),
                                ("exp_year__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="card_has_all_its_facts_or_none",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InvoiceCounter",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("last", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="invoice_counter_is_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("is_auto", models.BooleanField(default=False)),
                ("amount", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("confirming", "Confirming"),
                            ("succeeded", "Succeeded"),
                            ("declined", "Declined"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("card_id", models.CharField(max_length=64)),
                ("brand", models.CharField(blank=True, max_length=32)),
                ("last4", models.CharField(max_length=4)),
                ("return_url", models.CharField(blank=True, max_length=500)),
                ("stripe_id", models.CharField(blank=True, max_length=64)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("by", models.CharField(max_length=254)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("asks", models.PositiveSmallIntegerField(default=0)),
                ("ask_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payments", to="accounts.account"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "-id"], name="payment_of_account"),
                    models.Index(
                        condition=models.Q(("ask_at__isnull", False)), fields=["ask_at"], name="payment_to_ask"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [billing.policy.PaymentState["CONFIRMING"], billing.policy.PaymentState["PENDING"]],
                            )
                        ),
                        fields=("account",),
                        name="account_has_one_open_payment",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_id", ""), _negated=True),
                        fields=("stripe_id",),
                        name="stripe_payment_is_one_payment",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payment_is_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at", None),
                                (
                                    "state__in",
                                    [billing.policy.PaymentState["CONFIRMING"], billing.policy.PaymentState["PENDING"]],
                                ),
                            ),
                            models.Q(
                                models.Q(
                                    (
                                        "state__in",
                                        [
                                            billing.policy.PaymentState["CONFIRMING"],
                                            billing.policy.PaymentState["PENDING"],
                                        ],
                                    ),
                                    _negated=True,
                                ),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="payment_is_open_or_has_ended",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(unique=True)),
                ("amount", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                ("issued_at", models.DateTimeField(default=kit.clock.now)),
                ("seller", models.JSONField()),
                ("buyer", models.JSONField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="accounts.account"
                    ),
                ),
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoice", to="billing.payment"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reversal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stripe_id", models.CharField(max_length=64, unique=True)),
                ("kind", models.CharField(choices=[("refund", "Refund"), ("dispute", "Dispute")], max_length=16)),
                ("amount", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                ("is_undone", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reversals", to="billing.payment"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="reversal_is_positive")
                ],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("month", models.DateField()),
                ("format", models.CharField(choices=[("xlsx", "XLSX"), ("csv", "CSV")], max_length=4)),
                ("by", models.CharField(max_length=254)),
                ("asked_at", models.DateTimeField(default=kit.clock.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("failed", models.CharField(blank=True, max_length=200)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("rows_done", models.PositiveIntegerField(default=0)),
                ("rows_total", models.PositiveIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="statements", to="accounts.account"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "-id"], name="statement_of_account"),
                    models.Index(
                        condition=models.Q(("done_at__isnull", True)), fields=["id"], name="statement_to_write"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="billing.statement"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("statement", "number"), name="statement_part_is_one")],
            },
        ),
        migrations.CreateModel(
            name="WebhookEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stripe_id", models.CharField(max_length=64, unique=True)),
                ("type", models.CharField(max_length=80)),
                ("thing", models.JSONField()),
                ("happened_at", models.DateTimeField()),
                ("received_at", models.DateTimeField(default=kit.clock.now)),
                ("handled_at", models.DateTimeField(null=True)),
                ("result", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("handled_at__isnull", True)),
                        fields=["received_at"],
                        name="webhook_to_handle",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=120, unique=True)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("mailed_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="accounts.account"
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.invoice"
                    ),
                ),
                ("page", models.CharField(db_default="/billing/", default="/billing/", max_length=200)),
                ("to", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "-id"], name="notice_of_account"),
                    models.Index(condition=models.Q(("mailed_at__isnull", True)), fields=["id"], name="notice_to_mail"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CreditRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                (
                    "kind",
                    models.CharField(choices=[("adjustment", "Adjustment"), ("discount", "Discount")], max_length=16),
                ),
                ("amount", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                ("reason", models.CharField(max_length=300)),
                ("asked_by", models.CharField(max_length=254)),
                ("asked_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("done", "done"), ("refused", "refused")],
                        default=billing.policy.Decision["OPEN"],
                        max_length=12,
                    ),
                ),
                ("decided_by", models.CharField(blank=True, max_length=254)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_requests",
                        to="accounts.account",
                    ),
                ),
                (
                    "entry",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.entry"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("entry", None), ("state", billing.policy.Decision["OPEN"])),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("entry__isnull", False),
                                ("state", billing.policy.Decision["DONE"]),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("entry", None),
                                ("state", billing.policy.Decision["REFUSED"]),
                            ),
                            _connector="OR",
                        ),
                        name="credit_is_decided_or_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("amount", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                ("reason", models.CharField(max_length=300)),
                ("by", models.CharField(max_length=254)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("done", "done"), ("refused", "refused")],
                        default=billing.policy.Decision["OPEN"],
                        max_length=12,
                    ),
                ),
                ("why_refused", models.CharField(blank=True, max_length=200)),
                ("stripe_id", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("ask_at", models.DateTimeField(default=kit.clock.now)),
                ("asks", models.PositiveSmallIntegerField(default=0)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="refunds", to="billing.payment"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0), models.Q(("reason", ""), _negated=True)),
                        name="refund_is_positive_with_a_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", billing.policy.Decision["OPEN"])),
                        fields=("payment",),
                        name="one_open_refund",
                    ),
                ],
            },
        ),
        migrations.RunSQL(IN_PLACE, migrations.RunSQL.noop),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
    ]
