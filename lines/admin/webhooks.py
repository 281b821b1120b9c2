"""Where a carrier calls us: the address and the secret, and what is done with them at the carrier."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from kit.backoffice import ConfirmForm, Desk
from unfold.decorators import action

from accounts.doors import desk_actor
from lines.carriers import CLIENTS
from lines.carriers.webhooks import Whose
from lines.commands import webhooks
from lines.models import Carrier, CarrierWebhook


class SecretForm(forms.Form):
    secret = forms.CharField(
        label="The carrier’s secret",
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class CloseForm(forms.Form):
    is_closed = forms.BooleanField(
        label="Close the address",
        required=False,
        help_text="Without this a new address replaces it.",
    )


class CloseSecretForm(CloseForm, SecretForm):
    secret = forms.CharField(
        label="The carrier’s secret",
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


def says(webhook: CarrierWebhook) -> str:
    """The address, the secret where we made it, and what is done with them. Raises Invalid."""
    made = webhooks.opened(webhook=webhook)
    told = [f"Address: {made.address}"]
    told += [f"Secret: {made.secret}"] if made.secret else []
    told += [f"Header: {made.header}"] if made.header else []
    last = f"Last call {made.called_at:%-d %b %Y %H:%M} UTC." if made.called_at else "No call yet."
    return ". ".join([*told, f"{made.proof} {made.setup} {last}"])


class WebhookDesk(Desk):
    """The action of the desk of carriers by which a carrier may call us."""

    @action(description="Webhook", url_path="webhook", icon="notifications_active")
    def webhook(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)
        hook = CLIENTS[carrier.kind].webhook
        known = webhooks.webhook_known(carrier=carrier)
        form: type[forms.Form] = ConfirmForm

        def act(given: dict[str, Any]) -> str:
            by = desk_actor(request)
            if given.get("is_closed"):
                webhooks.shut_webhook(carrier=carrier, by=by)
                return f"{carrier.name} can’t call any more."
            made = webhooks.open_webhook(carrier=carrier, secret=given.get("secret", ""), by=by)
            return says(made)

        if hook is None:
            about = f"{CLIENTS[carrier.kind].title} has no webhooks for SIMs. Lines are read in turn."
        else:
            pasted = hook.proof.whose is Whose.THEIRS
            form = (CloseSecretForm if pasted else CloseForm) if known else (SecretForm if pasted else ConfirmForm)
            about = "The carrier calls when something happened to a SIM. The SIM is then read sooner. "
            about += says(known) if known and settings.CONSOLE_URL else hook.setup
        button = "Save" if known else "Create address"
        return self.ask(request, form, act, title=carrier.name, button=button, row=carrier, about=about)
