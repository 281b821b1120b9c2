"""Payment intents, where localstripe differs: 3-D Secure off-session and by redirect, and errors that name the intent.

https://docs.stripe.com/payments/3d-secure/authentication-flow, https://docs.stripe.com/api/errors
"""

from __future__ import annotations

from typing import Any

from .api import Call, Standin
from .shapes import card_error, error, payment_intent
from .state import Json

NEEDS_CONFIRMATION: Json = {
    "type": "card_error",
    "code": "authentication_required",
    "decline_code": "authentication_required",
    "message": "Your card was declined. This transaction requires authentication.",
}
KNOWN = ("amount", "currency", "customer", "payment_method", "metadata", "confirm", "off_session", "capture_method")
Answer = tuple[int, Json]


async def handle(standin: Standin, call: Call) -> Answer:
    parts = call.path.removeprefix("/v1/payment_intents").strip("/").split("/")
    if call.method == "POST" and parts == [""]:
        return await _create(standin, call)
    if call.method == "POST" and parts[-1] == "confirm":
        return await _confirm(standin, call, parts[0])
    if call.method == "POST" and parts[-1] == "cancel":
        return await _cancel(standin, call, parts[0])
    if call.method == "GET" and parts == [""]:
        return await _list(standin, call)
    status, found = await standin.inner.ask(call.method, call.path, call.key, {})
    return (status, payment_intent(found, standin.state)) if status == 200 else (status, found)


async def retrieve(standin: Standin, intent: str, key: str) -> Json:
    _, found = await standin.inner.ask("GET", f"/v1/payment_intents/{intent}", key)
    return payment_intent(found, standin.state)


async def _create(standin: Standin, call: Call) -> Answer:
    form = call.form
    if int(form.get("amount", "0") or 0) < 50:
        return error(
            400, "invalid_request_error", "Amount must be at least $0.50 usd", code="amount_too_small", param="amount"
        )
    given = {name: value for name, value in form.items() if name in KNOWN and name not in ("confirm", "off_session")}
    status, found = await standin.inner.ask("POST", "/v1/payment_intents", call.key, given)
    if status != 200:
        return status, found
    standin.state.intents[found["id"]] = {"description": form.get("description")}
    if form.get("confirm") != "true":
        return 200, payment_intent(found, standin.state)
    off_session = form.get("off_session") == "true"
    return await _try(standin, call, found["id"], off_session=off_session)


async def _try(standin: Standin, call: Call, intent: str, *, off_session: bool) -> Answer:
    """Confirm at localstripe for the first time."""
    state = standin.state
    status, found = await standin.inner.ask("POST", f"/v1/payment_intents/{intent}/confirm", call.key)
    if status == 402:
        return await _declined(standin, call, intent, found["error"])
    if status != 200:
        return status, found
    if found["status"] == "requires_action":
        return await _wants_confirmation(standin, call, intent, off_session=off_session)
    shaped = payment_intent(found, state)
    standin.happened(f"payment_intent.{shaped['status']}", shaped)
    return 200, shaped


async def _wants_confirmation(standin: Standin, call: Call, intent: str, *, off_session: bool) -> Answer:
    more = standin.state.intents.setdefault(intent, {})
    if off_session:
        more |= {"status": "requires_payment_method", "next_action": None, "last_payment_error": NEEDS_CONFIRMATION}
        shaped = await retrieve(standin, intent, call.key)
        more["_payment_method"] = shaped["payment_method"]
        shaped["last_payment_error"] = NEEDS_CONFIRMATION | {"payment_method": {"id": shaped["payment_method"]}}
        standin.happened("payment_intent.payment_failed", shaped)
        return 402, {"error": NEEDS_CONFIRMATION | {"payment_intent": shaped}}
    back = call.form.get("return_url")
    if not back:
        return error(400, "invalid_request_error", "A return_url must be specified", param="return_url")
    action: dict[str, Any] = {"return_url": back, "url": f"{call.base}/3ds/{intent}"}
    more |= {
        "status": "requires_action",
        "last_payment_error": None,
        "next_action": {"type": "redirect_to_url", "redirect_to_url": action},
        "_key": call.key,
    }
    shaped = await retrieve(standin, intent, call.key)
    standin.happened("payment_intent.requires_action", shaped)
    return 200, shaped


async def _declined(standin: Standin, call: Call, intent: str, found: Json) -> Answer:
    shaped = await retrieve(standin, intent, call.key)
    shaped["status"] = "requires_payment_method"
    standin.happened("payment_intent.payment_failed", shaped)
    return 402, {"error": card_error(found) | {"payment_intent": shaped}}


async def _confirm(standin: Standin, call: Call, intent: str) -> Answer:
    """On-session: an intent that waits for its owner goes to the bank's page."""
    shaped = await retrieve(standin, intent, call.key)
    more = standin.state.intents.get(intent, {})
    wants_owner = shaped["status"] == "requires_payment_method" and more.get("last_payment_error")
    if wants_owner or shaped["status"] == "requires_action":
        return await _wants_confirmation(standin, call, intent, off_session=False)
    if shaped["status"] != "requires_confirmation":
        message = f"This PaymentIntent's status is {shaped['status']}"
        return error(
            400, "invalid_request_error", message, code="payment_intent_unexpected_state", payment_intent=shaped
        )
    return await _try(standin, call, intent, off_session=call.form.get("off_session") == "true")


async def authenticated(standin: Standin, intent: str, *, success: bool) -> Json:
    """The bank's page was answered. The intent, and an event of how it ended."""
    more = standin.state.intents[intent]
    key = more.get("_key", "sk_test_hosted")
    _, found = await standin.inner.ask("GET", f"/v1/payment_intents/{intent}", key)
    for name in ("status", "next_action", "last_payment_error"):
        more.pop(name, None)
    path = f"/v1/payment_intents/{intent}/_authenticate"
    await standin.inner.ask("POST", path, key, {"client_secret": found["client_secret"], "success": success})
    shaped = await retrieve(standin, intent, key)
    is_done = shaped["status"] == "succeeded"
    standin.happened("payment_intent.succeeded" if is_done else "payment_intent.payment_failed", shaped)
    return shaped


async def _cancel(standin: Standin, call: Call, intent: str) -> Answer:
    status, found = await standin.inner.ask("POST", f"/v1/payment_intents/{intent}/cancel", call.key)
    if status != 200:
        shaped = await retrieve(standin, intent, call.key)
        message = f"You cannot cancel this PaymentIntent because it has a status of {shaped.get('status')}."
        return error(400, "invalid_request_error", message, code="payment_intent_unexpected_state")
    more = standin.state.intents.get(intent, {})
    for name in ("status", "next_action"):
        more.pop(name, None)
    shaped = payment_intent(found, standin.state)
    standin.happened("payment_intent.canceled", shaped)
    return 200, shaped


async def _list(standin: Standin, call: Call) -> Answer:
    """Newest first, of one customer. https://docs.stripe.com/api/payment_intents/list"""
    status, found = await standin.inner.ask("GET", "/v1/payment_intents", call.key, {"limit": "100"})
    if status != 200:
        return status, found
    shaped = [payment_intent(one, standin.state) for one in found["data"]]
    since = int(call.form.get("created", {}).get("gte", 0))
    mine = [one for one in shaped if call.form.get("customer") in (None, one["customer"]) and one["created"] >= since]
    mine.sort(key=lambda one: -int(one["created"]))
    return 200, {"object": "list", "url": "/v1/payment_intents", "has_more": False, "data": mine}
