"""Work with Stripe: each piece asks outside of any transaction and ends in one command."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from kit import clock
from kit.errors import Refusal

from accounts.commands.people import refuse_unconfirmed
from accounts.models import Account
from accounts.policy import SYSTEM, Actor
from accounts.queries import owner_of
from billing import queries, stripe
from billing.commands import cards, events, payments, reconciling, refunds, reversals
from billing.models import Customer, Payment, Refund, WebhookEvent
from billing.policy import OPEN_PAYMENT, PaymentState, is_abandoned

FIRST_ASK = dt.timedelta(seconds=30)  # after this whoever asks is not the first, and looks before they send again
BACKS_AGE = dt.timedelta(days=120)  # a dispute or a refund may end so long after it began
SENT_WITHIN = dt.timedelta(minutes=20)  # what Stripe knows nothing of by then is given up and never sent again

LATE_BY = dt.timedelta(days=1)  # what moves now may be in one of the two books only
PAYOUT_TAKES = dt.timedelta(days=14)  # from its making to the bank

log = logging.getLogger(__name__)


def customer_for(account: Account, *, by: Actor) -> Customer:
    """The account at Stripe, made there when it is not yet. Raises StripeFailure, Unconfirmed."""
    found = queries.customer_of(account.pk)
    if found is not None:
        return found
    refuse_unconfirmed(account=account)  # nobody tries cards here under an address that is not theirs
    made = stripe.create_customer(account=account.uuid.hex, name=account.name, email=owner_of(account).email)
    return cards.know_customer(account=account, stripe_id=made, by=by)


def take_card(session_id: str, *, account_id: int | None = None, by: Actor = SYSTEM) -> bool:
    """Saves the card that was given on Stripe's page; False while it is not complete, and where the page was another
    account's than `account_id`. Raises StripeFailure."""
    found = stripe.card_of_page(session_id)
    if found is None:
        return False
    if account_id is not None:
        customer = queries.customer_of(account_id)
        if customer is None or customer.stripe_id != found[0]:
            return False
    replaced = cards.save_card(customer_id=found[0], card=found[1], by=by)
    if replaced:
        try:
            stripe.forget_card(replaced)
        except stripe.StripeFailure as failure:
            log.warning("the replaced card %s stays at Stripe: %s", replaced, failure)
    return True


def pay(payment: Payment) -> Payment:
    """Asks Stripe to charge; asked again it is the same charge. The payment as it is after that."""
    customer = queries.customer_of(payment.account_id)
    if customer is None:
        return payments.give_up(payment_id=payment.pk, reason="there is no saved card")
    try:
        outcome = stripe.charge(
            payment=payment.uuid.hex,
            customer=customer.stripe_id,
            card=payment.card_id,
            amount=payment.total,
            return_url=payment.return_url,
            description=f"{'Auto-refill' if payment.is_auto else 'Refill'} of the balance",
        )
    except (stripe.Declined, stripe.NeedsConfirmation) as failure:
        outcome = failure.outcome
    except stripe.Unknown as failure:
        log.warning("payment %s: %s", payment.pk, failure)
        payments.ask_later(payment_id=payment.pk)
        payment.refresh_from_db()
        return payment
    except stripe.StripeFailure as failure:
        log.error("payment %s is refused: %s", payment.pk, failure)
        return payments.give_up(payment_id=payment.pk, reason="the card could not be charged")
    return payments.settle(payment_id=payment.pk, outcome=outcome)


