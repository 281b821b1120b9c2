"""How sign-up, login and their mails fit our console."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

QUIET = {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "This mail address and password do not match. Check both, or reset the password.",
        "email_taken": "A person with this mail address is here already. Log in, or reset the password.",
        "too_many_login_attempts": "Too many attempts. Wait five minutes, or reset the password.",
        "rate_limited": "Too many requests. Wait a minute and try again.",
    }

    def format_email_subject(self, subject: str) -> str:
        return f"Linekeeper: {' '.join(subject.split())}"

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *more: Any, **named: Any
    ) -> None:
        """Being logged in or out is seen; only what is not seen is said."""
        if message_template not in QUIET:
            super().add_message(request, level, message_template, *more, **named)
