"""How sign-up, login and their mails fit our console."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as asked
from django.contrib.sites.shortcuts import get_current_site
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import trail
from accounts.branding.identity import branding_of
from accounts.branding.requests import branded_account, branding_for
from accounts.commands import logins as guesses
from accounts.commands.waiting_letters import post
from accounts.doors import address_of, base_url
from accounts.login.devices import device_of
from accounts.models import Account, User
from accounts.queries import memberships_of

# What the button of a mail says, by the mail's templates.
BUTTONS = {
    "account/email/password_reset_key": "Set a new password",
    "account/email/email_confirmation": "Confirm the address",
    "account/email/email_confirmation_signup": "Confirm the address",
    "account/email/account_already_exists": "Set a new password",
    "account/email/unknown_account": "Open an account",
}
QUIET = {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "This mail address and password do not match. Check both, or reset the password.",
        "email_taken": "A person with this mail address is here already. Log in, or reset the password.",
        "too_many_login_attempts": "Too many attempts. Wait a few minutes and try again, or reset your password.",
        "rate_limited": "Too many requests. Wait a minute and try again.",
    }

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counted in the database: many hosts and servers lead here, and they are no more tries."""
        email = str(credentials.get("email", ""))
        try:
            self._guess = guesses.take(email=email, address=address_of(request), device=device_of(request, email))
        except guesses.TooManyGuesses:
            trail.refused(request, email)
            raise self.validation_error("too_many_login_attempts") from None

    def _rollback_login_failed_rl_usage(self) -> None:
        """What allauth calls where the password was right."""
        guesses.succeeded(guess=self._guess)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        trail.failed(request, str(credentials.get("email", "")))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """allauth's own text in the branding of the host that was asked, else of the person: written down, mailed by a
        worker. Whether an address is known here is told by no mail server's time."""
        request, account = asked.request, _account_of(context.get("user"))
        branded = branded_account(request) if account is None or request.brand else account
        said = {"request": request, "email": email, "current_site": get_current_site(request), **context}
        said["branding"] = branding_of(branded)
        subject, text = (
            render_to_string(f"{template_prefix}_{part}.txt", said, request) for part in ("subject", "message")
        )
        button = BUTTONS.get(template_prefix, "Open")
        post(account=account, worn=branded, to=email, subject=" ".join(subject.split()), text=text, button=button)

    def get_reset_password_from_key_url(self, key: str) -> str:
        return self._opens("reset", key)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:  # noqa: ARG002
        return self._opens("confirm", emailconfirmation.key)

    def _opens(self, kind: str, token: str) -> str:
        """At our own address, as a request may say that it came to any port; what opens it stands behind the #."""
        return f"{base_url(asked.request)}{reverse('open_link', args=[kind])}#{token}"

    def is_safe_url(self, url: str | None) -> bool:
        """Within the very host that was asked: neither to a brand's domain nor from one."""
        request: HttpRequest = asked.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are opened with us; in a white label's branding there is nothing to open."""
        return branding_for(request).is_ours

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *more: Any, **named: Any
    ) -> None:
        """Being logged in or out is seen; only what is not seen is said."""
        if message_template not in QUIET:
            super().add_message(request, level, message_template, *more, **named)


def _account_of(user: object) -> Account | None:
    """In whose branding a person is written to: that of their oldest place."""
    place = memberships_of(user).first() if isinstance(user, User) else None
    return place.account if place else None
