"""Addresses of money."""

from django.urls import path

from billing.views import papers, pay, read, webhook

urlpatterns = [
    path("", read.overview, name="billing"),
    path("add-funds/", pay.add_funds, name="add_funds"),
    path("payments/<str:key>/", pay.payment, name="payment"),
    path("payments/<str:key>/confirm/", pay.confirm, name="confirm_payment"),
    path("payments/<str:key>/cancel/", pay.cancel, name="cancel_payment"),
    path("payment-method/", pay.payment_method, name="payment_method"),
    path("payment-method/card/", pay.give_card, name="give_card"),
    path("payment-method/saved/", pay.card_given, name="card_given"),
    path("payment-method/remove/", pay.remove_card, name="remove_card"),
    path("auto-refill/", pay.auto_refill, name="auto_refill"),
    path("transactions/", read.transactions, name="transactions"),
    path("invoices/<int:number>.pdf", papers.invoice, name="invoice"),
    path("invoices/<int:number>.xml", papers.invoice_xml, name="invoice_xml"),
    path("credit-notes/<int:number>.pdf", papers.credit_note, name="credit_note"),
    path("credit-notes/<int:number>.xml", papers.credit_note_xml, name="credit_note_xml"),
    path("information/", papers.information, name="billing_information"),
    path("details/<str:month>.pdf", papers.month, name="month_statement"),
    path("details/statement/", read.ask_statement, name="ask_statement"),
    path("details/statement/<str:key>/", read.statement, name="statement"),
    path("details/", read.billing_details, name="billing_details"),
    path("stripe/webhook/", webhook.webhook, name="stripe_webhook"),
]
