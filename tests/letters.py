"""Mails about accounts and logins are rows until a worker mails them."""

from __future__ import annotations

from django.core import mail
from django.core.mail import EmailMessage

from accounts.tasks import mail_invitations


def posted() -> list[EmailMessage]:
    """All mails that have left, once those that wait have too."""
    mail_invitations()
    return list(mail.outbox)
