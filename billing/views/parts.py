"""What the doors share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from kit import clock

from accounts.doors import MemberRequest
from accounts.models import Account, User
from accounts.policy import Actor
from billing import queries, stripe

NO_ANSWER = "Stripe, which handles the cards, does not answer right now. Nothing was charged. Try again in a minute."


def actor(request: MemberRequest) -> Actor:
    user = request.user
    assert isinstance(user, User)
    return user.actor


def common(here: str) -> dict[str, Any]:
    """Where this page is, and whether cards can be charged at all."""
    return {"tab": here, "takes_cards": stripe.is_configured()}


def tax_note(account: Account) -> str:
    """What is added to a charge, in a sentence; empty where this installation takes no tax."""
    buyer = queries.buyer_of(account)
    terms = queries.tax_terms(buyer, on=clock.today())
    if terms is None:
        return ""
    if queries.lacks_address(buyer):
        return "Add billing details first. Invoices need your address and country."
    if not terms.percent:
        return terms.note or "No tax is added."
    return f"{terms.word} is added to the amount."


def leave_for(request: HttpRequest, url: str, *, what: str) -> HttpResponse:
    """A page that goes on to Stripe's by itself.

    Not a redirect: our policy lets forms lead to our own addresses only, and browsers hold redirects to it too.
    """
    return render(request, "billing/leave.html", {"url": url, "what": what})