def ask_about(payment: Payment, *, may_send: bool = True) -> Payment:
    """Asks Stripe what became of a payment, and acts on it: for the return page, a webhook and the janitor.

    One whose answer was lost is looked up among its customer's before it is sent again: a key repeats the answer that
    it had, and a 500 with it. One that Stripe keeps knowing nothing of is given up within minutes.
    """
    try:
        if payment.stripe_id:
            return payments.settle(payment_id=payment.pk, outcome=stripe.ask(payment.stripe_id))
        customer = queries.customer_of(payment.account_id)
        outcome = customer and stripe.find(customer=customer.stripe_id, payment=payment.uuid.hex)
    except stripe.StripeFailure as failure:
        log.warning("payment %s: %s", payment.pk, failure)
        payments.ask_later(payment_id=payment.pk)
        payment.refresh_from_db()
        return payment
    if outcome:
        return payments.settle(payment_id=payment.pk, outcome=outcome)
    if not may_send:
        return payments.drop(payment_id=payment.pk)
    if payments.send_again(payment_id=payment.pk):
        return pay(payment)
    payments.ask_later(payment_id=payment.pk)
    payment.refresh_from_db()
    return payment


def janitor(payment_id: int) -> Payment:
    """What is due for an open payment: ask; and cancel one that its owner has not confirmed in time, or that Stripe
    began and does not go on with, whoever wished it: it must stand in nobody's way."""
    payment = ask_about(Payment.objects.get(pk=payment_id))
    since = payment.waits_since or payment.created_at
    is_stuck = payment.state == PaymentState.PENDING and bool(payment.stripe_id)
    if (is_stuck or payment.state == PaymentState.CONFIRMING) and is_abandoned(since, clock.now()):
        return cancel(payment)
    return payment


def give_back(refund: Refund) -> Refund:
    """Asks Stripe for a refund; asked again it is looked for first, and is the same one. As it is after that."""
    intent, key = refund.payment.stripe_id, refund.uuid.hex
    try:
        age = clock.now() - (refund.decided_at or refund.created_at)
        made = stripe.find_refund(intent=intent, key=key) if age > FIRST_ASK else None
        if made is None and age > SENT_WITHIN:
            made = stripe.Refunded("", "Stripe did not answer and knows nothing of it")
        made = made or stripe.refund(intent=intent, amount=refund.amount, key=key)
    except stripe.Unknown as failure:
        log.warning("refund %s: %s", refund.pk, failure)
        return refunds.ask_later(refund_id=refund.pk)
    except stripe.StripeFailure as failure:
        return refunds.settle(refund_id=refund.pk, refused=str(failure))
    return refunds.settle(refund_id=refund.pk, stripe_id=made.id, refused=made.refused)


def confirm_page(payment: Payment, *, return_url: str) -> str:
    """The bank's page for a payment that waits for its owner; empty when there is nothing to confirm any more."""
    outcome = stripe.confirm(intent=payment.stripe_id, card=payment.card_id, return_url=return_url)
    payments.settle(payment_id=payment.pk, outcome=outcome)
    return outcome.confirm_url


def cancel(payment: Payment, *, by: Actor = SYSTEM) -> Payment:
    """Takes an open payment back; what has succeeded meanwhile is credited. Raises StripeFailure."""
    if payment.state not in OPEN_PAYMENT:
        return payment
    if not payment.stripe_id:
        return ask_about(payment, may_send=False)
    return payments.settle(payment_id=payment.pk, outcome=stripe.cancel(payment.stripe_id), by=by)


def handle(event: WebhookEvent) -> str:
    """Does what an event asks for and says in a word what that was. Raises StripeFailure: it is handled later."""
    try:
        result = _news(event.type, event.thing)
    except Refusal as refusal:
        log.error("event %s: %s", event.stripe_id, refusal)
        result = refusal.message
    events.mark_handled(event_id=event.stripe_id, result=result)
    return result


def _news(kind: str, thing: dict[str, Any]) -> str:
    intent = _intent_of(thing)
    if intent:
        is_payment = thing.get("object") == "payment_intent"
        return _news_of_money(intent, (thing.get("metadata") or {}).get("payment", ""), is_payment=is_payment)
    if kind == "checkout.session.completed" and thing.get("mode") == "setup":
        return "card saved" if take_card(thing["id"]) else "no card yet"
    if kind == "payment_method.detached":
        cards.lose_card(card_id=thing["id"], by=SYSTEM)
        return "card gone"
    if kind in ("payment_method.updated", "payment_method.automatically_updated") and thing.get("card"):
        cards.update_card(card=stripe.read_card(thing))
        return "card updated"
    return "nothing to do"


