"""The demo's account sells to two of its sub-accounts: by a list each, one in advance and one later."""

from __future__ import annotations

from decimal import Decimal

from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from lines.commands.resale import Credit, Plus, add_price_list, charge_by

# Name of the list, its markup and decimals, the credit limit of who pays later, and the credit of who pays in advance.
LISTS = (
    ("Retail", Plus(Decimal(40), 4), None, Decimal(2_500)),
    ("Wholesale", Plus(Decimal(15)), Decimal(2_500), None),
)


def resell(account: Account) -> None:
    """From today on, for the first two sub-accounts by name."""
    holders = Account.objects.filter(parent=account).order_by("name")[: len(LISTS)]
    for holder, (name, plus, limit, amount) in zip(holders, LISTS, strict=False):
        made = add_price_list(account=account, name=name, plus=plus, by=OPERATOR)
        credit = Credit(amount, "Paid in advance", "opening") if amount else None
        charge_by(
            subaccount=holder,
            price_list=made,
            since=clock.today(),
            credit_limit=limit,
            credit=credit,
            by=OPERATOR,
        )
