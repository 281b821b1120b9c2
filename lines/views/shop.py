"""Doors to what one buys: the store, requests for SIM cards, and where rate plans work."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from kit import clock
from kit.errors import NotFound, Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, misread, needs
from accounts.models import Account
from accounts.policy import Right
from lines import world
from lines.commands import orders
from lines.models import RatePlan
from lines.policy import MOST_ORDERED, STORE_SELLS
from lines.queries import shop
from lines.queries.plans import plans_for

ORDERS_SHOWN = 50


class OrderForm(forms.Form):
    """The contact form for more SIM cards than the store sells at once."""

    quantity = forms.IntegerField(label="How many", max_value=MOST_ORDERED, widget=forms.NumberInput(attrs={"min": 11}))
    plan = forms.ModelChoiceField(
        RatePlan.objects.none(), label="Rate plan", required=False, empty_label="Not sure yet"
    )
    contact = forms.CharField(label="Your name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(label="Mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    phone = forms.CharField(
        label="Phone, if you like", max_length=40, required=False, widget=forms.TextInput(attrs={"autocomplete": "tel"})
    )
    address = forms.CharField(label="Where they go", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    message = forms.CharField(
        label="Anything else", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, account: Account, **more: Any) -> None:
        super().__init__(*args, **more)
        plan = self.fields["plan"]
        assert isinstance(plan, forms.ModelChoiceField)
        plan.queryset = plans_for(account).order_by("name")

    def clean_quantity(self) -> int:
        quantity: int = self.cleaned_data["quantity"]
        if quantity <= STORE_SELLS:
            where = " there" if settings.STORE_URL else ""
            raise forms.ValidationError(f"Up to {STORE_SELLS} are bought in the store{where}; ask here for more.")
        return quantity


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_LINES)
def order_page(request: MemberRequest) -> HttpResponse:
    """The store for a few, the contact form for many, and what became of earlier requests."""
    user = request.membership.user
    form = OrderForm(request.POST or None, account=request.account, initial={"email": user.email, "contact": user.name})
    if request.method == "POST" and form.is_valid():
        data: dict[str, Any] = dict(form.cleaned_data)
        key = data.pop("key")
        try:
            orders.ask_for_cards(account=request.account, wish=orders.Wish(**data), key=key, by=user.actor)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, "Your request is kept. The answer comes here and by mail.")
            return redirect("orders")
    asked = shop.orders_of(request.account)[:ORDERS_SHOWN]
    context = {"form": form, "orders": asked, "store_url": settings.STORE_URL, "store_sells": STORE_SELLS}
    response = page(request, "lines/orders.html", context)
    if request.method == "POST":
        response.status_code = 422
    return response


@require_POST
@needs(Right.MANAGE_LINES)
def withdraw_order(request: MemberRequest, key: uuid.UUID) -> HttpResponse:
    """Takes a request back that nobody has answered."""
    try:
        orders.withdraw_order(account=request.account, key=key, by=request.membership.user.actor)
    except NotFound:
        raise Http404 from None
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "The request is withdrawn.")
    return redirect("orders")


@require_GET
@needs(Right.MANAGE_LINES)
def store(request: MemberRequest) -> HttpResponse:
    """The way to the store."""
    return page(request, "lines/store.html", {"store_url": settings.STORE_URL, "store_sells": STORE_SELLS})


@require_GET
@needs(Right.SEE_MONEY)
def coverage(request: MemberRequest) -> HttpResponse:
    """Countries and networks of each rate plan, with its prices."""
    q = " ".join(request.GET.get("q", "").replace("\0", "").split())[:80]
    plans = shop.covered_plans(request.account)
    wanted = request.GET.get("plan", "")
    plan = next((one for one in plans if str(one.pk) == wanted), None)
    if back := misread(request, {"q": q, "plan": plan}, beside=("page",)):
        return back
    number = request.GET.get("page", "")
    at = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 else 1
    found = shop.coverage(request.account, q=q, plan_id=plan.pk if plan else None, page=max(at, 1), now=clock.now())
    context = {
        "q": q,
        "plan": plan,
        "plans": plans,
        "found": found,
        "at": at,
        "world": [(one, found.networks.get(one.code, 0)) for one in world.shapes()],
        "world_width": world.WIDTH,
        "world_height": world.HEIGHT,
        "has_next": found.total > at * shop.COUNTRIES_SHOWN,
    }
    return page(request, "lines/coverage.html", context, part="listing")
