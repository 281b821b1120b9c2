"""Invoices: one for each payment that succeeded, with the next number, in the payment's own transaction."""

from __future__ import annotations

from django.conf import settings
from kit import clock

from accounts.models import Account
from billing.models import Customer, Invoice, InvoiceCounter, Payment


def issue_invoice(*, payment: Payment) -> Invoice:
    """Harmless twice. The counter's row stays locked until the payment commits: a number that is rolled back is

    given out again, so there is no gap.
    """
    found = Invoice.objects.filter(payment=payment).first()
    if found is not None:
        return found
    InvoiceCounter.objects.get_or_create(pk=1)
    counter = InvoiceCounter.objects.select_for_update().get(pk=1)
    counter.last += 1
    counter.save(update_fields=["last"])
    account = Account.objects.get(pk=payment.account_id)
    customer = Customer.objects.filter(account=account).first()
    buyer = {"name": account.name, "contact": customer.name if customer else ""}
    return Invoice.objects.create(
        number=counter.last,
        payment=payment,
        account=account,
        amount=payment.amount,
        issued_at=clock.now(),
        seller=dict(settings.SELLER),
        buyer=buyer | {"address": customer.address if customer else {}},
    )
