"""Auto-refill: on and off, its ceiling, its amount, and what becomes of it with each attempt."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction
from kit import clock
from kit.errors import Invalid, Refusal
from kit.money import plain

from accounts.commands import record
from accounts.models import Account
from accounts.policy import SYSTEM, Actor
from billing import queries, words
from billing.commands.ledger import PaidByParent, lock_wallets
from billing.commands.notices import tell
from billing.models import AutoRefill, Customer
from billing.policy import REFILL_MOVES, RefillNews, RefillState, amount_is_due, refill_amount


class CardMissing(Refusal):
    """There is no saved card to charge."""


@transaction.atomic
def turn_on(*, account: Account, by: Actor, ceiling: Decimal | None = None) -> AutoRefill:
    """Fixes the first amount at once; after a pause it starts anew. Raises PaidByParent, CardMissing, Invalid."""
    if account.is_subaccount:
        raise PaidByParent(f"{account.name} is a sub-account; its main account pays")
    lock_wallets(account_ids=[account.pk])
    customer = Customer.objects.filter(pk=account.pk).first()
    if customer is None or not customer.has_card:
        raise CardMissing("Auto-refill needs a saved card; add one first")
    today = clock.today()
    amount = refill_amount(queries.balance_of(account, today=today).average_daily)
    _check_ceiling(ceiling, amount)
    refill, _ = AutoRefill.objects.get_or_create(account=account, defaults={"amount": amount, "fixed_on": today})
    refill = AutoRefill.objects.select_for_update().get(pk=account.pk)
    was_on = refill.is_on
    if not was_on:
        refill.amount, refill.fixed_on, refill.since = amount, today, clock.now()
    refill.ceiling = ceiling
    news(refill=refill, happened=RefillNews.TURNED_ON)
    if not was_on:
        record(by=by, verb="auto-refill.on", account_id=account.pk, detail=_facts(refill))
    return refill


@transaction.atomic
def turn_off(*, account: Account, by: Actor) -> AutoRefill | None:
    """Harmless twice; an attempt under way is still credited when it succeeds."""
    lock_wallets(account_ids=[account.pk])
    refill = AutoRefill.objects.select_for_update().filter(pk=account.pk).first()
    if refill is not None and refill.state != RefillState.OFF:
        news(refill=refill, happened=RefillNews.TURNED_OFF)
        record(by=by, verb="auto-refill.off", account_id=account.pk, detail=_facts(refill))
    return refill


@transaction.atomic
def set_ceiling(*, account: Account, ceiling: Decimal | None, by: Actor) -> AutoRefill:
    """The most that auto-refill charges in a month (UTC); None: no such limit. Raises Invalid."""
    lock_wallets(account_ids=[account.pk])
    refill = AutoRefill.objects.select_for_update().filter(pk=account.pk).first()
    if refill is None:
        raise Invalid("Turn auto-refill on before you limit it")
    _check_ceiling(ceiling, refill.amount)
    refill.ceiling = ceiling
    refill.save(update_fields=["ceiling"])
    record(by=by, verb="auto-refill.limited", account_id=account.pk, detail=_facts(refill))
    return refill


def _check_ceiling(ceiling: Decimal | None, amount: Decimal) -> None:
    if ceiling is None:
        return
    if ceiling != ceiling.quantize(Decimal("0.01")):
        raise Invalid("The most per month has at most two decimals")
    if ceiling < amount:
        raise Invalid(f"One refill is ${amount:,.2f}; with less than that per month none could ever be charged")
    if ceiling > Decimal(1_000_000):
        raise Invalid("The most per month is at most $1,000,000.00")


def _facts(refill: AutoRefill) -> dict[str, str | None]:
    ceiling = None if refill.ceiling is None else plain(refill.ceiling)
    return {"amount": plain(refill.amount), "ceiling": ceiling}


def news(
    *,
    refill: AutoRefill,
    happened: RefillNews,
    retry_at: dt.datetime | None = None,
    declined: int = 0,
    why: str = "",
) -> RefillState:
    """Moves auto-refill by its table. Its row must be locked."""
    before = RefillState(refill.state)
    after = REFILL_MOVES[before][happened]
    if after is not before or happened is RefillNews.TURNED_ON:
        refill.state = after
        refill.retry_at = retry_at if after is RefillState.RETRYING else None
        refill.declined = (
            declined
            if after in (RefillState.RETRYING, RefillState.PAUSED)
            else (refill.declined if after in (RefillState.CHARGING, RefillState.CONFIRMING) else 0)
        )
        refill.why_paused = why[:200] if after is RefillState.PAUSED else ""
    refill.save()
    return after


@transaction.atomic
def fix_amount(*, account_id: int, today: dt.date) -> Decimal | None:
    """The amount of this month, when a 5th has come since it was fixed; None where it is not due. Harmless twice."""
    lock_wallets(account_ids=[account_id])
    refill = AutoRefill.objects.select_for_update().select_related("account").get(pk=account_id)
    if refill.state == RefillState.OFF or not amount_is_due(refill.fixed_on, today):
        return None
    average = queries.balance_of(refill.account, today=today).average_daily
    before, refill.amount, refill.fixed_on = refill.amount, refill_amount(average), today
    refill.save(update_fields=["amount", "fixed_on"])
    detail = {"before": plain(before), "after": plain(refill.amount), "average": plain(average)}
    record(by=SYSTEM, verb="auto-refill.fixed", account_id=account_id, detail=detail)
    if before != refill.amount:
        told = words.amount_changed(before=before, after=refill.amount, average=average)
        tell(account_id=account_id, key=f"refill-amount:{account_id}:{today:%Y-%m}", told=told)
    return Decimal(refill.amount)
