"""Doors to what an account sells its sub-accounts: price lists, who is charged by which, credit, margins."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST
from kit import clock
from kit.clock import month_from
from kit.errors import Refusal
from kit.htmx import page
from kit.money import ZERO

from accounts.doors import MemberRequest, needs
from accounts.models import Account
from accounts.policy import Right
from billing.commands.wallets import credit_wallet
from billing.queries import balance_of, wallet_of
from lines.commands.resale import Plus, add_price_list, charge_by, set_list_price, stop_charging
from lines.commands.wishes import enforce
from lines.models import PriceList, RatePlan
from lines.queries import resale
from subaccounts.forms import EVERY_OTHER, CreditForm, ListPriceForm, PriceListForm, TermsForm, WalletForm
from subaccounts.views import actor, said, theirs
from subaccounts.wallet import credits_of

KINDS = (("subaccount", "Sub-account"), ("plan", "Rate plan"), ("line", "Line"))


def _tomorrow() -> dt.date:
    return clock.today() + dt.timedelta(days=1)


def _refused(form: forms.Form, refusal: Refusal) -> None:
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)


@require_GET
@needs(Right.SEE_MONEY)
def price_lists(request: MemberRequest) -> HttpResponse:
    """The account's price lists."""
    return _lists(request, PriceListForm())


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def new_price_list(request: MemberRequest) -> HttpResponse:
    """One more list."""
    form = PriceListForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            plus = Plus(given["percent"], given["places"])
            made = add_price_list(account=request.account, name=given["name"], plus=plus, by=actor(request))
        except Refusal as refusal:
            _refused(form, refusal)
        else:
            return redirect("price_list", key=made.uuid.hex)
    return _lists(request, form)


def _lists(request: MemberRequest, form: PriceListForm) -> HttpResponse:
    may_manage = request.membership.may(Right.MANAGE_SUBACCOUNTS)
    context = {"lists": resale.price_lists_of(request.account), "form": form, "may_manage": may_manage}
    response = page(request, "subaccounts/price_lists.html", context)
    response.status_code = 422 if form.errors else 200
    return response


def _list(request: MemberRequest, key: str) -> PriceList:
    found = resale.price_list_of(request.account, key)
    if found is None:
        raise Http404
    return found


@require_GET
@needs(Right.SEE_MONEY)
def price_list(request: MemberRequest, key: str) -> HttpResponse:
    """One list: what each plan costs by it, beside what the account pays."""
    found, plans = _list(request, key), resale.plans_to_sell(request.account)
    form = ListPriceForm(plans=plans, zones=resale.zones_to_sell(plans), initial={"since": _tomorrow()})
    return _shown_list(request, found, plans, form)


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def set_price(request: MemberRequest, key: str) -> HttpResponse:
    """What a plan costs by a list from a day on."""
    found, plans = _list(request, key), resale.plans_to_sell(request.account)
    form = ListPriceForm(request.POST, plans=plans, zones=resale.zones_to_sell(plans))
    if form.is_valid():
        try:
            _set_price(request, found, plans, form)
        except Refusal as refusal:
            _refused(form, refusal)
        else:
            messages.success(request, "Price saved.")
            return redirect("price_list", key=key)
    return _shown_list(request, found, plans, form)


def _shown_list(request: MemberRequest, found: PriceList, plans: list[RatePlan], form: ListPriceForm) -> HttpResponse:
    context = {
        "list": found,
        "prices": resale.prices_on(found, plans, now=clock.now()),
        "planned": resale.planned_prices(found, day=clock.today()),
        "form": form,
        "may_manage": request.membership.may(Right.MANAGE_SUBACCOUNTS),
    }
    response = page(request, "subaccounts/price_list.html", context)
    response.status_code = 422 if form.errors else 200
    return response


def _set_price(request: MemberRequest, found: PriceList, plans: list[RatePlan], form: ListPriceForm) -> None:
    chosen, _, number = form.cleaned_data["plan"].partition(":")
    plan = None if chosen == EVERY_OTHER else next(one for one in plans if str(one.pk) == chosen)
    zone = next((one for _, one in resale.zones_to_sell(plans) if str(one.pk) == number), None)
    since = form.cleaned_data["since"]
    set_list_price(price_list=found, plan=plan, zone=zone, price=form.price(), since=since, by=actor(request))


