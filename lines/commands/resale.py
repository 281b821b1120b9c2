"""Price lists that an account has for its sub-accounts, and who of them is charged by which."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from kit import clock
from kit.errors import Invalid, Refusal
from kit.money import LIMIT, ZERO, exact, plain

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from billing.commands import lock_wallets
from billing.commands.wallets import close_wallet, credit_wallet, open_wallet
from lines.commands.wishes import enforce
from lines.commands.wishes.wallets import OF_HOLDER, bring_back
from lines.models import ListPrice, Price, PriceList, RatePlan, ResaleTerms, Zone
from lines.policy.resale import LEAST_PERCENT, MOST_PERCENT

LONGEST_NAME = 100
MOST_PLACES = 6


class ListExists(Refusal):
    """The account has a price list of this name."""


@dataclass(frozen=True, slots=True)
class Own:
    """Prices of the list's own, USD: per MB, per message, and for each day on which the plan charges the account."""

    per_mb: Decimal
    per_sms: Decimal = ZERO
    per_day: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Plus:
    """What the account pays plus so many percent, half up to so many decimals."""

    percent: Decimal
    places: int = MOST_PLACES


@dataclass(frozen=True, slots=True)
class Credit:
    """What a sub-account is given, what for, and the key that makes it one."""

    amount: Decimal
    note: str
    key: str


@transaction.atomic
def add_price_list(*, account: Account, name: str, plus: Plus, by: Actor) -> PriceList:
    """A list by which each plan costs what the account pays plus a percentage. Raises Invalid, ListExists."""
    if account.is_subaccount:
        raise Invalid("A sub-account has no price lists. They are its account’s.")
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise Invalid(f"Give the price list a name of at most {LONGEST_NAME} characters", field="name")
    _check(plus)
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if PriceList.objects.filter(account=account, name=name).exists():
        raise ListExists(f"There is a price list named {name} already", field="name")
    made = PriceList.objects.create(account=account, name=name)
    ListPrice.objects.create(price_list=made, percent=plus.percent, places=plus.places)
    detail = {"name": name, "percent": str(plus.percent)}
    record(by=by, verb="price_list.added", account_id=account.pk, subject=f"price_list:{name}", detail=detail)
    return made


@transaction.atomic
def set_list_price(
    *,
    price_list: PriceList,
    plan: RatePlan | None,
    price: Own | Plus,
    since: dt.date,
    zone: Zone | None = None,
    by: Actor,
) -> ListPrice:
    """What a plan costs by this list from 00:00 UTC of a day to come on; no plan: every plan without a price; a zone:
    data where the plan charges the account that zone's price.

    On a list that nobody is charged by yet the day may be today. Raises Invalid.
    """
    _check(price)
    if plan is None and isinstance(price, Own):
        raise Invalid("Choose a rate plan, or a percentage for every plan", field="plan")
    if zone is not None and (plan is None or not Price.objects.filter(plan=plan, zone=zone).exists()):
        raise Invalid("Choose a zone for which the rate plan has a price", field="plan")
    if zone is not None and isinstance(price, Own):
        price = Own(price.per_mb)
    PriceList.objects.select_for_update().get(pk=price_list.pk)
    is_used = ResaleTerms.objects.filter(price_list=price_list).exists()
    _check_day(since, is_used=is_used)
    columns: dict[str, object] = (
        {"percent": price.percent, "places": price.places}
        if isinstance(price, Plus)
        else {"per_mb": price.per_mb, "per_sms": price.per_sms, "per_day": price.per_day}
    )
    made = ListPrice.objects.create(price_list=price_list, plan=plan, zone=zone, since=since, **columns)
    detail = {"rate_plan": plan.name if plan else "every other plan", "from": since.isoformat()}
    detail |= {"zone": zone.name} if zone else {}
    detail |= {name: str(value) for name, value in columns.items()}
    subject = f"price_list:{price_list.name}"
    record(by=by, verb="price_list.price_set", account_id=price_list.account_id, subject=subject, detail=detail)
    return made


@transaction.atomic
def charge_by(
    *,
    subaccount: Account,
    price_list: PriceList,
    since: dt.date,
    credit_limit: Decimal | None,
    credit: Credit | None = None,
    by: Actor,
) -> ResaleTerms:
    """Gives a sub-account a balance of its own and charges it by a list from a day (UTC) on: prepaid, or postpaid with
    a credit limit; with its first credit, so that its lines go on. One that was never charged may begin today; from
    then on only days to come change. Raises Invalid."""
    if price_list.account_id != subaccount.parent_id:
        raise Invalid("The price list is another account’s", field="price_list")
    lock_wallets(account_ids=[subaccount.payer_id])
    last = ResaleTerms.objects.filter(account=subaccount).order_by("-since", "-pk").first()
    if last is None or last.price_list_id != price_list.pk or last.since > since:
        _check_day(since, is_used=last is not None)
    open_wallet(subaccount=subaccount, credit_limit=credit_limit, by=by)
    if credit is not None:
        credit_wallet(subaccount=subaccount, amount=credit.amount, note=credit.note, key=credit.key, by=by)
    enforce(account_ids=[subaccount.pk])
    if last is not None and last.price_list_id == price_list.pk and last.since <= since:
        return last
    return _set_terms(subaccount, price_list, since, by)


@transaction.atomic
def stop_charging(*, subaccount: Account, by: Actor) -> None:
    """Its account pays for it again: what it used through today is charged to it, and its balance suspends nothing from
    now on. Raises NotFound where it has none."""
    close_wallet(subaccount=subaccount, by=by)
    _set_terms(subaccount, None, clock.today() + dt.timedelta(days=1), by)
    bring_back(holder=subaccount, which=OF_HOLDER, ids=[subaccount.pk])


def _set_terms(subaccount: Account, price_list: PriceList | None, since: dt.date, by: Actor) -> ResaleTerms:
    terms = ResaleTerms.objects.create(
        account=subaccount, payer_id=subaccount.payer_id, price_list=price_list, since=since
    )
    detail = {"price_list": price_list.name if price_list else None, "from": since.isoformat()}
    subject = f"wallet:{subaccount.uuid.hex}"
    record(by=by, verb="wallet.terms_set", account_id=subaccount.pk, subject=subject, detail=detail)
    return terms


def _check_day(since: dt.date, *, is_used: bool) -> None:
    first = clock.today() + dt.timedelta(days=1 if is_used else 0)
    if since < first:
        raise Invalid(f"Prices of days that have begun stay. Choose {first:%-d %B %Y} or later.", field="since")


def _check(price: Own | Plus) -> None:
    if isinstance(price, Plus):
        if not price.percent.is_finite() or not LEAST_PERCENT <= price.percent <= MOST_PERCENT:
            raise Invalid(f"A percentage is from {LEAST_PERCENT} to {MOST_PERCENT:,}", field="percent")
        if price.percent != round(price.percent, 3):
            raise Invalid("A percentage has at most three decimals", field="percent")
        if not 0 <= price.places <= MOST_PLACES:
            raise Invalid(f"Prices are rounded to 0 to {MOST_PLACES} decimals", field="places")
        return
    for name in ("per_mb", "per_sms", "per_day"):
        value: Decimal = getattr(price, name)
        if not value.is_finite() or not ZERO <= value < LIMIT or value != exact(value):
            raise Invalid(f"A price is from 0 to under {LIMIT:,}, with at most six decimals: {plain(ZERO)}", field=name)
