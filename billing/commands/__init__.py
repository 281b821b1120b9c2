"""Everything that moves money, by noun."""

from billing.commands.byhand import adjust, discount
from billing.commands.ledger import (
    Charge,
    PaidByParent,
    charge_sms,
    charge_usage,
    lock_wallets,
    mark_colours,
    post,
    seal_days,
)

__all__ = [
    "Charge",
    "PaidByParent",
    "adjust",
    "charge_sms",
    "charge_usage",
    "discount",
    "lock_wallets",
    "mark_colours",
    "post",
    "seal_days",
]
