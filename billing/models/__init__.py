"""Money that belongs to an account, by noun."""

from billing.models.amounts import MoneyField
from billing.models.ledger import Adjustment, AdjustmentKey, CreditRequest, Entry, KeptCurrency, UsageDay, Wallet
from billing.models.notices import Notification, NotificationChoice
from billing.models.papers import Invoice, InvoiceCounter, Notice, Statement, StatementPart
from billing.models.payments import Comparison, Customer, Payment, Refund, Reversal, WebhookEvent
from billing.models.payouts import BalanceMovement, MoneyDifference, Payout
from billing.models.refills import AutoRefill
from billing.models.tax import BillingDetails, TaxRate

__all__ = [
    "Adjustment",
    "AdjustmentKey",
    "AutoRefill",
    "BalanceMovement",
    "BillingDetails",
    "Comparison",
    "CreditRequest",
    "Customer",
    "Entry",
    "Invoice",
    "InvoiceCounter",
    "KeptCurrency",
    "MoneyDifference",
    "MoneyField",
    "Notice",
    "Notification",
    "NotificationChoice",
    "Payment",
    "Payout",
    "Refund",
    "Reversal",
    "Statement",
    "StatementPart",
    "TaxRate",
    "UsageDay",
    "Wallet",
    "WebhookEvent",
]
