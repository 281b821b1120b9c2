"""Auto-refill: on and off, its limits, its amount, its turns, and what becomes of it with each attempt."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction
from kit import clock
from kit.errors import Invalid, Refusal
from kit.money import plain, shown, to_coins

from accounts.commands import record
from accounts.commands.people import refuse_unconfirmed
from accounts.models import Account
from accounts.policy import SYSTEM, Actor
from billing import queries, words
from billing.commands.ledger import PaidByParent, lock_wallets
from billing.commands.notices import take_back, tell
from billing.models import AutoRefill, Customer
from billing.policy import (
    MOST_A_DAY,
    REFILL_MOVES,
    WATCHES_DECLINES,
    RefillNews,
    RefillState,
    amount_is_due,
    default_ceiling,
    refill_amount,
)

HIGHEST_CEILING = Decimal(1_000_000)


class CardMissing(Refusal):
    """There is no saved card to charge."""


@transaction.atomic
def turn_on(
    *, account: Account, by: Actor, ceiling: Decimal | None = None, no_ceiling: bool = False, per_day: int = 1
) -> AutoRefill:
    """Fixes the first amount at once; after a pause it starts anew. Without a ceiling of their own its owner gets the
    one that follows the amount, unless they want none. Raises PaidByParent, CardMissing, Invalid.
    """
    if account.is_subaccount:
        raise PaidByParent(f"{account.name} is a sub-account; its main account pays")
    refuse_unconfirmed(account=account)
    lock_wallets(account_ids=[account.pk])
    customer = Customer.objects.filter(pk=account.pk).first()
    if customer is None or not customer.has_card:
        raise CardMissing("Auto-refill needs a saved card; add one first")
    today = clock.today()
    average = queries.balance_of(account, today=today).average_daily
    amount = refill_amount(average)
    _check_limits(ceiling, amount, per_day)
    refill, _ = AutoRefill.objects.get_or_create(
        account=account,
        defaults={"amount": amount, "fixed_on": today, "ceiling": default_ceiling(amount, average)},
    )
    refill = AutoRefill.objects.select_for_update().get(pk=account.pk)
    was_on = refill.is_on
    if not was_on:
        refill.amount, refill.fixed_on, refill.since = amount, today, clock.now()
        refill.turn_since = refill.look_at = None
    _limit(refill, average, ceiling=ceiling, no_ceiling=no_ceiling, per_day=per_day)
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
        refill.turn_since = refill.look_at = None
        news(refill=refill, happened=RefillNews.TURNED_OFF)
        record(by=by, verb="auto-refill.off", account_id=account.pk, detail=_facts(refill))
    return refill


@transaction.atomic
def set_limits(
    *, account: Account, by: Actor, ceiling: Decimal | None = None, no_ceiling: bool = False, per_day: int = 1
) -> AutoRefill:
    """The most that auto-refill charges in a month (UTC), its owner's own, none, or the one that follows the amount;
    and how many charges a turn and 24 hours may have. Raises Invalid."""
    lock_wallets(account_ids=[account.pk])
    refill = AutoRefill.objects.select_for_update().filter(pk=account.pk).first()
    if refill is None:
        raise Invalid("Turn auto-refill on before you limit it")
    _check_limits(ceiling, refill.amount, per_day)
    average = queries.balance_of(account, today=clock.today()).average_daily
    _limit(refill, average, ceiling=ceiling, no_ceiling=no_ceiling, per_day=per_day)
    refill.look_at = None
    refill.save()
    record(by=by, verb="auto-refill.limited", account_id=account.pk, detail=_facts(refill))
    return refill


def _limit(refill: AutoRefill, average: Decimal, *, ceiling: Decimal | None, no_ceiling: bool, per_day: int) -> None:
    refill.per_day, refill.ceiling_is_own = per_day, no_ceiling or ceiling is not None
    refill.ceiling = ceiling if refill.ceiling_is_own else default_ceiling(refill.amount, average)


def _check_limits(ceiling: Decimal | None, amount: Decimal, per_day: int) -> None:
    if not 1 <= per_day <= MOST_A_DAY:
        raise Invalid(f"Auto-refill charges 1 to {MOST_A_DAY} times a day")
    if ceiling is None:
        return
    if ceiling != to_coins(ceiling):
        raise Invalid("A monthly limit has at most two decimals")
    if ceiling < amount:
        raise Invalid(f"One refill is {shown(amount)}. A lower monthly limit would never allow one.")
    if ceiling > HIGHEST_CEILING:
        raise Invalid(f"A monthly limit is at most {shown(HIGHEST_CEILING)}")


def _facts(refill: AutoRefill) -> dict[str, str | int | None]:
    ceiling = None if refill.ceiling is None else plain(refill.ceiling)
    return {"amount": plain(refill.amount), "ceiling": ceiling, "own": refill.ceiling_is_own, "per_day": refill.per_day}


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
        if after not in WATCHES_DECLINES:
            refill.declined = 0
        elif happened in (RefillNews.DECLINED, RefillNews.DECLINED_LAST):
            refill.declined = declined
        refill.why_paused = why[:200] if refill.is_paused else ""
        refill.look_at = None
    refill.save()
    if after is RefillState.ON and before is not after:
        take_back(account_id=refill.pk, about="refill")
    return after


def pause(*, account_id: int, key: str, why: str) -> None:
    """Money was taken off the balance that no usage took: auto-refill must not fetch it back. Says so, once for each
    key. The wallet must be locked."""
    refill = AutoRefill.objects.select_for_update().filter(pk=account_id).first()
    if refill is None:
        return
    before = refill.state
    if news(refill=refill, happened=RefillNews.TAKEN_BACK, why=why) != before:
        record(by=SYSTEM, verb="auto-refill.paused", account_id=account_id, detail={"why": why})
        tell(
            account_id=account_id,
            key=f"refill-paused:{key}",
            told=words.paused(why=why),
            page="/billing/auto-refill/",
            about="refill",
        )


def end_turn_if_green(*, account_id: int) -> None:
    """The balance may be green again: then the turn is over, and the next one may have its charge. The wallet must be
    locked."""
    refill = AutoRefill.objects.select_for_update().filter(pk=account_id).first()
    if refill is None or queries.is_low(account_id, today=clock.today()):
        return
    refill.turn_since = refill.look_at = None
    news(refill=refill, happened=RefillNews.RECOVERED)


@transaction.atomic
def fix_amount(*, account_id: int, today: dt.date) -> Decimal | None:
    """The amount of this month, when a 5th has come since it was fixed, with the ceiling that follows it; None where it
    is not due. Harmless twice."""
    lock_wallets(account_ids=[account_id])
    refill = AutoRefill.objects.select_for_update().select_related("account").get(pk=account_id)
    if refill.state == RefillState.OFF or not amount_is_due(refill.fixed_on, today):
        return None
    average = queries.balance_of(refill.account, today=today).average_daily
    own = refill.ceiling if refill.ceiling_is_own else None
    wanted = refill_amount(average)
    before, refill.amount, refill.fixed_on = refill.amount, refill_amount(average, at_most=own), today
    if not refill.ceiling_is_own:
        refill.ceiling = default_ceiling(refill.amount, average)
    refill.look_at = None
    refill.save(update_fields=["amount", "fixed_on", "ceiling", "look_at"])
    detail = _facts(refill) | {"before": plain(before), "after": plain(refill.amount), "average": plain(average)}
    record(by=SYSTEM, verb="auto-refill.fixed", account_id=account_id, detail=detail)
    month, page = f"{today:%Y-%m}", "/billing/auto-refill/"
    if wanted != refill.amount and own is not None:
        told = words.amount_capped(wanted=wanted, amount=refill.amount, ceiling=own, average=average)
        tell(account_id=account_id, key=f"refill-capped:{account_id}:{month}", told=told, page=page)
    elif before != refill.amount:
        told = words.amount_changed(before=before, after=refill.amount, average=average, ceiling=refill.ceiling)
        tell(account_id=account_id, key=f"refill-amount:{account_id}:{month}", told=told, page=page)
    return Decimal(refill.amount)
