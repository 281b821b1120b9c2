"""People, accounts, keys and what happened; and what the database itself holds to."""

import uuid

import django.db.models.deletion
import django.db.models.functions.text
import kit.clock
import kit.crypto
from django.conf import settings
from django.db import migrations, models

import accounts.models.staff
import accounts.policy

# Updated by every request, in place.
IN_PLACE = "ALTER TABLE accounts_apiday SET (fillfactor = 50)"

# The database refuses to change or delete what happened; an event is sealed once, by its link and its hash.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.hash IS NULL AND OLD.link IS NULL AND NEW.hash IS NOT NULL AND NEW.link IS NOT NULL
       AND ROW(NEW.id, NEW.account_id, NEW.at, NEW.actor_kind, NEW.actor_name, NEW.verb, NEW.subject, NEW.detail)
           IS NOT DISTINCT FROM
           ROW(OLD.id, OLD.account_id, OLD.at, OLD.actor_kind, OLD.actor_name, OLD.verb, OLD.subject, OLD.detail) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER event_is_append_only BEFORE DELETE ON accounts_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_is_never_emptied BEFORE TRUNCATE ON accounts_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_is_sealed_once BEFORE UPDATE ON accounts_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_event();
"""

# It refuses an account that nobody owns; `account_has_one_owner` refuses a second owner. Looked at when a transaction
# commits: opening an account and changing its owner take more than one statement. A sub-account may wait for its people:
# its parent acts for it.
OWNED = """
CREATE FUNCTION refuse_ownerless_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account bigint;
BEGIN
    IF TG_TABLE_NAME = 'accounts_account' THEN
        account := NEW.id;
    ELSE
        account := OLD.account_id;
    END IF;
    IF EXISTS (SELECT 1 FROM accounts_account WHERE id = account AND parent_id IS NULL)
       AND NOT EXISTS (SELECT 1 FROM accounts_membership WHERE account_id = account AND role = 'owner') THEN
        RAISE EXCEPTION 'account % has no owner', account
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_has_an_owner';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER account_has_an_owner AFTER INSERT ON accounts_account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_ownerless_account();
CREATE CONSTRAINT TRIGGER account_keeps_an_owner AFTER UPDATE OR DELETE ON accounts_membership
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.role = 'owner')
    EXECUTE FUNCTION refuse_ownerless_account();
"""

# Each account's events become a chain of hashes: a row that was changed, slipped in or taken out breaks it. A link's hash
# is over all that was written and the hash before; jsonb writes each value in one way.
CHAIN = """
CREATE FUNCTION event_hash(e accounts_event, before bytea) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(coalesce(before, '') || convert_to(jsonb_build_array(
        e.id, e.account_id, e.link, extract(epoch FROM e.at), e.actor_kind, e.actor_name, e.verb, e.subject, e.detail
    )::text, 'UTF8'))
$$;

