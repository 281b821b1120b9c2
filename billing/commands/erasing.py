"""What billing knows of an account beyond what the law wants kept: ledger, payments and invoices stay."""

from __future__ import annotations

from django.db import transaction
from kit.errors import Refusal
from kit.money import shown

from accounts.models import Account
from billing.models import Adjustment, AutoRefill, BillingDetails, Customer, Notice, Payment, Statement, Wallet


class NotSettled(Refusal):
    """The account has a balance or a payment on its way: it is refunded, or settled by hand, first."""


@transaction.atomic
def erase_billing(*, account: Account) -> dict[str, int]:
    """Deletes notices, statements and what is known of cards and of who paid. Invoices keep their buyer: the law wants
    them whole. Of a test account, whose play money its people gave themselves, they go from there too, and nothing is
    to be settled. Gives rows by table. Raises NotSettled. Harmless twice."""
    wallet = Wallet.objects.select_for_update().filter(account=account).first()
    if wallet is not None and not account.is_test and (wallet.posted or wallet.accrued):
        raise NotSettled(f"The balance is {shown(wallet.posted - wallet.accrued)}: settle it first, to the last cent")
    if Payment.objects.filter(account=account, ended_at=None).exists():
        raise NotSettled("A payment is on its way. Wait until it ends.")
    held = Account.objects.filter(pk=account.pk) | Account.objects.filter(parent=account)
    gone = {
        model.__name__: model.objects.filter(account__in=held).delete()[0]
        for model in (Notice, Statement, BillingDetails)
    }
    gone["AutoRefill"] = AutoRefill.objects.filter(account=account).delete()[0]
    Customer.objects.filter(account=account).update(
        card_id="", brand="", last4="", exp_month=None, exp_year=None, name="", address={}, card_since=None
    )  # its name at Stripe stays: what comes of an old payment there is still known by it
    paid = Payment.objects.filter(account=account).exclude(by="", last4="", return_url="", terms={})
    if account.is_test:
        gone["Adjustment"] = Adjustment.objects.filter(account=account).exclude(by="").update(by="")
    gone["Payment"] = paid.update(by="", brand="", last4="", return_url="", terms={})
    return gone
