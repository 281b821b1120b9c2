"""Objects as Stripe documents them, completed from localstripe's older ones."""

from __future__ import annotations

from urllib.parse import parse_qsl

from .state import Json, State

BRANDS = {"4": "visa", "5": "mastercard", "2": "mastercard", "3": "amex", "6": "discover"}


def unflatten(form: str) -> Json:
    """metadata[payment]=1&expand[0]=customer as nested dicts and lists."""
    found: Json = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        parts = name.replace("]", "").split("[")
        place = found
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return _lists(found)


def _lists(value: Json) -> Json:
    for name, inner in value.items():
        if isinstance(inner, dict):
            inner = _lists(inner)
            is_list = bool(inner) and all(part.isdigit() or part == "" for part in inner)
            value[name] = list(inner.values()) if is_list else inner
    return value


def error(status: int, kind: str, message: str, **more: object) -> tuple[int, Json]:
    return status, {"error": {"type": kind, "message": message, **more}}


def payment_method(found: Json, state: State) -> Json:
    details = found.get("billing_details") or {}
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")) | (
        details.get("address") or {}
    )
    card = {"brand": "visa", "checks": None, "display_brand": None, "generated_from": None, "networks": None} | {
        **found["card"],
        "brand": state.brands.get(found["id"], "visa"),
        "wallet": None,
    }
    whole = {"email": None, "name": None, "phone": None, "tax_id": None} | details | {"address": address}
    return found | {"billing_details": whole, "card": card, "allow_redisplay": "unspecified", "livemode": False}


def payment_intent(found: Json, state: State) -> Json:
    """With what we said to somebody about it over what localstripe thinks of it."""
    charge = found.get("latest_charge")
    more = state.intents.get(found["id"], {})
    status = more.get("status", found["status"])
    ours = {name: value for name, value in more.items() if not name.startswith("_")}
    known = {name: value for name, value in found.items() if name not in ("charges", "invoice", "authentication")}
    return (
        known
        | {
            "amount_capturable": 0,
            "amount_received": found["amount"] if status == "succeeded" else 0,
            "canceled_at": found["created"] if status == "canceled" else None,
            "cancellation_reason": None,
            "confirmation_method": "automatic",
            "description": None,
            "latest_charge": charge["id"] if isinstance(charge, dict) else charge,
            "payment_method_types": ["card"],
            "receipt_email": None,
            "setup_future_usage": None,
            "shipping": None,
            "last_payment_error": card_error(found["last_payment_error"]) if found.get("last_payment_error") else None,
        }
        | ours
    )


def card_error(found: Json) -> Json:
    """https://docs.stripe.com/api/errors"""
    code = found.get("code") or "card_declined"
    shaped = {"type": "card_error", "code": code, "message": found.get("message"), "charge": found.get("charge")}
    if code == "card_declined":
        shaped["decline_code"] = found.get("decline_code") or "generic_decline"
    return {name: value for name, value in shaped.items() if value is not None}


def refund(found: Json, payment_intent_id: str | None) -> Json:
    shaped = {name: value for name, value in found.items() if name != "date"}
    return shaped | {
        "payment_intent": found.get("payment_intent") or payment_intent_id,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "transfer_reversal": None,
    }
