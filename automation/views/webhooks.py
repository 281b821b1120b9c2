"""Doors to webhooks: the owner's list, one address with its log, its secret and its acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from kit import walls
from kit.errors import Changed, Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, confirmed_first, needs
from accounts.policy import Right
from accounts.undoing import undo, undoes
from automation import tasks
from automation.commands import webhooks
from automation.models import WebhookDelivery, WebhookEndpoint
from automation.queries import outbox
from automation.views.parts import actor, nudge

TOPICS = (
    ("rules", "Rules: triggered, undone"),
    ("lines", "Lines: added, requested, confirmed, refused, failed, moved, in another device, on another plan"),
    ("usage", "Usage: unusually large, confirmed, taken back, dismissed"),
    ("balance", "Balance: low, too low, recovered, good"),
    ("payments", "Payments: succeeded, declined, failed, went back"),
    ("sms", "SMS: sent, delivered, received, refused, not known whether it was sent"),
    ("jobs", "Jobs: begun, done, canceled"),
    ("orders", "Orders: answered"),
    ("statements", "Statements: ordered, closed"),
    ("carriers", "Carriers: in trouble, recovered"),
    ("notifications", "Notifications: what people chose to be told by webhook"),
    ("keys", "API keys: made, expiring, revoked"),
)


ASKED_AGAIN = ("switch", "secret", "delete")


class WebhookForm(forms.Form):
    """Where to and about what; the command checks the address."""

    url = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.TextInput(attrs={"placeholder": "https://example.com/hooks/sims", "inputmode": "url"}),
    )
    topics = forms.MultipleChoiceField(label="It hears of", choices=TOPICS, widget=forms.CheckboxSelectMultiple)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_WEBHOOKS)
def webhook_list(request: MemberRequest) -> HttpResponse:
    """The addresses, and a new one."""
    if request.method == "POST" and (away := confirmed_first(request, back=request.path)):
        return away

    def add(data: dict[str, Any]) -> WebhookEndpoint:
        return webhooks.add_webhook(account=request.account, by=actor(request), **data)

    form, endpoint = _filled(request, add, {"topics": [topic for topic, _ in TOPICS]})
    if endpoint is not None:
        messages.success(request, "The webhook is added. Copy its secret, then send a test.")
        return redirect("webhook", key=endpoint.uuid.hex)
    rows = outbox.endpoints_of(request.account)
    response = page(request, "automation/webhooks.html", {"tab": "webhooks", "rows": rows, "form": form})
    response.status_code = 422 if form.errors else 200
    return response


@never_cache
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_WEBHOOKS)
def webhook_page(request: MemberRequest, key: str) -> HttpResponse:
    """One address: its secret, its log, and what it hears of."""
    endpoint = _endpoint(request, key)
    if request.method == "POST" and (away := confirmed_first(request, back=request.path)):
        return away

    def change(data: dict[str, Any]) -> WebhookEndpoint:
        return webhooks.change_webhook(account=request.account, endpoint=endpoint, by=actor(request), **data)

    form, changed = _filled(request, change, {"url": endpoint.url, "topics": endpoint.topics})
    if changed is not None:
        messages.success(request, "The webhook is changed.")
        return redirect("webhook", key=key)
    shows = "secret" in request.GET
    if shows and (away := confirmed_first(request, back=request.get_full_path())):
        return away
    with walls.lifted():  # that somebody looked is written down
        secret = webhooks.show_secret(endpoint=endpoint, by=actor(request)) if shows else ""
    before = request.GET.get("before", "")
    is_number = before.isascii() and before.isdigit() and len(before) < 19
    rows, has_older = outbox.log_of(endpoint, before=int(before) if is_number else None)
    context = {
        "tab": "webhooks",
        "endpoint": endpoint,
        "secret": secret,
        "form": form,
        "rows": rows,
        "older": rows[-1].pk if has_older else None,
        "is_narrowed": is_number,
    }
    response = page(request, "automation/webhook.html", context, part="log")
    response.status_code = 422 if form.errors else 200
    return response


def _filled(
    request: MemberRequest, command: Callable[[dict[str, Any]], WebhookEndpoint], initial: dict[str, Any]
) -> tuple[WebhookForm, WebhookEndpoint | None]:
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return form, command(form.cleaned_data)
        except Refusal as refusal:
            form.add_error("url", refusal.message)
    return form, None


@require_POST
@needs(Right.MANAGE_WEBHOOKS)
def webhook_act(request: MemberRequest, key: str, do: str) -> HttpResponse:
    """On or off, delete, a new secret, a test."""
    endpoint = _endpoint(request, key)
    if do in ASKED_AGAIN and (away := confirmed_first(request, back=reverse("webhook", args=[key]))):
        return away
    about: dict[str, Any] = {"account": request.account, "endpoint": endpoint, "by": actor(request)}
    if do == "switch":
        on, had = request.POST.get("on") == "1", endpoint.is_on
        webhooks.switch_webhook(on=on, **about)
        text = "The webhook is on." if on else "The webhook is off: nothing is sent to it."
        offer = undo(request, "webhook", Right.MANAGE_WEBHOOKS, key=key, on=on) if had != on else ""
        messages.success(request, text, extra_tags=offer)
    elif do == "secret":
        webhooks.renew_secret(**about)
        messages.success(request, "Messages are signed with the new secret from now on.")
    elif do == "test":
        webhooks.send_test(**about)
        nudge(tasks.send_webhooks)
        messages.success(request, "A test is on its way; the log says whether it arrived.")
    else:
        webhooks.delete_webhook(**about)
        messages.success(request, "The webhook is deleted.")
        return redirect("webhooks")
    return redirect("webhook", key=key)


@undoes("webhook")
def undo_switch(request: MemberRequest, was: dict[str, Any]) -> str:
    """On again it is sent what it missed."""
    endpoint, on = _endpoint(request, was["key"]), not was["on"]
    if endpoint.is_on is on:
        raise Changed
    webhooks.switch_webhook(account=request.account, endpoint=endpoint, on=on, catch_up=on, by=actor(request))
    return f"The webhook is {'on' if on else 'off'} again."


@require_POST
@needs(Right.MANAGE_WEBHOOKS)
def send_again(request: MemberRequest, number: int) -> HttpResponse:
    """The same message once more."""
    try:
        delivery = webhooks.send_again(account=request.account, delivery_id=number, by=actor(request))
    except WebhookDelivery.DoesNotExist:
        raise Http404 from None
    nudge(tasks.send_webhooks)
    messages.success(request, "The message is on its way again, with the same id.")
    return redirect("webhook", key=delivery.endpoint.uuid.hex)


def _endpoint(request: MemberRequest, key: str) -> WebhookEndpoint:
    endpoint = outbox.endpoint_of(request.account, key)
    if endpoint is None:
        raise Http404
    return endpoint
