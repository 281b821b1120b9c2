"""Mails about money."""

from __future__ import annotations

from django.core.mail import EmailMessage

from billing import paper
from billing.models import Notice


def send(notice: Notice, *, to: str) -> None:
    """One notice to one person, with its invoice attached where it has one."""
    text = f"{notice.text}\n\nAccount: {notice.account.name}\n"
    message = EmailMessage(subject=f"Linekeeper: {notice.subject}", body=text, to=[to])
    if notice.invoice is not None:
        message.attach(f"{notice.invoice.name}.pdf", paper.invoice_pdf(notice.invoice), "application/pdf")
    message.send()
