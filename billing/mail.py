"""What people are told, as mails."""

from __future__ import annotations

from django.core.mail import EmailMultiAlternatives

from accounts.mails import mail
from billing import paper
from billing.models import Notice
from billing.queries.notices import recipients_of

BUTTONS = {"/billing/": "Open Billing & Payments", "/billing/add-funds/?amount=missing": "Pay what is missing"}


def letter_of(notice: Notice) -> EmailMultiAlternatives:
    """One notice for whom it is for, with its invoice attached where it has one."""
    page = mail.console_url(notice.page, notice.account)
    button = BUTTONS.get(notice.page, "Open it in the console")
    letter = mail.Letter(notice.subject, f"{notice.text}\n\n{page}", button=button)
    invoice = notice.invoice
    papers = [mail.Attachment(f"{invoice.name}.pdf", paper.invoice_pdf(invoice), "application/pdf")] if invoice else []
    return mail.made(to=recipients_of(notice), letter=letter, account=notice.account, attachments=papers)
