"""Doors of a sub-account's people to its own balance: never to what its account pays."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET
from kit import clock
from kit.clock import month_from
from kit.exports import csv_answer
from kit.htmx import page
from kit.money import plain

from accounts.doors import MemberRequest, needs
from accounts.models import Account
from accounts.policy import Right
from billing.queries import Transaction, balance_of, months_of, transactions_of, wallet_of
from lines.queries import resale

SHOWN = 20
HEADS = ("Day (UTC)", "Bytes", "Data", "Fees", "SMS", "Cost of SMS", "Total")


def credits_of(account: Account) -> list[Transaction]:
    """What a sub-account was given, the latest first."""
    return transactions_of(account, kind="credit", start=None, end=None, offset=0, limit=SHOWN)


def _own(request: MemberRequest) -> Account:
    if wallet_of(request.account) is None:
        raise Http404
    return request.account


@require_GET
@needs(Right.SEE_LINES)
def own(request: MemberRequest) -> HttpResponse:
    """Its balance, prices, credits and months."""
    account, today = _own(request), clock.today()
    context = {
        "wallet": wallet_of(account),
        "own_balance": balance_of(account, today=today),
        "prices": resale.prices_of_holder(account, now=clock.now()),
        "months": months_of(account, today=today),
        "days": resale.days_owed(account, month=today.replace(day=1)),
        "credits": credits_of(account),
    }
    return page(request, "subaccounts/own_balance.html", context)


@require_GET
@needs(Right.SEE_LINES)
def statement(request: MemberRequest, month: str) -> HttpResponse:
    """A month's days as CSV."""
    account, start = _own(request), month_from(month)
    if start is None or start > clock.today():
        raise Http404
    rows = (
        (one.day, one.used, plain(one.data), plain(one.fees), one.messages, plain(one.sms), plain(one.total))
        for one in resale.days_owed(account, month=start)
    )
    return csv_answer(f"statement-{start:%Y-%m}.csv", [HEADS, *rows])
