"""SIM cards that are asked for: kept as a request that the back office answers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from kit import clock
from kit.errors import Invalid, NotFound, Refusal

from accounts.commands import record
from accounts.commands.testing import refuse_test
from accounts.models import Account
from accounts.policy import Actor
from billing.commands.notices import tell
from billing.policy.notices import Kind
from billing.words import Told
from lines.models import Order, RatePlan
from lines.policy import MOST_ORDERED, STORE_SELLS, OrderState

MOST_OPEN = 20  # of one account: nobody means more, and a script must not fill the desk of those who answer


class OrderEnded(Refusal):
    """The request was answered or withdrawn already."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the contact form asks."""

    quantity: int
    contact: str
    email: str
    address: str
    phone: str = ""
    message: str = ""
    plan: RatePlan | None = None


@transaction.atomic
def ask_for_cards(*, account: Account, wish: Wish, key: uuid.UUID, by: Actor) -> Order:
    """Keeps a request. The same key again is the same request. Raises Invalid, Refusal."""
    if account.is_subaccount:
        raise Refusal(f"{account.name} is a sub-account; its main account orders SIM cards")
    refuse_test(account=account, what="SIM cards are ordered from the live account.")
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    before = Order.objects.filter(uuid=key).first()
    if before is not None:
        if before.account_id != account.pk:
            raise Invalid("This form was sent already; load the page again")
        return before
    _check(wish)
    if Order.objects.filter(account=account, state=OrderState.OPEN).count() >= MOST_OPEN:
        raise Refusal(f"{MOST_OPEN} requests are open; wait for an answer, or withdraw one")
    order = Order.objects.create(
        account=account,
        uuid=key,
        quantity=wish.quantity,
        plan=wish.plan,
        contact=wish.contact.strip(),
        email=wish.email.strip(),
        phone=wish.phone.strip(),
        address=wish.address.strip(),
        message=wish.message.strip(),
        by=by.name,
    )
    detail = {"quantity": order.quantity, "plan": wish.plan.name if wish.plan else None}
    record(by=by, verb="order.asked", account_id=account.pk, subject=f"order:{order.pk}", detail=detail)
    return order


def _check(wish: Wish) -> None:
    if not STORE_SELLS < wish.quantity <= MOST_ORDERED:
        raise Invalid(
            f"Ask here for {STORE_SELLS + 1} to {MOST_ORDERED:,} SIM cards; the store sells 1 to {STORE_SELLS}"
        )
    if not wish.contact.strip() or not wish.address.strip():
        raise Invalid("Say who is to be answered, and where the SIM cards go")
    try:
        validate_email(wish.email.strip())
    except ValidationError:
        raise Invalid(f"{wish.email!r} is not a mail address") from None
    for text, most in ((wish.contact, 150), (wish.phone, 40), (wish.address, 500), (wish.message, 2000)):
        if len(text) > most or "\0" in text:
            raise Invalid(f"“{text[:20]}…” is too long: {most} characters are the most")


@transaction.atomic
def withdraw_order(*, account: Account, key: uuid.UUID, by: Actor) -> Order:
    """Takes an open request back; harmless twice. Raises NotFound, OrderEnded."""
    order = Order.objects.select_for_update().filter(account=account, uuid=key).first()
    if order is None:
        raise NotFound("There is no such request")
    if order.state == OrderState.ANSWERED:
        raise OrderEnded("This request was answered already; write to whoever answered it")
    if order.state == OrderState.OPEN:
        order.state = OrderState.WITHDRAWN
        order.save(update_fields=["state"])
        record(by=by, verb="order.withdrawn", account_id=account.pk, subject=f"order:{order.pk}")
    return order


@transaction.atomic
def answer_order(*, order_id: int, answer: str, by: Actor) -> Order:
    """Answers an open request: it is read in the console and mailed to who asked. Raises Invalid, OrderEnded."""
    order = Order.objects.select_for_update().get(pk=order_id)
    answer = answer.strip()
    if not answer or len(answer) > 2000:
        raise Invalid("An answer has 1 to 2,000 characters")
    if order.state != OrderState.OPEN:
        raise OrderEnded(f"The request is {order.state} already; reload to see by whom")
    order.state, order.answer = OrderState.ANSWERED, answer
    order.answered_by, order.answered_at = by.name, clock.now()
    order.save(update_fields=["state", "answer", "answered_by", "answered_at"])
    record(by=by, verb="order.answered", account_id=order.account_id, subject=f"order:{order.pk}")
    told = Told(f"Your request for {order.quantity:,} SIM cards", answer)
    tell(
        account_id=order.account_id,
        key=f"order:{order.pk}",
        told=told,
        to=[order.email],
        page="/orders/",
        kind=Kind.JOBS,
    )
    return order
