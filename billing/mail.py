"""Mails about money."""

from __future__ import annotations

from accounts import mail
from billing import paper
from billing.models import Notice


def send(notice: Notice, *, to: str) -> None:
    """One notice to one person, with its invoice attached where it has one."""
    page = mail.console_url("/billing/", notice.account)
    letter = mail.Letter(notice.subject, f"{notice.text}\n\n{page}", button="Open Billing & Payments")
    invoice = notice.invoice
    papers = [mail.Attachment(f"{invoice.name}.pdf", paper.invoice_pdf(invoice), "application/pdf")] if invoice else []
    mail.send(to=to, letter=letter, account=notice.account, attachments=papers)
