"""Everything that moves money. Wallets are always locked in one order, by account, and before anything of the lines."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import DatabaseError, connection, transaction
from kit import clock
from kit.errors import Refusal
from kit.sql import array, prepared

from accounts.models import Account
from billing import queries
from billing.currency import claim
from billing.policy import EntryKind, booked_on_sql, closed_from, usage_key_sql
from billing.queries.balances import DUE

log = logging.getLogger(__name__)


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
    claim()
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
        UPDATE billing_usageday d
           SET usage = d.usage + day.amount, is_open = true,
               found_on = CASE WHEN d.is_open THEN d.found_on WHEN d.day < %(today)s THEN %(today)s::date END
          FROM day WHERE day.amount < 0 AND d.account_id = day.account_id AND d.day = day.day
    ), more AS (
        INSERT INTO billing_usageday AS d (account_id, day, usage, sms, sealed, parts, found_on)
        SELECT account_id, day, amount, 0, 0, 0, CASE WHEN day < %(today)s THEN %(today)s::date END
          FROM day WHERE amount > 0 ORDER BY account_id, day
        ON CONFLICT (account_id, day) DO UPDATE
           SET usage = d.usage + excluded.usage, is_open = true,
               found_on = CASE WHEN d.is_open THEN d.found_on ELSE excluded.found_on END
    )
    UPDATE billing_wallet w
       SET accrued = w.accrued + c.amount, first_usage_day = least(w.first_usage_day, c.first_day)
      FROM (SELECT account_id, sum(amount) AS amount, min(day) AS first_day FROM charge GROUP BY account_id) c
     WHERE w.account_id = c.account_id
"""


def charge_usage(*, charges: Sequence[Charge]) -> None:
    """Accrues usage: against the balance at once, in the ledger when its day is sealed; what is found later when the
    day on which it was found is over. Wallets must be locked."""
    charges = [charge for charge in charges if charge.amount]
    if not charges:
        return
    today = clock.today()
    closed = {day for day in {charge.day for charge in charges} if today >= closed_from(day)}
    if late := [charge for charge in charges if charge.day in closed]:
        _seal_before(late, today)
    prepared(
        CHARGE,
        {
            "accounts": array(charge.account_id for charge in charges),
            "days": array(charge.day for charge in charges),
            "amounts": array(charge.amount for charge in charges),
            "today": today,
        },
    )


# Of days whose statement is closed, what was there before today and waits to be sealed still.
WAITING = """
SELECT DISTINCT d.account_id FROM billing_usageday d
  JOIN unnest(%(accounts)s::bigint[], %(days)s::date[]) AS c(account_id, day) USING (account_id, day)
 WHERE d.is_open AND d.found_on IS DISTINCT FROM %(today)s
"""


def _seal_before(late: Sequence[Charge], today: dt.date) -> None:
    """What these accounts used counts where it was found before what is found now joins it: the two are told apart in
    statements, however long nobody has sealed."""
    accounts, days = [one.account_id for one in late], [one.day for one in late]
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"accounts": accounts, "days": days, "today": today})
        waiting = sorted(row[0] for row in cursor.fetchall())
    if waiting:
        _seal(waiting, today)


# A day has one row when it is sealed; what is found later has one for each day on which it was found, once that is
# over. A clock that went back could make a second of one name: it is numbered.
SEAL = f"""
    WITH due AS (
        SELECT d.id, d.account_id, d.day, d.usage - d.sealed AS amount, d.parts + 1 AS part,
               coalesce(d.found_on, %(before)s::date) AS found_on,
               {booked_on_sql("d.day", "d.found_on")} AS booked_on
          FROM billing_usageday d
         WHERE d.account_id = ANY(%(accounts)s) AND {DUE}
    ), named AS (
        SELECT due.*, {usage_key_sql("a.uuid", "due.day", "CASE WHEN due.part > 1 THEN due.found_on END")} AS key
          FROM due JOIN accounts_account a ON a.id = due.account_id
         WHERE due.amount <> 0
    ), rows AS (
        INSERT INTO billing_entry (account_id, key, kind, amount, day, booked_on, posted_at, note)
        SELECT account_id,
               key || CASE WHEN EXISTS (SELECT FROM billing_entry e WHERE e.key = named.key)
                           THEN ':' || part ELSE '' END,
               'usage', -amount, day, booked_on, %(now)s,
               CASE WHEN part > 1 OR booked_on IS NOT NULL THEN 'Late usage, found on ' || found_on ELSE '' END
          FROM named ORDER BY account_id, day
    ), marks AS (
        UPDATE billing_usageday d
           SET sealed = d.usage, is_open = false, found_on = NULL,
               parts = CASE WHEN due.amount = 0 THEN d.parts ELSE due.part END
          FROM due WHERE d.id = due.id
    )
    UPDATE billing_wallet w
       SET posted = w.posted - s.amount, accrued = w.accrued - s.amount
      FROM (SELECT account_id, sum(amount) AS amount FROM due GROUP BY account_id) s
     WHERE w.account_id = s.account_id
"""


def seal_days(*, before: dt.date, limit: int = 500, account_id: int | None = None) -> int:
    """Turns accrued usage of days before this one into ledger rows, for up to `limit` accounts or for one; says for how
    many.

    Harmless twice: what is sealed is not due again. An account that cannot be sealed stops no other.
    """
    account_ids = queries.accounts_to_seal(before=before, limit=limit, account_id=account_id)
    if not account_ids:
        return 0
    try:
        _seal(account_ids, before)
        return len(account_ids)
    except DatabaseError:
        log.exception("accounts cannot be sealed together: each by itself")
    return sum(_sealed_alone(account_id, before) for account_id in account_ids)


def _sealed_alone(account_id: int, before: dt.date) -> bool:
    try:
        _seal([account_id], before)
    except DatabaseError:
        log.exception("account %s cannot be sealed", account_id)
        return False
    return True


@transaction.atomic
def _seal(account_ids: list[int], before: dt.date) -> None:
    lock_wallets(account_ids=account_ids)
    with connection.cursor() as cursor:
        cursor.execute(SEAL, {"accounts": account_ids, "before": before, "now": clock.now()})


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
    """Writes down which of these accounts (or of all) are red now; says which have changed. Locks their wallets, and
    of sub-accounts those of who pays: their lines may turn.

    Must run in a transaction: what follows from a change belongs in the same one.
    """
    suspected = queries.colour_changes(today=today, account_ids=account_ids)
    if not suspected:
        return []
    ids = [change.account_id for change in suspected]
    payers = Account.objects.filter(pk__in=ids, parent__isnull=False).values_list("parent_id", flat=True)
    lock_wallets(account_ids=[*ids, *(pk for pk in payers if pk is not None)])
    changes = queries.colour_changes(today=today, account_ids=ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_wallet w SET is_red = c.is_red, red_since = CASE WHEN c.is_red THEN %s::timestamptz END"
            "  FROM unnest(%s::bigint[], %s::boolean[]) AS c(account_id, is_red) WHERE w.account_id = c.account_id",
            [clock.now(), [c.account_id for c in changes], [c.is_red for c in changes]],
        )
    return changes
