"""Checkout sessions in setup mode, which localstripe has not. https://docs.stripe.com/api/checkout/sessions"""

from __future__ import annotations

import time

from .api import Call, Standin
from .shapes import BRANDS, error, payment_method
from .state import Json, new_id

Answer = tuple[int, Json]
LIFE = 24 * 3600


async def handle(standin: Standin, call: Call) -> Answer:
    parts = call.path.removeprefix("/v1/checkout/sessions").strip("/").split("/")
    if call.method == "POST" and parts == [""]:
        return await _create(standin, call)
    found = standin.state.sessions.get(parts[0])
    if found is None:
        return error(404, "invalid_request_error", f"No such checkout.session: {parts[0]}", code="resource_missing")
    return 200, await _expanded(standin, call, found)


async def _create(standin: Standin, call: Call) -> Answer:
    form = call.form
    if form.get("mode") != "setup":
        return error(400, "invalid_request_error", "The stand-in knows the mode setup only", param="mode")
    for name in ("success_url", "customer"):
        if not form.get(name):
            return error(400, "invalid_request_error", f"Missing required param: {name}.", param=name)
    status, intent = await standin.inner.ask("POST", "/v1/setup_intents", call.key, {"customer": form["customer"]})
    if status != 200:
        return status, intent
    now = int(time.time())
    name = new_id("cs_test")
    found: Json = {
        "id": name,
        "object": "checkout.session",
        "amount_subtotal": None,
        "amount_total": None,
        "billing_address_collection": form.get("billing_address_collection"),
        "cancel_url": form.get("cancel_url"),
        "client_reference_id": form.get("client_reference_id"),
        "created": now,
        "currency": form.get("currency"),
        "customer": form["customer"],
        "customer_email": None,
        "expires_at": now + LIFE,
        "livemode": False,
        "locale": None,
        "metadata": form.get("metadata") or {},
        "mode": "setup",
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required",
        "setup_intent": intent["id"],
        "status": "open",
        "success_url": form["success_url"],
        "ui_mode": "hosted_page",
        "url": f"{call.base}/c/pay/{name}",
        "_key": call.key,
    }
    standin.state.sessions[name] = found
    standin.state.keep()
    return 200, shown(found)


def shown(found: Json) -> Json:
    return {name: value for name, value in found.items() if not name.startswith("_")}


async def _expanded(standin: Standin, call: Call, found: Json) -> Json:
    wanted = call.form.get("expand") or []
    answer = shown(found)
    if "setup_intent" in wanted or "setup_intent.payment_method" in wanted:
        path = f"/v1/setup_intents/{found['setup_intent']}"
        _, intent = await setup_intents(standin, Call("GET", path, call.key, {}, call.base))
        if "setup_intent.payment_method" in wanted and intent["payment_method"]:
            _, method = await standin.inner.ask("GET", f"/v1/payment_methods/{intent['payment_method']}", call.key)
            intent["payment_method"] = payment_method(method, standin.state)
        answer["setup_intent"] = intent
    return answer


async def setup_intents(standin: Standin, call: Call) -> Answer:
    status, found = await standin.inner.ask(call.method, call.path, call.key, call.form)
    if status != 200:
        return status, found
    more = {"application": None, "cancellation_reason": None, "description": None, "last_setup_error": None}
    return 200, more | found


async def fill_in(standin: Standin, name: str, given: Json) -> str:
    """A person gave a card on the hosted page: what is wrong with it, or nothing. Then see whether it is complete."""
    found = standin.state.sessions[name]
    key = found["_key"]
    number = "".join(part for part in given.get("number", "") if part.isdigit())
    month, _, year = given.get("expiry", "").partition("/")
    try:
        expiry = (2000 + int(year) % 100, int(month))
    except ValueError:
        return "Your card's expiration date is incomplete."
    now = time.gmtime()
    if expiry < (now.tm_year, now.tm_mon) or not 1 <= expiry[1] <= 12:
        return "Your card's expiration date is in the past."
    address = {part: given.get(part) or None for part in ("line1", "city", "state", "postal_code", "country")}
    status, method = await standin.inner.ask(
        "POST",
        "/v1/payment_methods",
        key,
        {
            "type": "card",
            "card": {"number": number, "exp_month": expiry[1], "exp_year": expiry[0], "cvc": given.get("cvc", "")},
            "billing_details": {"name": given.get("name"), "address": address},
        },
    )
    if status != 200:
        return "Your card number or security code is not valid."
    standin.state.brands[method["id"]] = BRANDS.get(number[:1], "unknown")
    path = f"/v1/setup_intents/{found['setup_intent']}"
    status, intent = await standin.inner.ask("POST", f"{path}/confirm", key, {"payment_method": method["id"]})
    if status != 200:
        _, fresh = await standin.inner.ask("POST", "/v1/setup_intents", key, {"customer": found["customer"]})
        found["setup_intent"] = fresh["id"]
        return str(intent["error"].get("message", "Your card was declined."))
    found["_method"] = method["id"]
    found["_waits"] = intent["status"] == "requires_action"
    if not found["_waits"]:
        await complete(standin, name)
    return ""


async def complete(standin: Standin, name: str) -> None:
    """The card is attached to its customer, and everybody hears of it."""
    found = standin.state.sessions[name]
    key, method = found["_key"], found["_method"]
    path = f"/v1/setup_intents/{found['setup_intent']}"
    if found["_waits"]:
        await standin.inner.ask("POST", f"{path}/confirm", key)
    await standin.inner.ask("POST", f"/v1/payment_methods/{method}/attach", key, {"customer": found["customer"]})
    found |= {"status": "complete", "_waits": False}
    _, intent = await standin.inner.ask("GET", path, key)
    standin.happened("setup_intent.succeeded", intent)
    standin.happened("checkout.session.completed", shown(found))
