"""Invoices and credit notes: one for each sum that came or went back, with the next number of its kind, in the
transaction of what it stands for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from kit import clock
from kit.money import ZERO, currency

from accounts.models import Account
from billing import queries
from billing.models import Invoice, InvoiceCounter, Payment

COUNTERS = {Invoice.INVOICE: 1, Invoice.CREDIT_NOTE: 2}


def issue_invoice(*, payment: Payment) -> Invoice:
    """For a payment that succeeded. Harmless twice."""
    if (found := Invoice.objects.filter(payment=payment).first()) is not None:
        return found
    account = Account.objects.get(pk=payment.account_id)
    return _issue(
        key=f"top-up:{payment.pk}",
        account=account,
        amount=payment.amount,
        tax=payment.tax,
        terms=payment.terms,
        payment=payment,
    )


def issue_for_transfer(
    *, key: str, account: Account, amount: Decimal, tax: Decimal, terms: dict[str, Any], note: str
) -> Invoice:
    """For a bank transfer that arrived. Harmless twice."""
    return _issue(key=key, account=account, amount=amount, tax=tax, terms=terms, note=note)


def issue_credit_note(*, key: str, payment: Payment, amount: Decimal, tax: Decimal, note: str) -> Invoice | None:
    """For what of a payment went back: of the seller, the buyer and on the terms of its invoice. Harmless twice."""
    invoice = Invoice.objects.filter(payment=payment).first()
    if invoice is None:
        return None
    return _correct(Invoice.CREDIT_NOTE, key, invoice, amount=amount, tax=tax, note=note)


def issue_anew(*, key: str, credit_note_key: str, note: str) -> Invoice | None:
    """For what had gone back and is there again: an invoice of what the credit note took. Harmless twice."""
    noted = Invoice.objects.filter(key=credit_note_key, kind=Invoice.CREDIT_NOTE).first()
    if noted is None:
        return None
    return _correct(Invoice.INVOICE, key, noted, amount=noted.amount, tax=noted.tax, note=note)


def _correct(kind: str, key: str, corrects: Invoice, *, amount: Decimal, tax: Decimal, note: str) -> Invoice:
    return _issue(
        kind=kind,
        key=key,
        account=corrects.account,
        amount=amount,
        tax=tax,
        terms=corrects.terms,
        note=note,
        corrects=corrects,
    )


def _issue(
    *,
    key: str,
    account: Account,
    amount: Decimal,
    tax: Decimal = ZERO,
    terms: dict[str, Any],
    kind: str = Invoice.INVOICE,
    note: str = "",
    payment: Payment | None = None,
    corrects: Invoice | None = None,
) -> Invoice:
    """The counter's row stays locked until the transaction commits: a number that is rolled back is given out again,
    so there is no gap."""
    found = Invoice.objects.filter(key=key).first()
    if found is not None:
        return found
    counter_id = COUNTERS[kind]
    InvoiceCounter.objects.get_or_create(pk=counter_id)
    counter = InvoiceCounter.objects.select_for_update().get(pk=counter_id)
    if (found := Invoice.objects.filter(key=key).first()) is not None:  # while we waited
        return found
    counter.last += 1
    counter.save(update_fields=["last"])
    buyer = corrects.buyer if corrects else terms.get("buyer") or queries.buyer_of(account)
    return Invoice.objects.create(
        kind=kind,
        number=counter.last,
        key=key,
        payment=payment,
        corrects=corrects,
        account=account,
        amount=amount,
        tax=tax,
        terms={name: value for name, value in terms.items() if name != "buyer"},
        note=note[:300],
        issued_at=clock.now(),
        seller=dict(corrects.seller if corrects else settings.SELLER | {"currency": currency().code}),
        buyer=buyer,
    )
