"""A fleet of any size with some days of usage, made by a few statements; its books add up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from accounts.models import Account, Membership, User
from accounts.policy import Role
from lines.carriers.base import Switch
from lines.models import Carrier, Price, RatePlan, Tag
from lines.policy import PER_BYTE, Wanted

TODAY = dt.date(2026, 11, 6)  # far from the ends of a cycle, so that every run does the same
NOW = dt.datetime(2026, 11, 6, 12, tzinfo=dt.UTC)
DAYS_USED = 3  # days of usage that every line has, today's included
BIG_SHARE = 5  # every fifth line belongs to one account
HOLDERS = 20  # sub-accounts of it, which hold every other of its lines
RARE, TAGGED = 1_000, 10  # one line in so many has the rare word in its notes; of the big account, the tag
PLANS = 5
CREDIT = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The lines have the ids 1 to `lines`; the first `big_lines` are the big account's, the others go round."""

    lines: int
    big_lines: int
    accounts: int  # that pay
    carrier: Carrier
    big: Account
    owner: Membership  # of the big account
    tag: Tag  # of the big account


# The big account has id 1; the others share the rest of the lines, so that neighbours are of different accounts. Its
# sub-accounts come after them.
SEED = (
    (
        "INSERT INTO accounts_account (uuid, name, is_professional, is_active, created_at)"
        " SELECT gen_random_uuid(), 'Account ' || n, false, true, %(now)s FROM generate_series(1, %(accounts)s) n"
    ),
    (
        "INSERT INTO accounts_account (uuid, name, parent_id, is_professional, is_active, created_at)"
        " SELECT gen_random_uuid(), 'Team ' || n, 1, false, true, %(now)s FROM generate_series(1, %(holders)s) n"
    ),
    (
        "INSERT INTO lines_line (iccid, carrier_id, plan_id, account_id, payer_id, notes, imei, msisdn, added_at)"
        " SELECT (8910000000000000000 + n)::text, %(carrier)s, %(first_plan)s + n %% %(plans)s,"
        " CASE WHEN n > %(big_lines)s OR n %% 2 = 1 THEN a.id ELSE %(accounts)s + 1 + n / 2 %% %(holders)s END, a.id,"
        f"        CASE WHEN n %% {RARE} = 1 THEN 'Quay crane ' ELSE 'Tracker ' END || n,"
        "        (350000000000000 + n)::text, (420000000000 + n)::text, %(now)s"
        "   FROM generate_series(1, %(lines)s) n,"
        " LATERAL (SELECT CASE WHEN n <= %(big_lines)s THEN 1 ELSE 2 + n %% (%(accounts)s - 1) END AS id) a ORDER BY n"
    ),
    (
        "INSERT INTO lines_lineday (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)"
        " SELECT l.id, day, l.payer_id, p.id, l.account_id, %(cycle)s, u.used,"
        f"        round(u.used * p.per_mb * {PER_BYTE}, 6), 0"
        "   FROM generate_series(%(first_day)s::timestamp, %(today)s::timestamp, '1 day') AS day, lines_line l"
        "   JOIN lines_price p ON p.plan_id = l.plan_id AND p.valid_from IS NOT NULL,"
        " LATERAL (SELECT 1 + (l.id * 7919 + extract(day FROM day)::int * 104729) %% 3000000 AS used) u"
        " ORDER BY day, l.id"
    ),
    (
        "INSERT INTO lines_holderday (payer_id, day, account_id, price_id, days, used, cost)"
        " SELECT payer_id, day, account_id, price_id, count(*), sum(used), sum(cost) FROM lines_lineday"
        " GROUP BY 1, 2, 3, 4 ORDER BY day, payer_id"
    ),
    (
        "INSERT INTO lines_linestate (line_id, cycle, counter, baseline, since_cycle, read_at, last_seen, day,"
        "   day_bytes, sms_sent, wanted, wanted_at, why, why_who, reported, reported_word, blocked,"
        "   reported_at, confirmed_at)"
        " SELECT line_id, %(cycle)s, sum(used), 0, %(cycle)s, %(now)s, %(now)s, %(today)s,"
        "        sum(used) FILTER (WHERE day = %(today)s), 0, %(active)s, %(now)s, '', '', %(on)s, 'enabled', false,"
        "        %(now)s, %(now)s FROM lines_lineday GROUP BY line_id ORDER BY line_id"
    ),
    # A month of the payers' days: the last ones from the lines, SMS in all of them.
    (
        "INSERT INTO billing_usageday (account_id, day, usage, sms, sealed, parts)"
        " SELECT a.id, d, coalesce(u.cost, 0), 0.05, 0, 0 FROM accounts_account a"
        "  CROSS JOIN generate_series(%(today)s::date - 30, %(today)s::timestamp, '1 day') AS d"
        "   LEFT JOIN (SELECT payer_id, day, sum(cost) AS cost FROM lines_lineday GROUP BY 1, 2) u"
        "          ON u.payer_id = a.id AND u.day = d WHERE a.parent_id IS NULL ORDER BY d, a.id"
    ),
    (
        "WITH sent AS ("
        " INSERT INTO lines_smsmessage (line_id, carrier_id, account_id, payer_id, to_device, text, state, is_open, by,"
        "   price, created_at, at, ref, nth, word, ask_first, accepted_at, seen_by, attempts, last_error)"
        " SELECT coalesce(l.id, 1), %(carrier)s, d.account_id, d.account_id, true, 'ping', 'delivered', false, '',"
        "        d.sms, d.day, d.day, '', 0, '', false, d.day, '', 1, '' FROM billing_usageday d"
        "   LEFT JOIN (SELECT payer_id, min(id) AS id FROM lines_line GROUP BY 1) l ON l.payer_id = d.account_id"
        " RETURNING id, payer_id, price, at)"
        " INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)"
        " SELECT payer_id, 'sms:' || id, 'sms', -price, at::date, %(now)s, '' FROM sent"
    ),
    (
        "WITH given AS ("
        " INSERT INTO billing_adjustment (account_id, amount, reason, by, created_at)"
        " SELECT id, %(credit)s, 'bench', 'operator', %(now)s FROM accounts_account WHERE parent_id IS NULL"
        " RETURNING id, account_id, amount)"
        " INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)"
        " SELECT account_id, 'adjustment:' || id, 'adjustment', amount, %(today)s, %(now)s, 'bench' FROM given"
    ),
    (
        "INSERT INTO billing_wallet (account_id, posted, accrued, first_usage_day, is_red)"
        " SELECT account_id, e.posted, d.accrued, d.first_day, false"
        "   FROM (SELECT account_id, sum(amount) AS posted FROM billing_entry GROUP BY 1) e"
        "   JOIN (SELECT account_id, sum(usage) AS accrued, min(day) AS first_day FROM billing_usageday GROUP BY 1) d"
        "  USING (account_id) ORDER BY account_id"
    ),
)
TAG = f"""
INSERT INTO lines_linetag (tag_id, line_id) SELECT %(tag)s, n FROM generate_series({TAGGED}, %(big_lines)s, {TAGGED}) n
"""


