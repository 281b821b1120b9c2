"""Reads about money."""

from billing.queries.balances import (
    AVERAGES,
    ColourChange,
    accounts_to_seal,
    balance_of,
    colour_changes,
    forecast_of,
    is_low,
    low_changes,
    usage_days,
)
from billing.queries.payments import (
    accounts_to_refill,
    amounts_to_fix,
    auto_refill_of,
    auto_refilled,
    customer_of,
    notices_of,
    open_payment_of,
    payments_to_ask,
)
from billing.queries.statements import Month, Transaction, months_of, statements_of, transactions_of

__all__ = [
    "AVERAGES",
    "ColourChange",
    "Month",
    "Transaction",
    "accounts_to_refill",
    "accounts_to_seal",
    "amounts_to_fix",
    "auto_refill_of",
    "auto_refilled",
    "balance_of",
    "colour_changes",
    "customer_of",
    "forecast_of",
    "is_low",
    "low_changes",
    "months_of",
    "notices_of",
    "open_payment_of",
    "payments_to_ask",
    "statements_of",
    "transactions_of",
    "usage_days",
]
