"""Money that belongs to an account, by noun."""

from billing.models.amounts import MoneyField
from billing.models.ledger import Adjustment, AdjustmentKey, CreditRequest, Entry, UsageDay, Wallet
from billing.models.papers import Invoice, InvoiceCounter, Notice, Statement, StatementPart
from billing.models.payments import Comparison, Customer, Payment, Refund, Reversal, WebhookEvent
from billing.models.refills import AutoRefill

__all__ = [
    "Adjustment",
    "AdjustmentKey",
    "AutoRefill",
    "Comparison",
    "CreditRequest",
    "Customer",
    "Entry",
    "Invoice",
    "InvoiceCounter",
    "MoneyField",
    "Notice",
    "Payment",
    "Refund",
    "Reversal",
    "Statement",
    "StatementPart",
    "UsageDay",
    "Wallet",
    "WebhookEvent",
]