@require_GET
@needs(Right.SEE_MONEY)
def margins(request: MemberRequest) -> HttpResponse:
    """What sub-accounts brought in and cost in a month, by sub-account, plan or line; what is sold below cost first."""
    by = request.GET.get("by", "subaccount")
    month = month_from(request.GET.get("month") or f"{clock.today():%Y-%m}")
    if by not in dict(KINDS) or month is None:
        raise Http404
    rows = resale.resold_in(request.account, month=month, by=by)
    income, cost = sum((row.income for row in rows), ZERO), sum((row.cost for row in rows), ZERO)
    context = {
        "rows": rows,
        "by": by,
        "heading": dict(KINDS)[by],
        "kinds": KINDS,
        "month": month,
        "total": resale.Resold("", income, cost, sum(row.used for row in rows)),
        "losing": [row for row in rows if row.left < 0],
    }
    return page(request, "subaccounts/margins.html", context)


def _shown(request: MemberRequest, subaccount: Account) -> dict[str, Any]:
    """What its page shows of a sub-account's balance."""
    today, wallet = clock.today(), wallet_of(subaccount)
    lists = resale.price_lists_of(request.account)
    terms, coming = resale.terms_on(subaccount, day=today), resale.terms_to_come(subaccount, day=today)
    rows = resale.resold_in(request.account, month=today.replace(day=1), by="plan", subaccount=subaccount)
    latest = coming or terms
    start = {
        "price_list": latest.price_list.uuid.hex if latest and latest.price_list else None,
        "pays": "postpaid" if wallet and wallet.credit_limit is not None else "prepaid",
        "credit_limit": wallet.credit_limit if wallet else None,
        "since": _tomorrow() if resale.was_charged(subaccount) else today,
    }
    return {
        "subaccount": subaccount,
        "may_manage": request.membership.may(Right.MANAGE_SUBACCOUNTS),
        "wallet": wallet,
        "wallet_balance": balance_of(subaccount, today=today) if wallet else None,
        "terms": terms,
        "coming_terms": coming,
        "lists": lists,
        "resold": rows,
        "losing": [row for row in rows if row.left < 0],
        "credits": credits_of(subaccount),
        "terms_form": (TermsForm if wallet else WalletForm)(lists=lists, initial=start),
        "credit_form": CreditForm(),
    }


@require_GET
@needs(Right.SEE_MONEY)
def wallet_page(request: MemberRequest, key: str) -> HttpResponse:
    """A sub-account's balance: how it pays, by which list, what it was given, what is left of it."""
    return page(request, "subaccounts/balance.html", _shown(request, theirs(request, key)))


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def charge(request: MemberRequest, key: str) -> HttpResponse:
    """By which list a sub-account pays, in advance or later."""
    subaccount = theirs(request, key)
    context = _shown(request, subaccount)
    form = (TermsForm if context["wallet"] else WalletForm)(request.POST, lists=context["lists"])
    if form.is_valid() and _charged(request, subaccount, form):
        messages.success(request, f"{subaccount.name} pays from its own balance.")
        return redirect("subaccount_wallet", key=key)
    response = page(request, "subaccounts/balance.html", context | {"terms_form": form})
    response.status_code = 422
    return response


def _charged(request: MemberRequest, subaccount: Account, form: TermsForm) -> bool:
    given = form.cleaned_data
    try:
        charge_by(
            subaccount=subaccount,
            price_list=_list(request, given["price_list"]),
            since=given["since"],
            credit_limit=given["credit_limit"],
            credit=form.credit() if isinstance(form, WalletForm) else None,
            by=actor(request),
        )
    except Refusal as refusal:
        _refused(form, refusal)
        return False
    return True


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def credit(request: MemberRequest, key: str) -> HttpResponse:
    """Puts credit on a sub-account's balance, or takes some off."""
    subaccount, form = theirs(request, key), CreditForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        key_of, by = given["key"].hex, actor(request)
        try:
            credit_wallet(subaccount=subaccount, amount=given["amount"], note=given["note"], key=key_of, by=by)
        except Refusal as refusal:
            _refused(form, refusal)
        else:
            enforce(account_ids=[subaccount.pk])
            messages.success(request, f"{given['note']}: the balance is changed.")
            return redirect("subaccount_wallet", key=key)
    response = page(request, "subaccounts/balance.html", _shown(request, subaccount) | {"credit_form": form})
    response.status_code = 422
    return response


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def stop(request: MemberRequest, key: str) -> HttpResponse:
    """The account pays for it again."""
    subaccount = theirs(request, key)

    def act() -> str:
        stop_charging(subaccount=subaccount, by=actor(request))
        return f"{request.account.name} pays for {subaccount.name} again."

    said(request, act)
    return redirect("subaccount_wallet", key=key)
