"""What moved a balance: a row for each day, with what is accrued and not in the ledger yet, and the payments."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from accounts.models import Account
from billing.models import Payment
from billing.policy import PaymentState, booked_on_sql

DAYS = f"""
    SELECT day, sum(credit), sum(debit), sum(sum(credit - debit)) OVER (ORDER BY day)
      FROM (SELECT coalesce(booked_on, day) AS day, greatest(amount, 0) AS credit, greatest(-amount, 0) AS debit
              FROM billing_entry WHERE account_id = %(account)s
            UNION ALL
            SELECT coalesce({booked_on_sql("day", "found_on")}, day),
                   greatest(sealed - usage, 0), greatest(usage - sealed, 0)
              FROM billing_usageday WHERE account_id = %(account)s AND usage <> sealed) m
     GROUP BY day ORDER BY day DESC
"""


@dataclass(frozen=True, slots=True)
class BalanceDay:
    """A day's credits and debits and the balance at its end, USD; debits are positive."""

    day: dt.date
    credit: Decimal
    debit: Decimal
    balance: Decimal


def balance_days(account: Account) -> list[BalanceDay]:
    """The days on which the balance moved, latest first; the first row's balance is what is available now."""
    with connection.cursor() as cursor:
        cursor.execute(DAYS, {"account": account.pk})
        return [BalanceDay(*row) for row in cursor.fetchall()]


def has_moved(account: Account) -> bool:
    """Whether anything ever moved the balance."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM billing_entry WHERE account_id = %(account)s)"
            "    OR EXISTS (SELECT FROM billing_usageday WHERE account_id = %(account)s)",
            {"account": account.pk},
        )
        return bool(cursor.fetchone()[0])


def paid_by_card(account: Account) -> list[Payment]:
    """The account's payments that succeeded, latest first."""
    return list(Payment.objects.filter(account=account, state=PaymentState.SUCCEEDED).order_by("-id"))
