"""The stand-in answers as Stripe documents: keys, errors, and objects of the shape that the SDK declares."""

from __future__ import annotations

import contextlib
import sys
import typing
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args, get_origin

import pytest
import stripe
from stripe_proxy import Running

from tests.tills import (
    DECLINED,
    GOOD,
    SECURE,
    stripe_server_fixture,  # noqa: F401
)


@pytest.fixture
def client(stripe_server: Running) -> stripe.StripeClient:
    http = stripe.HTTPXClient(timeout=20, allow_sync_methods=True)
    return stripe.StripeClient(stripe_server.key, base_addresses={"api": stripe_server.url}, http_client=http)


def saved(client: stripe.StripeClient, server: Running, number: str) -> tuple[str, Any]:
    customer = client.v1.customers.create({"name": "Acme"}).id
    asked: Any = {"mode": "setup", "customer": customer, "currency": "usd", "cancel_url": "http://x/"}
    session = client.v1.checkout.sessions.create(asked | {"success_url": "http://x/?s={CHECKOUT_SESSION_ID}"})
    assert server.fill_in(str(session.url), number) == f"http://x/?s={session.id}"
    found: Any = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent.payment_method"]})
    return customer, found


def charge(client: stripe.StripeClient, customer: str, card: str, key: str, **more: Any) -> Any:
    asked: Any = {"amount": 5000, "currency": "usd", "customer": customer, "payment_method": card, "confirm": True}
    return client.v1.payment_intents.create(asked | more, {"idempotency_key": key})


def declared_fields(declared: type) -> dict[str, Any]:
    """What the SDK declares of a class, but for fields whose types only its type checker sees."""
    hints = {}
    scope = {**vars(sys.modules[declared.__module__]), **vars(declared)}
    for name, hint in declared.__annotations__.items():
        with contextlib.suppress(NameError, TypeError, AttributeError):
            hints[name] = eval(hint, scope) if isinstance(hint, str) else hint
    return hints


def misfits(thing: Any, declared: type) -> list[str]:
    """Fields of an object whose values are not what the SDK's class declares."""
    return [
        f"{declared.__name__}.{name} = {thing[name]!r}"
        for name, hint in declared_fields(declared).items()
        if name in thing and not _fits(thing[name], hint)
    ]


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is typing.Literal:
        return value in get_args(hint)
    if origin is typing.Union:
        return any(_fits(value, one) for one in get_args(hint))
    if hint in (str, int, bool, type(None)):
        return type(value) is hint
    return True


def test_objects_have_the_shape_that_the_sdk_declares(client: stripe.StripeClient, stripe_server: Running) -> None:
    customer, session = saved(client, stripe_server, GOOD)
    card = session.setup_intent.payment_method
    intent = charge(client, customer, card.id, "shape-1")
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    dispute = stripe_server.control("POST", "disputes", {"payment_intent": intent.id})
    checked: list[tuple[Any, type]] = [
        (session.to_dict(), stripe.checkout.Session),
        (session.setup_intent.to_dict(), stripe.SetupIntent),
        (card.to_dict(), stripe.PaymentMethod),
        (card.card.to_dict(), stripe.PaymentMethod.Card),
        (intent.to_dict(), stripe.PaymentIntent),
        (refund.to_dict(), stripe.Refund),
        (dispute, stripe.Dispute),
        (stripe_server.events()[-1], stripe.Event),
    ]
    assert [misfit for thing, declared in checked for misfit in misfits(thing, declared)] == []
    assert len(misfits({"status": 7, "amount": "5", "livemode": 0}, stripe.PaymentIntent)) == 3
    seen = {declared.__name__: len(set(declared_fields(declared)) & set(thing)) for thing, declared in checked}
    assert min(seen.values()) >= 5, seen


def test_one_key_is_one_charge_and_its_first_answer(client: stripe.StripeClient, stripe_server: Running) -> None:
    customer, session = saved(client, stripe_server, GOOD)
    card = session.setup_intent.payment_method.id
    first, again = (charge(client, customer, card, "once-1") for _ in range(2))
    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError, match="parameters"):
        charge(client, customer, card, "once-1", amount=6000)


def test_a_decline_is_402_with_its_intent_and_stays_so_for_its_key(
    client: stripe.StripeClient, stripe_server: Running
) -> None:
    customer, session = saved(client, stripe_server, DECLINED)
    card = session.setup_intent.payment_method.id
    intents = set()
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            charge(client, customer, card, "declined-1")
        error: Any = caught.value.error
        assert (caught.value.http_status, error.code, error.decline_code) == (402, "card_declined", "generic_decline")
        assert error.payment_intent.status == "requires_payment_method"
        intents.add(error.payment_intent.id)
    assert len(intents) == 1


def test_3d_secure_off_session_is_402_authentication_required(
    client: stripe.StripeClient, stripe_server: Running
) -> None:
    customer, session = saved(client, stripe_server, SECURE)
    card = session.setup_intent.payment_method.id
    with pytest.raises(stripe.CardError) as caught:
        charge(client, customer, card, "secure-1", off_session=True)
    error: Any = caught.value.error
    assert (caught.value.http_status, caught.value.code) == (402, "authentication_required")
    assert error.payment_intent.last_payment_error.code == "authentication_required"
    waiting = client.v1.payment_intents.confirm(
        error.payment_intent.id, {"payment_method": card, "return_url": "http://x/b"}
    )
    url = waiting.next_action.redirect_to_url.url  # type: ignore[union-attr]
    assert stripe_server.confirm(str(url)).startswith("http://x/b?payment_intent=")
    assert client.v1.payment_intents.retrieve(waiting.id).status == "succeeded"


def test_without_a_key_nothing_is_said(stripe_server: Running) -> None:
    bad = stripe.StripeClient("nonsense", base_addresses={"api": stripe_server.url})
    with pytest.raises(stripe.AuthenticationError):
        bad.v1.customers.list()


def test_a_webhook_is_sent_again_until_it_is_taken() -> None:
    import asyncio

    from stripe_proxy import events
    from stripe_proxy.state import State

    state, answers, seen = State(), [500, 500, 200], []

    class Deliveries(events.Deliveries):
        async def _deliver(self, http: Any, event: Any) -> bool:
            seen.append(event["id"])
            return answers.pop(0) == 200

    async def deliver() -> None:
        sender = Deliveries(state, "http://127.0.0.1:9/", "whsec")
        state.event("payment_intent.succeeded", {"id": "pi_1"}, api_version="x")
        task = asyncio.create_task(sender.run())
        while state.undelivered:
            await asyncio.sleep(0.02)
        task.cancel()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "PAUSES", (0.0, 0.05, 0.05))
        with ThreadPoolExecutor(1) as own_loop:  # a browser test before may have left one running in this thread
            own_loop.submit(lambda: asyncio.run(asyncio.wait_for(deliver(), 10))).result()
    assert len(seen) == 3
    assert len(set(seen)) == 1
