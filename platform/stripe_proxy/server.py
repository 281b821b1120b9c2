"""The HTTP application: Stripe's API for what a wallet needs, the hosted pages, and a few control calls for tests."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import balances, intents, pages, sessions
from .api import Call, Standin
from .events import Deliveries
from .inner import Inner
from .shapes import error, payment_method, refund, unflatten
from .state import Json, State, new_id

_BROKEN: tuple[int, Json] = error(500, "api_error", "An error occurred on our end.")
KEEP_ANSWERS = 24 * 3600  # seconds. https://docs.stripe.com/api/idempotent_requests
Answer = tuple[int, Json]


def application(state: State, *, kept: Path | None = None, webhook: str = "", secret: str = "") -> Starlette:
    """The app; localstripe runs inside for as long as it does."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with tempfile.TemporaryDirectory(prefix="stripe-") as folder:
            inner = Inner(Path(folder) / "s", kept)
            await inner.start()
            deliveries = Deliveries(state, webhook, secret)
            app.state.standin = Standin(state, inner, deliveries)
            sender = asyncio.create_task(deliveries.run())
            try:
                yield
            finally:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)
                await inner.stop()

    return Starlette(
        routes=[
            Route("/", _front),
            Route("/v1/{path:path}", _api, methods=["GET", "POST", "DELETE"]),
            *pages.routes(),
            Route("/_proxy/{what}", _control, methods=["GET", "POST"]),
        ],
        lifespan=lifespan,
    )


async def _front(_request: Request) -> Response:
    return JSONResponse({"stands_in_for": "Stripe"})


async def _api(request: Request) -> Response:
    standin: Standin = request.app.state.standin
    body = (await request.body()).decode()
    header = request.headers.get("authorization", "")
    key = header.removeprefix("Bearer ")
    if not key.startswith(("sk_", "rk_")):
        return _json(*error(401, "invalid_request_error", "You did not provide an API key."))
    form = unflatten(str(request.url.query) if request.method == "GET" else body)
    call = Call(request.method, request.url.path, key, form, str(request.base_url).rstrip("/"))
    idempotency_key = request.headers.get("idempotency-key", "")
    fault = standin.state.faults.pop(0) if request.method == "POST" and standin.state.faults else ""
    if fault == "down":
        return _json(*error(503, "api_error", "Stripe is down."))
    if request.method == "POST" and idempotency_key:
        status, answer, replayed = await _once(standin, call, idempotency_key, body, fault)
    else:
        (status, answer), replayed = await _carry_out(standin, call), False
    if fault == "lost":
        return _json(504, {"error": {"type": "api_error", "message": "The answer is lost."}})
    standin.deliveries.ring()
    return _json(status, answer, replayed=replayed)