def _payment_of(intent: str | None, key: str = "") -> Payment | None:
    found = Payment.objects.filter(stripe_id=intent).first() if intent else None
    if found is None and len(key) == 32:
        found = Payment.objects.filter(uuid=key).first()
    return found


def _intent_of(thing: dict[str, Any]) -> str:
    """The payment intent of an event, whatever its kind and API version: a payment, a charge, a refund, a dispute."""
    intent = thing["id"] if thing.get("object") == "payment_intent" else thing.get("payment_intent")
    return str(intent["id"] if isinstance(intent, dict) else intent or "")


def _news_of_money(intent: str, key: str, *, is_payment: bool) -> str:
    """An event only says that something happened: Stripe is asked what is true of the payment now. Where a payment
    itself does not name one of ours, there is nothing to ask."""
    payment = _payment_of(intent, key)
    if payment is None and is_payment:
        return "not a payment of ours"
    if payment is None:
        try:
            outcome = stripe.ask(intent)
        except stripe.OtherCurrency:
            return "not in our currency"
        payment = _payment_of(None, outcome.payment)
        if payment is None:
            return "not a payment of ours"
    else:
        outcome = stripe.ask(intent)
    return settle_all(payment, outcome)


def settle_all(payment: Payment, outcome: stripe.Outcome) -> str:
    """A payment as Stripe knows it, and each refund and dispute of it, each posted once. Raises StripeFailure."""
    payment = payments.settle(payment_id=payment.pk, outcome=outcome)
    said = f"payment {payment.pk} {payment.state}"
    if payment.state != PaymentState.SUCCEEDED:
        return said
    backs = stripe.backs_of(outcome.intent)
    for back in backs:
        reversals.agree(
            payment_id=payment.pk,
            stripe_id=back.id,
            kind=back.kind,
            amount=back.amount,
            is_gone=back.is_gone,
            was_gone=back.was_gone,
        )
    return said + (f", {len(backs)} back" if backs else "")


def reconcile(*, since: dt.datetime) -> None:
    """Stripe's balance and its payouts since then beside our ledger. Raises StripeFailure. Harmless twice."""
    reconciling.keep_movements(moved=list(stripe.movements(since=since - LATE_BY)))
    for out in list(stripe.payouts(since=since - PAYOUT_TAKES)):
        payout = reconciling.keep_payout(out=out)
        if out.status == "paid" and out.is_automatic and payout.summed is None:
            reconciling.keep_movements(moved=list(stripe.movements(payout=out.id)), payout_id=out.id)
            reconciling.compare_payout(payout_id=payout.pk)
    reconciling.find_missing(since=since, until=clock.now() - LATE_BY)


def compare(*, since: dt.datetime) -> tuple[int, int]:
    """Everything that moved at Stripe since then beside our books: how many movements, and how many that no event had
    told of. Those are settled. Raises StripeFailure."""
    looked = found = 0
    for intent, outcome, back in stripe.moved_since(intents=since, backs=since - BACKS_AGE):
        looked += 1
        payment = _payment_of(intent, outcome.payment if outcome else "")
        if payment is None or queries.agrees(
            payment, back_id=back.id if back else "", is_gone=bool(back and back.is_gone)
        ):
            continue
        try:
            settle_all(payment, stripe.ask(intent))
        except Refusal as refusal:
            log.error("payment %s differs from Stripe's: %s", payment.pk, refusal)
            continue
        log.warning("payment %s was not as Stripe has it, and is now", payment.pk)
        found += 1
    return looked, found