CREATE FUNCTION seal_events(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    e accounts_event;
    chain bigint;
    before bytea;
    last bigint;
    done integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('seal_events')) THEN
        RETURN 0;
    END IF;
    FOR e IN SELECT * FROM (SELECT * FROM accounts_event WHERE hash IS NULL ORDER BY id LIMIT most) AS oldest
              ORDER BY account_id NULLS FIRST, id
    LOOP
        IF done = 0 OR chain IS DISTINCT FROM e.account_id THEN
            chain := e.account_id;
            IF chain IS NULL THEN
                SELECT link, hash INTO last, before FROM accounts_event
                 WHERE account_id IS NULL AND link IS NOT NULL ORDER BY link DESC LIMIT 1;
            ELSE
                SELECT link, hash INTO last, before FROM accounts_event
                 WHERE account_id = chain AND link IS NOT NULL ORDER BY link DESC LIMIT 1;
            END IF;
        END IF;
        last := coalesce(last, 0) + 1;
        e.link := last;
        before := event_hash(e, before);
        UPDATE accounts_event SET link = last, hash = before WHERE id = e.id;
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;
"""


class Migration(migrations.Migration):
    replaces = [
        ("accounts", "0001_initial"),
        ("accounts", "0002_event_is_append_only"),
        ("accounts", "0003_api_calls"),
        ("accounts", "0004_brand"),
        ("accounts", "0005_bearer_keys"),
        ("accounts", "0006_staff_and_sessions"),
        ("accounts", "0007_account_has_an_owner"),
        ("accounts", "0008_events_are_a_chain"),
        ("accounts", "0009_shared_keys_rotate"),
        ("accounts", "0010_dates_are_written_day_first"),
        ("accounts", "0011_kept_answers_are_encrypted"),
    ]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(blank=True, max_length=150)),
                ("is_active", models.BooleanField(default=True)),
                ("is_staff", models.BooleanField(default=False, verbose_name="back office")),
                ("date_joined", models.DateTimeField(default=kit.clock.now)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
                ("language", models.CharField(db_default="en-gb", default="en-gb", max_length=10)),
                ("sessions_key", models.CharField(default=kit.crypto.new_hex, editable=False, max_length=32)),
                ("time_zone", models.CharField(db_default="UTC", default="UTC", max_length=64)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"), name="email_is_one_person_in_any_case"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("is_professional", models.BooleanField(default=False)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subaccounts",
                        to="accounts.account",
                    ),
                ),
                ("demands_second_factor", models.BooleanField(db_default=False, default=False)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("parent", models.F("id")), _negated=True),
                        name="account_is_not_its_own_parent",
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="account_has_a_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiCredential",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_uuid", models.CharField(max_length=32, unique=True)),
                ("shared_key", models.TextField(editable=False)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="credentials", to="accounts.account"
                    ),
                ),
                ("former_key", models.TextField(blank=True, default="", editable=False)),
                ("former_until", models.DateTimeField(blank=True, null=True)),
                ("rotated_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("account",),
                        name="account_has_one_live_credential",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("user_uuid__regex", "^[0-9a-f]{32}$")), name="user_uuid_is_32_hex"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("former_key", ""), ("former_until__isnull", True)),
                            models.Q(models.Q(("former_key", ""), _negated=True), ("former_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="former_key_has_its_end",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=kit.clock.now)),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("person", "Person"),
                            ("key", "Key"),
                            ("rule", "Rule"),
                            ("carrier", "Carrier"),
                            ("operator", "Operator"),
                            ("back office", "Back_Office"),
                            ("system", "System"),
                        ],
                        max_length=16,
                    ),
                ),
                ("actor_name", models.CharField(max_length=254)),
                ("verb", models.CharField(max_length=64)),
                ("subject", models.CharField(blank=True, max_length=128)),
                ("detail", models.JSONField(blank=True, default=dict)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="accounts.account",
                    ),
                ),
                ("hash", models.BinaryField(null=True)),
                ("link", models.BigIntegerField(editable=False, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "-id"], name="event_of_account"),
                    models.Index(fields=["subject", "-id"], name="event_of_subject"),
                    models.Index(condition=models.Q(("hash__isnull", True)), fields=["id"], name="event_to_seal"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("link__isnull", False)),
                        fields=("account", "link"),
                        name="event_is_one_link_of_its_chain",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("user", "User"), ("operator", "Operator"), ("viewer", "Viewer")],
                        max_length=16,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="memberships", to="accounts.account"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "account"), name="person_is_once_in_an_account"),
                    models.UniqueConstraint(
                        condition=models.Q(("role", accounts.policy.Role["OWNER"])),
                        fields=("account",),
                        name="account_has_one_owner",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignedWrite",
            fields=[
                ("digest", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("good_until", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="ApiDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("used", models.IntegerField(default=0)),
                ("allowed", models.IntegerField(null=True)),
                ("counted_at", models.DateTimeField(null=True)),
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
                "constraints": [models.UniqueConstraint(fields=("account", "day"), name="api_day_is_one_row")],
            },
        ),
        migrations.CreateModel(
            name="IdempotentAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                ("digest", models.BinaryField(max_length=32)),
                ("status", models.PositiveSmallIntegerField(default=0)),
                ("body", models.BinaryField(default=b"")),
                ("created_at", models.DateTimeField(db_index=True, default=kit.clock.now)),
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
                "constraints": [
                    models.UniqueConstraint(fields=("account", "key"), name="idempotency_key_is_used_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Brand",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="brand",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=60)),
                ("accent", models.CharField(blank=True, max_length=7)),
                ("bar", models.CharField(blank=True, max_length=7)),
                ("logo_digest", models.CharField(blank=True, editable=False, max_length=64)),
                ("support_mail", models.EmailField(blank=True, max_length=254)),
                ("domain", models.CharField(blank=True, max_length=253, null=True, unique=True)),
                ("domain_live_at", models.DateTimeField(blank=True, null=True)),
                ("apn", models.CharField(blank=True, max_length=100)),
                ("apn_user", models.CharField(blank=True, max_length=100)),
                ("apn_password", models.CharField(blank=True, max_length=100)),
                ("apn_text", models.CharField(blank=True, max_length=1000)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="brand_has_a_name"),
                    models.CheckConstraint(
                        condition=models.Q(("accent__regex", "^(#[0-9a-f]{6})?$"), ("bar__regex", "^(#[0-9a-f]{6})?$")),
                        name="brand_colour_is_6_hex_or_none",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("domain__isnull", True), ("domain__regex", "^[a-z0-9-]+(\\.[a-z0-9-]+)+$"), _connector="OR"
                        ),
                        name="brand_domain_is_a_host",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("domain_live_at__isnull", True), ("domain__isnull", False), _connector="OR"
                        ),
                        name="brand_is_live_at_a_domain",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BrandLogo",
            fields=[
                (
                    "brand",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="logo",
                        serialize=False,
                        to="accounts.brand",
                    ),
                ),
                ("image", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("hint", models.CharField(max_length=12)),
                ("scopes", models.JSONField(default=list)),
                ("ranges", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("created_by", models.CharField(max_length=254)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_from", models.GenericIPAddressField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="api_keys", to="accounts.account"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("account", "name"),
                        name="live_api_key_has_its_own_name",
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="api_key_has_a_name"),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="api_key_expires_after_it_is_made",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OwnershipOffer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("expires_at", models.DateTimeField(default=accounts.models.staff._offer_ends)),
                ("address", models.CharField(max_length=300)),
                ("mail_after", models.DateTimeField(blank=True, default=kit.clock.now, null=True)),
                ("mail_tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ownership_offer",
                        to="accounts.account",
                    ),
                ),
                (
                    "offered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "to",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ownership_offer",
                        to="accounts.membership",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[("user", "User"), ("operator", "Operator"), ("viewer", "Viewer")], max_length=16
                    ),
                ),
                ("invited_by", models.CharField(max_length=254)),
                ("address", models.CharField(max_length=300)),
                ("token_hash", models.CharField(editable=False, max_length=64, null=True, unique=True)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                ("expires_at", models.DateTimeField(default=accounts.models.staff._invitation_ends)),
                ("mail_after", models.DateTimeField(blank=True, default=kit.clock.now, null=True)),
                ("mail_tries", models.PositiveSmallIntegerField(default=0)),
                ("mailed_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invitations", to="accounts.account"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("mail_after__isnull", False)),
                        fields=["mail_after"],
                        name="invitation_to_mail",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("account"),
                        django.db.models.functions.text.Lower("email"),
                        condition=models.Q(("accepted_at__isnull", True), ("withdrawn_at__isnull", True)),
                        name="person_is_invited_once_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role", accounts.policy.Role["OWNER"]), _negated=True),
                        name="nobody_is_invited_as_owner",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("accepted_at__isnull", True), ("withdrawn_at__isnull", True), _connector="OR"
                        ),
                        name="invitation_is_accepted_or_withdrawn",
                    ),
                ],
            },
        ),
        migrations.RunSQL(IN_PLACE, migrations.RunSQL.noop),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        migrations.RunSQL(OWNED, migrations.RunSQL.noop),
        migrations.RunSQL(CHAIN, migrations.RunSQL.noop),
    ]