def seed(*, lines: int, accounts: int, big_lines: int) -> Fleet:
    """Fills an empty database, then lets it settle: vacuumed, analysed and written to disk."""
    with transaction.atomic(), foreign_keys_checked_at_the_end():
        carrier = Carrier.objects.create(name="Bench", kind="simbase", url="https://bench.invalid", secrets="")
        plans = [_plan(carrier, number) for number in range(PLANS)]
        with connection.cursor() as cursor:
            for statement in SEED:
                cursor.execute(statement, _parameters(lines, accounts, big_lines, carrier, plans))
        big = _give_owners()
        tag = Tag.objects.create(account=big, name="bench")
        with connection.cursor() as cursor:
            cursor.execute(TAG, {"tag": tag.pk, "big_lines": big_lines})
    _settle()
    return Fleet(
        lines=lines,
        big_lines=big_lines,
        accounts=accounts,
        carrier=carrier,
        big=big,
        owner=Membership.objects.get(account=big, role=Role.OWNER),
        tag=tag,
    )


def _give_owners() -> Account:
    """Give each account a person of its own (nobody owns ten thousand), and return the big one."""
    accounts = list(Account.objects.order_by("pk"))
    people = User.objects.bulk_create(User(email=f"owner-{account.pk}@bench.invalid") for account in accounts)
    Membership.objects.bulk_create(
        Membership(user=person, account=account, role=Role.OWNER)
        for person, account in zip(people, accounts, strict=True)
    )
    return accounts[0]


@contextmanager
def foreign_keys_checked_at_the_end() -> Iterator[None]:
    """Each by one join instead of row by row: of a million lines that is a minute instead of many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),"
            " format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))"
            " FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'public'::regnamespace"
        )
        keys = cursor.fetchall()
        for drop, _ in keys:
            cursor.execute(drop)
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what waits for the commit would be in the way
        for _, add in keys:
            cursor.execute(add)


def _plan(carrier: Carrier, number: int) -> RatePlan:
    """A plan whose price has changed once."""
    plan = RatePlan.objects.create(name=f"Plan {number}", carrier=carrier)
    Price.objects.create(plan=plan, valid_from=None, per_mb=Decimal("0.02"))
    since = NOW - dt.timedelta(days=200)
    Price.objects.create(plan=plan, valid_from=since, per_mb=Decimal("0.01") + Decimal("0.001") * number)
    return plan


def _parameters(lines: int, accounts: int, big_lines: int, carrier: Carrier, plans: list[RatePlan]) -> dict[str, Any]:
    return {
        "now": NOW,
        "today": TODAY,
        "first_day": TODAY - dt.timedelta(days=DAYS_USED - 1),
        "cycle": TODAY.replace(day=1),
        "lines": lines,
        "big_lines": big_lines,
        "accounts": accounts,
        "holders": HOLDERS,
        "carrier": carrier.pk,
        "first_plan": plans[0].pk,
        "plans": len(plans),
        "active": int(Wanted.ACTIVE),
        "on": int(Switch.ON),
        "credit": CREDIT,
    }


def _settle() -> None:
    """Only a superuser or a member of pg_checkpoint may make a checkpoint; without it the first rounds are noisier."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("SELECT rolsuper OR pg_has_role('pg_checkpoint', 'member') FROM pg_roles WHERE rolname = user")
        if cursor.fetchone()[0]:
            cursor.execute("CHECKPOINT")
