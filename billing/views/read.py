"""Doors to what was paid and used: overview, transactions, invoices, months."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_POST
from kit import clock
from kit.clock import month_from
from kit.errors import Invalid, Refusal
from kit.exports import file_answer
from kit.htmx import page

from accounts.doors import MemberRequest, misread, needs
from accounts.policy import Right
from billing import queries
from billing.commands import statements
from billing.forms import KINDS, asked_from
from billing.models import Statement, StatementPart
from billing.policy import runway_shown
from billing.views.parts import actor, common

PAGE = 25


@require_GET
@needs(Right.SEE_MONEY)
def overview(request: MemberRequest) -> HttpResponse:
    """What do I have, how long does it last, what is set up."""
    account, today = request.account, clock.today()
    balance = queries.balance_of(account, today=today)
    missing = queries.to_pay(account, today=today)
    context = common("billing") | {
        "balance": balance,
        "runway": runway_shown(balance.runway_days),
        "forecast": queries.forecast_of(account, today=today),
        "customer": queries.customer_of(account.pk),
        "refill": queries.auto_refill_of(account.pk),
        "open": queries.open_payment_of(account.pk),
        "notices": queries.notices_of(account.pk, limit=6),
        "missing": missing,
        "pay_key": queries.key_to_pay(account, missing),
    }
    return page(request, "billing/overview.html", context, part="overview")


@require_GET
@needs(Right.SEE_MONEY)
def transactions(request: MemberRequest) -> HttpResponse:
    """Everything that moved the balance, payments that did not with their reason."""
    asked = asked_from(request.GET)
    if back := misread(request, {"kind": asked.kind, "from": asked.start, "to": asked.end}, beside=("page",)):
        return back
    rows = queries.transactions_of(
        request.account,
        kind=asked.kind,
        start=asked.start,
        end=asked.end,
        offset=(asked.page - 1) * PAGE,
        limit=PAGE + 1,
    )
    context = common("transactions") | {
        "asked": asked,
        "kinds": KINDS,
        "rows": rows[:PAGE],
        "previous": asked.query(page=asked.page - 1) if asked.page > 1 else "",
        "next": asked.query(page=asked.page + 1) if len(rows) > PAGE else "",
        "is_narrowed": bool(asked.kind or asked.start or asked.end),
    }
    return page(request, "billing/transactions.html", context, part="listing")


@require_GET
@needs(Right.SEE_MONEY)
def billing_details(request: MemberRequest) -> HttpResponse:
    """Each month's starting and ending balance, what moved it, and its statement as a file."""
    months = queries.months_of(request.account, today=clock.today())
    files = queries.statements_of(request.account.pk, limit=10)
    context = common("billing_details") | {
        "months": months,
        "files": files,
        "may_ask": request.membership.may(Right.ASK),
        "is_writing": any(not one.done_at and not one.failed for one in files),
    }
    return page(request, "billing/details.html", context, part="details")


@require_POST
@needs(Right.SEE_MONEY, Right.ASK)
def ask_statement(request: MemberRequest) -> HttpResponse:
    """Has a month written into a file."""
    month = month_from(request.POST.get("month", ""))
    try:
        if month is None:
            raise Invalid("Choose a month")
        statements.ask_statement(
            account=request.account, month=month, format=request.POST.get("format", ""), by=actor(request)
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect(f"{reverse('billing_details')}#files")


@require_GET
@needs(Right.SEE_MONEY)
def statement(request: MemberRequest, key: str) -> HttpResponse:
    """A written statement, piece by piece."""
    try:
        found = Statement.objects.filter(account=request.account, uuid=uuid.UUID(key), done_at__isnull=False).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    numbers = list(StatementPart.objects.filter(statement=found).order_by("number").values_list("pk", flat=True))
    pieces = (bytes(StatementPart.objects.get(pk=pk).content) for pk in numbers)
    return file_answer(f"{slugify(request.account.name) or 'account'}-{found.month:%Y-%m}.{found.format}", pieces)
