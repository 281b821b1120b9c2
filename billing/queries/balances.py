"""Reads about money."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from kit.money import ZERO

from accounts.models import Account
from billing.models import UsageDay, Wallet
from billing.policy import (
    LEAST_DAYS,
    LEAST_REFILL,
    LOW_RUNWAY_DAYS,
    WINDOW_DAYS,
    Balance,
    Forecast,
    days_counted,
    forecast,
    minimum_sql,
    missing,
)

MINIMUM = minimum_sql("average", "credit_limit")

# A test account's clock is its own: it is looked at where it is named, and never with all.
# Averages of many accounts at once: policy.days_counted and policy.average_daily said in SQL.
AVERAGES = f"""
    SELECT w.account_id, w.posted - w.accrued AS available, w.is_red,
           round(coalesce(sum(d.usage + d.sms), 0)
                 / greatest({LEAST_DAYS}, least({WINDOW_DAYS}, %(today)s::date - w.first_usage_day)), 6) AS average,
           w.credit_limit
      FROM billing_wallet w
      LEFT JOIN billing_usageday d
        ON d.account_id = w.account_id AND d.day >= %(today)s::date - {WINDOW_DAYS} AND d.day < %(today)s::date
     WHERE NOT w.is_closed AND CASE WHEN %(accounts)s::bigint[] IS NULL
                                    THEN w.account_id <> ALL (ARRAY(SELECT id FROM accounts_account WHERE is_test))
                                    ELSE w.account_id = ANY(%(accounts)s::bigint[]) END
     GROUP BY w.account_id
"""

WRONG_COLOUR = f"""
    SELECT account_id, available < {MINIMUM} AS is_red
      FROM ({AVERAGES}) a
     WHERE is_red <> (available < {MINIMUM})
     ORDER BY account_id
"""


def balance_of(account: Account, *, today: dt.date) -> Balance:
    """An account's balance now; one that has never moved money has 0. A sub-account without a wallet has none."""
    wallet = Wallet.objects.filter(account=account).first()
    if wallet is None:
        return Balance(posted=ZERO, accrued=ZERO, window_usage=ZERO, days=LEAST_DAYS)
    return Balance(
        posted=wallet.posted,
        accrued=wallet.accrued,
        window_usage=_window_usage(account.pk, today),
        days=days_counted(today, wallet.first_usage_day),
        credit_limit=wallet.credit_limit,
    )


def wallet_of(subaccount: Account) -> Wallet | None:
    """The open balance that a sub-account has with its account."""
    if not subaccount.is_subaccount:
        return None
    return Wallet.objects.filter(account=subaccount, is_closed=False).first()


def to_pay(account: Account, *, today: dt.date) -> Decimal:
    """What must be paid before lines run again, as much as a card can be charged at the least; 0 where they do: USD."""
    balance = balance_of(account, today=today)
    short = missing(balance.available, balance.minimum)
    return max(short, LEAST_REFILL) if short else short


def _window_usage(account_id: int, today: dt.date) -> Decimal:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(sum(usage + sms), 0) FROM billing_usageday"
            f" WHERE account_id = %s AND day >= %s::date - {WINDOW_DAYS} AND day < %s",
            [account_id, today, today],
        )
        return Decimal(cursor.fetchone()[0])


@dataclass(frozen=True, slots=True)
class ColourChange:
    """An account whose stored red flag is not what its balance says."""

    account_id: int
    is_red: bool


def colour_changes(*, today: dt.date, account_ids: Sequence[int] | None = None) -> list[ColourChange]:
    """Accounts (of these, or all) that have turned red or come back since it was last written down."""
    with connection.cursor() as cursor:
        cursor.execute(WRONG_COLOUR, {"today": today, "accounts": None if account_ids is None else list(account_ids)})
        return [ColourChange(account_id, is_red) for account_id, is_red in cursor.fetchall()]


# What is found after a day was sealed waits for the end of the day on which it was found.
DUE = "d.is_open AND d.day < %(before)s AND (d.parts = 0 OR d.found_on IS NULL OR d.found_on < %(before)s)"


def accounts_to_seal(*, before: dt.date, limit: int = 500, account_id: int | None = None) -> list[int]:
    """Accounts with finished days that are not sealed; of one, or of all."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT account_id FROM billing_usageday d WHERE {DUE}"
            " AND (%(account)s::bigint IS NULL OR account_id = %(account)s) ORDER BY account_id LIMIT %(limit)s",
            {"before": before, "limit": limit, "account": account_id},
        )
        return [row[0] for row in cursor.fetchall()]


LOW = f"""
    SELECT account_id FROM ({AVERAGES}) a
     WHERE available < {MINIMUM} + {LOW_RUNWAY_DAYS} * average
"""  # orange or red: (available - minimum) / average < 7, and with an average of 0 red alone


def is_low(account_id: int, *, today: dt.date) -> bool:
    """Whether the balance is orange or red: policy.colour said in SQL."""
    with connection.cursor() as cursor:
        cursor.execute(LOW, {"today": today, "accounts": [account_id]})
        return cursor.fetchone() is not None


LOW_CHANGES = f"""
    SELECT w.account_id, a.account_id IS NOT NULL
      FROM billing_wallet w LEFT JOIN ({LOW}) a USING (account_id)
     WHERE CASE WHEN %(accounts)s::bigint[] IS NULL
                THEN w.account_id <> ALL (ARRAY(SELECT id FROM accounts_account WHERE is_test))
                ELSE w.account_id = ANY(%(accounts)s::bigint[]) END
       AND (w.low_since IS NULL) = (a.account_id IS NOT NULL)
     ORDER BY w.account_id
"""


def low_changes(*, today: dt.date, account_ids: Sequence[int] | None = None) -> dict[int, bool]:
    """Accounts (of these, or all) whose balance became low or ceased to be since it was last written down."""
    with connection.cursor() as cursor:
        cursor.execute(LOW_CHANGES, {"today": today, "accounts": None if account_ids is None else list(account_ids)})
        return dict(cursor.fetchall())


def forecast_of(account: Account, *, today: dt.date) -> Forecast:
    """What the month will cost, and until when the balance lasts, at the average of the last days."""
    by_day = usage_days(account, since=today.replace(day=1), until=today)
    return forecast(
        balance_of(account, today=today),
        month_so_far=sum(by_day.values(), ZERO),
        used_today=by_day.get(today, ZERO),
        today=today,
    )


def usage_days(account: Account, *, since: dt.date, until: dt.date) -> dict[dt.date, Decimal]:
    """What usage and SMS of each day cost, for the days that have any: USD."""
    rows = UsageDay.objects.filter(account=account, day__gte=since, day__lte=until)
    return {day: usage + sms for day, usage, sms in rows.values_list("day", "usage", "sms")}
