"""Stripe's balance and payouts, as Stripe documents them, from what the stand-in knows of payments.

https://docs.stripe.com/api/balance_transactions/object, https://docs.stripe.com/api/payouts/object
"""

from __future__ import annotations

import hashlib
import time

from . import intents
from .api import Call, Standin
from .shapes import error, refund
from .state import Json, new_id

Answer = tuple[int, Json]


async def transactions(standin: Standin, call: Call) -> Answer:
    """`GET /v1/balance_transactions`, by `created[gte]` or `payout`, the newest first; sources whole where asked."""
    since, payout = int(call.form.get("created", {}).get("gte", 0)), call.form.get("payout")
    rows = await _all(standin, call.key)
    paid_in = {row: out["id"] for out in standin.state.payouts.values() for row in out["_rows"]}
    if payout is not None:
        rows = [row for row in rows if paid_in.get(row["id"]) == payout or row["source"]["id"] == payout]
    rows = sorted((row for row in rows if row["created"] >= since), key=lambda row: -row["created"])
    if "data.source" not in call.form.get("expand", []):
        rows = [row | {"source": row["source"]["id"]} for row in rows]
    return 200, {"object": "list", "url": "/v1/balance_transactions", "has_more": False, "data": rows}


async def payouts(standin: Standin, call: Call) -> Answer:
    """`GET /v1/payouts`, by `created[gte]`, and one of them."""
    name = call.path.removeprefix("/v1/payouts").strip("/")
    if name:
        found = standin.state.payouts.get(name)
        return (200, _shown(found)) if found else error(404, "invalid_request_error", "No such payout")
    since = int(call.form.get("created", {}).get("gte", 0))
    data = [_shown(one) for one in standin.state.payouts.values() if one["created"] >= since]
    return 200, {"object": "list", "url": "/v1/payouts", "has_more": False, "data": data[::-1]}


async def pay_out(standin: Standin, given: Json) -> Json:
    """All that was not paid out yet arrives at the bank; `amount` is what it says instead, `status` is `paid`."""
    done = {row for out in standin.state.payouts.values() for row in out["_rows"]}
    rows = [row for row in await _all(standin, "sk_test_control") if row["id"] not in done]
    rows = [row for row in rows if row["type"] != "payout"]
    now = int(time.time())
    found = {
        "id": new_id("po"),
        "object": "payout",
        "amount": given.get("amount", sum(row["net"] for row in rows)),
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": now - now % 86400,
        "automatic": True,
        "balance_transaction": new_id("txn"),
        "created": now,
        "currency": rows[0]["currency"] if rows else "usd",
        "description": "STRIPE PAYOUT",
        "destination": "ba_standin",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": given.get("status", "paid"),
        "type": "bank_account",
        "_rows": [row["id"] for row in rows],
    }
    standin.state.payouts[found["id"]] = found
    standin.state.keep()
    return _shown(found)


def _shown(out: Json) -> Json:
    return {name: value for name, value in out.items() if not name.startswith("_")}


async def _all(standin: Standin, key: str) -> list[Json]:
    """Everything that moved the balance, its sources whole."""
    listed = Call("GET", "/v1/payment_intents", key, {"limit": "100"}, "")
    _, found = await intents.handle(standin, listed)
    paid = [one for one in found["data"] if one["status"] == "succeeded"]
    rows = [_row("charge", _charge(one), one["amount"], fee=one["amount"] * 29 // 1000 + 30) for one in paid]
    _, found = await standin.inner.ask("GET", "/v1/refunds", key, {"limit": "100"})
    intent_of = {one["latest_charge"]: one["id"] for one in paid}
    for one in found["data"]:
        shaped = refund(one, intent_of.get(one.get("charge"))) | standin.state.refunds.get(one["id"], {})
        rows.append(_row("refund", shaped, -one["amount"]))
        if shaped["status"] == "failed":
            rows.append(_row("refund_failure", shaped, one["amount"]))
    for one in standin.state.disputes.values():
        rows.append(_row("adjustment", one, -one["amount"], fee=1500))
        if one["status"] == "won":
            rows.append(_row("adjustment", one, one["amount"], more="won"))
    rows += [_row("payout", _shown(out), -out["amount"]) for out in standin.state.payouts.values()]
    return rows


def _charge(intent: Json) -> Json:
    return {
        "id": intent["latest_charge"],
        "object": "charge",
        "amount": intent["amount"],
        "created": intent["created"],
        "currency": intent["currency"],
        "metadata": intent.get("metadata") or {},
        "payment_intent": intent["id"],
    }


def _row(kind: str, source: Json, amount: int, *, fee: int = 0, more: str = "") -> Json:
    name = hashlib.sha256(f"{kind} {source['id']} {more}".encode()).hexdigest()[:24]
    details = [{"amount": fee, "application": None, "currency": source["currency"], "description": "Stripe fees"}]
    return {
        "id": f"txn_{name}",
        "object": "balance_transaction",
        "amount": amount,
        "available_on": source["created"] + 2 * 86400,
        "balance_type": "payments",
        "created": source["created"],
        "currency": source["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [one | {"type": "stripe_fee"} for one in details] if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if kind == "adjustment" else kind,
        "source": source,
        "status": "available",
        "type": kind,
    }
