"""The saved card of an account."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q
from kit import clock
from kit.errors import Refusal

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from billing import words
from billing.commands.ledger import PaidByParent, lock_wallets
from billing.commands.notices import tell
from billing.commands.refills import news
from billing.models import AutoRefill, Customer, Payment
from billing.policy import KEEPS_WATCH, OPEN_PAYMENT, RefillNews, RefillState, expires_on, expiry_warning
from billing.stripe import Card


class CardNeeded(Refusal):
    """Something still charges the card."""


class NoCard(Refusal):
    """There is no card to do that with."""


@transaction.atomic
def know_customer(*, account: Account, stripe_id: str, by: Actor) -> Customer:
    """Remembers who an account is at Stripe; the first one stays. Raises PaidByParent."""
    if account.is_subaccount:
        raise PaidByParent(f"{account.name} is a sub-account; its main account pays")
    lock_wallets(account_ids=[account.pk])
    customer, is_new = Customer.objects.get_or_create(account=account, defaults={"stripe_id": stripe_id})
    if is_new:
        record(by=by, verb="customer.known", account_id=account.pk, subject=stripe_id)
    return customer


@transaction.atomic
def save_card(*, customer_id: str, card: Card, by: Actor) -> str | None:
    """The card that was given on Stripe's page; answers the one it replaces. Harmless twice.

    `customer_id` is Stripe's; None also where it is not ours. Auto-refill that was waiting to retry, or was
    paused because the card was declined, tries it at once.
    """
    found = Customer.objects.filter(stripe_id=customer_id).first()
    if found is None:
        return None
    lock_wallets(account_ids=[found.pk])
    customer = Customer.objects.select_for_update().get(pk=found.pk)
    before = customer.card_id
    if before == card.id:
        return None
    customer.card_id, customer.brand, customer.last4 = card.id, card.brand, card.last4
    customer.exp_month, customer.exp_year = card.exp_month, card.exp_year
    customer.name, customer.address = card.name[:200], card.address
    customer.card_since = clock.now()
    customer.save()
    record(
        by=by,
        verb="card.replaced" if before else "card.added",
        account_id=customer.pk,
        subject=card.id,
        detail={"brand": card.brand, "last4": card.last4},
    )
    refill = AutoRefill.objects.select_for_update().filter(pk=customer.pk).first()
    if refill is not None:
        news(refill=refill, happened=RefillNews.NEW_CARD)
    return before or None


@transaction.atomic
def update_card(*, card: Card) -> None:
    """Stripe learned a new expiry or address from the bank."""
    Customer.objects.filter(card_id=card.id).update(
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        name=card.name[:200],
        address=card.address,
    )


def may_remove(*, account_id: int) -> str:
    """The card that may be removed now. Raises NoCard, CardNeeded."""
    customer = Customer.objects.filter(pk=account_id).first()
    if customer is None or not customer.has_card:
        raise NoCard("There is no card to remove")
    if AutoRefill.objects.filter(pk=account_id, state__in=sorted(KEEPS_WATCH)).exists():
        raise CardNeeded("Auto-refill charges this card; turn auto-refill off first, or replace the card")
    if Payment.objects.filter(account_id=account_id, state__in=sorted(OPEN_PAYMENT)).exists():
        raise CardNeeded("A payment with this card is not finished; wait for it or cancel it first")
    return customer.card_id


@transaction.atomic
def remove_card(*, account_id: int, card_id: str, by: Actor) -> bool:
    """Forgets the card; False where another one is there by now. Raises CardNeeded."""
    lock_wallets(account_ids=[account_id])
    customer = Customer.objects.select_for_update().filter(pk=account_id, card_id=card_id).first()
    if customer is None:
        return False
    may_remove(account_id=account_id)
    _empty(customer)
    record(by=by, verb="card.removed", account_id=account_id, subject=card_id)
    return True


@transaction.atomic
def lose_card(*, card_id: str, by: Actor) -> None:
    """Stripe has the card no longer, whoever removed it there."""
    customer = Customer.objects.select_for_update().filter(card_id=card_id).first()
    if customer is not None:
        _empty(customer)
        record(by=by, verb="card.gone", account_id=customer.pk, subject=card_id)


def _empty(customer: Customer) -> None:
    customer.card_id = customer.brand = customer.last4 = ""
    customer.exp_month = customer.exp_year = customer.card_since = None
    customer.save()


def warn_of_expiry(*, today: dt.date) -> int:
    """Tells owners that their card ends within 30 and within 7 days, once each; says how many were told now."""
    soon = expires_on(today.year, today.month) + dt.timedelta(days=1)
    months = Q(exp_year=today.year, exp_month=today.month) | Q(exp_year=soon.year, exp_month=soon.month)
    saved = Customer.objects.filter(months, account__is_active=True).exclude(card_id="")
    refilling = set(AutoRefill.objects.exclude(state=RefillState.OFF).values_list("pk", flat=True))
    return sum(_warn(customer, today, is_refilling=customer.pk in refilling) for customer in saved)


def _warn(customer: Customer, today: dt.date, *, is_refilling: bool) -> bool:
    assert customer.exp_year is not None
    assert customer.exp_month is not None
    days = expiry_warning(customer.exp_year, customer.exp_month, today=today)
    if days is None:
        return False
    on = expires_on(customer.exp_year, customer.exp_month)
    told = words.card_expires(last4=customer.last4, on=on, is_refilling=is_refilling)
    key = f"card-expires:{customer.pk}:{customer.card_id}:{on:%Y-%m}:{days}"
    return tell(account_id=customer.pk, key=key, told=told, page="/billing/payment-method/")
