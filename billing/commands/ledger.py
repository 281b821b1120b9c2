"""Everything that moves money. Wallets are always locked in one order, by account, and before anything of the lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction
from kit import clock
from kit.errors import Refusal
from kit.sql import array, prepared

from billing import queries
from billing.policy import EntryKind


class PaidByParent(Refusal):
    """A sub-account has no balance of its own."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What an account's lines cost more on a day than was charged before, USD; under 0: what is moved off that day."""

    account_id: int
    day: dt.date
    amount: Decimal


LOCK = "SELECT account_id FROM billing_wallet WHERE account_id = ANY(%s::bigint[]) ORDER BY account_id FOR UPDATE"


def lock_wallets(*, account_ids: Iterable[int]) -> None:
    """Locks these accounts' wallets, in order, for the rest of the transaction; makes those that are missing."""
    wanted = sorted(set(account_ids))
    if not wanted:
        return
    if len(prepared(LOCK, [array(wanted)])) < len(wanted):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO billing_wallet (account_id, posted, accrued, is_red)"
                " SELECT unnest(%s::bigint[]), 0, 0, true ORDER BY 1 ON CONFLICT DO NOTHING",
                [wanted],
            )
        prepared(LOCK, [array(wanted)])


CHARGE = """
    WITH charge AS (
        SELECT * FROM unnest(%(accounts)s::bigint[], %(days)s::date[], %(amounts)s::numeric[])
                      AS c(account_id, day, amount)
    ), day AS (
        SELECT account_id, day, sum(amount) AS amount FROM charge GROUP BY account_id, day
    ), less AS (  -- what is moved off a day was charged to it before
        UPDATE billing_usageday d SET usage = d.usage + day.amount, is_open = true
          FROM day WHERE day.amount < 0 AND d.account_id = day.account_id AND d.day = day.day
    ), more AS (
        INSERT INTO billing_usageday AS d (account_id, day, usage, sms, sealed, parts)
        SELECT account_id, day, amount, 0, 0, 0 FROM day WHERE amount > 0 ORDER BY account_id, day
        ON CONFLICT (account_id, day) DO UPDATE SET usage = d.usage + excluded.usage, is_open = true
    )
    UPDATE billing_wallet w
       SET accrued = w.accrued + c.amount, first_usage_day = least(w.first_usage_day, c.first_day)
      FROM (SELECT account_id, sum(amount) AS amount, min(day) AS first_day FROM charge GROUP BY account_id) c
     WHERE w.account_id = c.account_id
"""


def charge_usage(*, charges: Sequence[Charge]) -> None:
    """Accrues usage: against the balance at once, in the ledger when its day is sealed. Wallets must be locked."""
    charges = [charge for charge in charges if charge.amount]
    if not charges:
        return
    prepared(
        CHARGE,
        {
            "accounts": array(charge.account_id for charge in charges),
            "days": array(charge.day for charge in charges),
            "amounts": array(charge.amount for charge in charges),
        },
    )


# The key is policy.usage_key said in SQL. A day that gained usage after its sealing has a row of its own for it.
SEAL = """
    WITH due AS (
        SELECT d.id, d.account_id, d.day, d.usage - d.sealed AS amount, d.parts + 1 AS part
          FROM billing_usageday d
         WHERE d.account_id = ANY(%(accounts)s) AND d.day < %(before)s AND d.is_open
    ), rows AS (
        INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)
        SELECT due.account_id,
               'usage:' || replace(a.uuid::text, '-', '') || ':' || due.day
                        || CASE WHEN due.part > 1 THEN ':' || due.part ELSE '' END,
               'usage', -due.amount, due.day, %(now)s,
               CASE WHEN due.part > 1 THEN 'Usage found after the day was sealed' ELSE '' END
          FROM due JOIN accounts_account a ON a.id = due.account_id
         WHERE due.amount <> 0
         ORDER BY due.account_id, due.day
    ), marks AS (
        UPDATE billing_usageday d
           SET sealed = d.usage, is_open = false, parts = CASE WHEN due.amount = 0 THEN d.parts ELSE due.part END
          FROM due WHERE d.id = due.id
    )
    UPDATE billing_wallet w
       SET posted = w.posted - s.amount, accrued = w.accrued - s.amount
      FROM (SELECT account_id, sum(amount) AS amount FROM due GROUP BY account_id) s
     WHERE w.account_id = s.account_id
"""


def seal_days(*, before: dt.date, limit: int = 500) -> int:
    """Turns accrued usage of days before this one into ledger rows, for up to `limit` accounts; says for how many.

    Harmless twice: what is sealed is not due again.
    """
    account_ids = queries.accounts_to_seal(before=before, limit=limit)
    if not account_ids:
        return 0
    with transaction.atomic():
        lock_wallets(account_ids=account_ids)
        with connection.cursor() as cursor:
            cursor.execute(SEAL, {"accounts": account_ids, "before": before, "now": clock.now()})
    return len(account_ids)


def post(*, account_id: int, key: str, kind: EntryKind, amount: Decimal, day: dt.date, note: str = "") -> bool:
    """Posts a ledger row; False when a row of this key is there already. The wallet must be locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING",
            [account_id, key, kind.value, amount, day, clock.now(), note],
        )
        if not cursor.rowcount:
            return False
        cursor.execute("UPDATE billing_wallet SET posted = posted + %s WHERE account_id = %s", [amount, account_id])
    return True


def charge_sms(*, account_id: int, key: str, amount: Decimal, day: dt.date, note: str) -> bool:
    """Posts what a message costs: a ledger row at once, and a part of the day's usage; False when it is there already.

    The wallet must be locked.
    """
    if not amount or not post(account_id=account_id, key=key, kind=EntryKind.SMS, amount=-amount, day=day, note=note):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_usageday AS d (account_id, day, usage, sms, sealed, parts)"
            " VALUES (%(account)s, %(day)s, 0, %(amount)s, 0, 0)"
            " ON CONFLICT (account_id, day) DO UPDATE SET sms = d.sms + excluded.sms",
            {"account": account_id, "day": day, "amount": amount},
        )
        cursor.execute(
            "UPDATE billing_wallet SET first_usage_day = least(first_usage_day, %s::date) WHERE account_id = %s",
            [day, account_id],
        )
    return True


def mark_colours(*, today: dt.date, account_ids: Sequence[int] | None = None) -> list[queries.ColourChange]:
    """Writes down which of these accounts (or of all) are red now; says which have changed. Locks their wallets.

    Must run in a transaction: what follows from a change belongs in the same one.
    """
    suspected = queries.colour_changes(today=today, account_ids=account_ids)
    if not suspected:
        return []
    lock_wallets(account_ids=[change.account_id for change in suspected])
    changes = queries.colour_changes(today=today, account_ids=[change.account_id for change in suspected])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_wallet w SET is_red = c.is_red, red_since = CASE WHEN c.is_red THEN %s::timestamptz END"
            "  FROM unnest(%s::bigint[], %s::boolean[]) AS c(account_id, is_red) WHERE w.account_id = c.account_id",
            [clock.now(), [c.account_id for c in changes], [c.is_red for c in changes]],
        )
    return changes