def _json(status: int, answer: Json, *, replayed: bool = False) -> Response:
    headers = {"Request-Id": new_id("req"), "Stripe-Should-Retry": "false"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return JSONResponse(answer, status_code=status, headers=headers)


async def _once(standin: Standin, call: Call, key: str, body: str, fault: str) -> tuple[int, Json, bool]:
    """The first answer to this key, again: whatever it was, a 500 too, for as long as the parameters are the same.

    `broken`: it breaks before anything is done; `broken-after`: when all is done. Either way 500 is the answer kept.
    """
    state = standin.state
    now = time.time()
    asked = hashlib.sha256(f"{call.path}\n{body}".encode()).hexdigest()
    kept = state.answers.get(key)
    if kept and kept["at"] < now - KEEP_ANSWERS:
        kept = None
    if kept and kept["asked"] != asked:
        message = (
            f"Keys for idempotent requests can only be used with the same parameters they were first used with: {key}"
        )
        return *error(400, "idempotency_error", message), False
    if kept and kept["status"] is None:
        message = "There is currently another in-progress request using this key."
        return *error(409, "idempotency_error", message, code="idempotency_key_in_use"), False
    if kept:
        return kept["status"], kept["answer"], True
    state.answers[key] = {"at": now, "asked": asked, "status": None, "answer": None}
    try:
        if fault == "broken":
            status, answer = _BROKEN
        else:
            status, answer = await _carry_out(standin, call)
            status, answer = _BROKEN if fault == "broken-after" else (status, answer)
    except BaseException:
        state.answers.pop(key, None)
        raise
    if status in (400, 401, 404):  # refused before anything began: not kept
        state.answers.pop(key, None)
    else:
        state.answers[key] |= {"status": status, "answer": answer}
    state.keep()
    return status, answer, False


Handler = Callable[[Standin, Call], Awaitable[Answer]]


async def _carry_out(standin: Standin, call: Call) -> Answer:
    parts = call.path.removeprefix("/v1/").strip("/").split("/")
    handlers: dict[str, Handler] = {
        "checkout": sessions.handle,
        "payment_intents": intents.handle,
        "refunds": _refunds,
        "payment_methods": _payment_methods,
        "setup_intents": sessions.setup_intents,
        "disputes": _disputes,
        "balance_transactions": balances.transactions,
        "payouts": balances.payouts,
    }
    handler = handlers.get(parts[0], _forward)
    return await handler(standin, call)


async def _forward(standin: Standin, call: Call) -> Answer:
    return await standin.inner.ask(call.method, call.path, call.key, call.form)


async def _payment_methods(standin: Standin, call: Call) -> Answer:
    status, found = await standin.inner.ask(call.method, call.path, call.key, call.form)
    if status != 200:
        return status, found
    if found.get("object") == "list":
        return status, found | {"data": [payment_method(one, standin.state) for one in found["data"]]}
    found = payment_method(found, standin.state)
    if call.path.endswith("/detach"):
        standin.happened("payment_method.detached", found)
    return status, found


async def _refunds(standin: Standin, call: Call) -> Answer:
    given = {name: value for name, value in call.form.items() if name not in ("reason", "created")}
    status, found = await standin.inner.ask(call.method, call.path, call.key, given)
    if status != 200:
        return status, found
    later = standin.state.refunds
    if found.get("object") == "list":
        made = [refund(one, call.form.get("payment_intent")) | later.get(one["id"], {}) for one in found["data"]]
        return status, found | {"data": [one for one in made if _is_since(one, call)]}
    shaped = refund(found, call.form.get("payment_intent")) | later.get(found["id"], {})
    if call.method == "POST":
        standin.happened("refund.created", shaped)
    return status, shaped


def _is_since(thing: Json, call: Call) -> bool:
    """The filter `created[gte]` of every list."""
    since = call.form.get("created", {})
    return int(thing["created"]) >= int(since.get("gte", 0))


async def _disputes(standin: Standin, call: Call) -> Answer:
    if call.path.rstrip("/").endswith("/disputes"):
        intent = call.form.get("payment_intent")
        made = [one for one in standin.state.disputes.values() if intent in (None, one["payment_intent"])]
        data = [one for one in made if _is_since(one, call)]
        return 200, {"object": "list", "url": "/v1/disputes", "has_more": False, "data": data}
    found = standin.state.disputes.get(call.path.rsplit("/", 1)[-1])
    return (200, found) if found else error(404, "invalid_request_error", "No such dispute")


async def _control(request: Request) -> Response:
    """What tests tell the stand-in: faults, disputes; and the events that happened."""
    standin: Standin = request.app.state.standin
    what = request.path_params["what"]
    given: Json = await request.json() if await request.body() else {}
    if what == "events":
        return JSONResponse({"events": standin.state.events})
    if what == "forget":
        standin.state.events.clear()
        standin.state.undelivered.clear()
        standin.state.faults.clear()
        return JSONResponse({})
    if what == "faults":
        standin.state.faults = list(given["next"])
        return JSONResponse({"next": standin.state.faults})
    if what == "refunds":
        return JSONResponse(await _refund_ends(standin, given))
    if what == "disputes":
        return JSONResponse(await _dispute(standin, given))
    if what == "payouts":
        return JSONResponse(await balances.pay_out(standin, given))
    return JSONResponse({"error": f"no control {what}"}, status_code=404)


async def _refund_ends(standin: Standin, given: Json) -> Json:
    """A bank does not take a refund, days later. https://docs.stripe.com/refunds#failed-refunds"""
    later = {"status": given["status"], "failure_reason": "lost_or_stolen_card"}
    standin.state.refunds[given["id"]] = later
    _, found = await standin.inner.ask("GET", f"/v1/refunds/{given['id']}", "sk_test_control")
    shaped = refund(found, None) | later
    standin.happened("refund.failed", shaped)
    return shaped


async def _dispute(standin: Standin, given: Json) -> Json:
    """A cardholder disputes a payment, or a dispute is decided. https://docs.stripe.com/disputes/how-disputes-work"""
    state = standin.state
    if "id" in given:
        found = state.disputes[given["id"]]
        found["status"] = given["status"]
        if given["status"] == "won":
            standin.happened("charge.dispute.funds_reinstated", dict(found))
        standin.happened("charge.dispute.closed", dict(found))
        return found
    key = "sk_test_control"
    intent = await intents.retrieve(standin, given["payment_intent"], key)
    found = {
        "id": new_id("dp"),
        "object": "dispute",
        "amount": intent["amount"],
        "balance_transactions": [],
        "charge": intent["latest_charge"],
        "created": int(time.time()),
        "currency": intent["currency"],
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": intent["id"],
        "reason": "fraudulent",
        "status": "needs_response",
    }
    state.disputes[found["id"]] = found
    standin.happened("charge.dispute.created", dict(found))
    standin.happened("charge.dispute.funds_withdrawn", dict(found))
    return found
