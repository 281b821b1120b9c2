"""Doors to sub-accounts: the list, one of them, and what is done with its lines."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST
from kit import clock
from kit.errors import Refusal
from kit.htmx import page

from accounts.branding.identity import branding_of
from accounts.commands import rename_subaccount
from accounts.doors import MemberRequest, base_url, needs
from accounts.models import Account, ApiCredential
from accounts.policy import Actor, Right
from accounts.queries import invitations_of, staff_of
from accounts.undoing import undo, undoes
from billing.queries import balance_of, wallet_of
from lines.policy import Action
from subaccounts import commands, queries
from subaccounts.forms import AssignForm, InviteForm, NameForm, NewForm

OF_ALL = {"activate": Action.ACTIVATE, "deactivate": Action.DEACTIVATE_NEXT_DAY}


def theirs(request: MemberRequest, key: str) -> Account:
    """The sub-account of this UUID; another account's does not exist."""
    found = queries.subaccount_of(request.account, key)
    if found is None:
        raise Http404
    return found


def actor(request: MemberRequest) -> Actor:
    return request.membership.user.actor


def here(request: MemberRequest) -> str:
    return base_url(request)


def said(request: MemberRequest, act: Callable[[], str]) -> None:
    """What a command did, or why it would not, on the next page."""
    try:
        messages.success(request, act())
    except Refusal as refusal:
        messages.error(request, refusal.message)


@require_GET
@needs(Right.SEE_MONEY)
def subaccount_list(request: MemberRequest) -> HttpResponse:
    """How the sub-accounts are doing: lines, usage and cost of this month."""
    return _list(request, NewForm())


def _list(request: MemberRequest, form: NewForm) -> HttpResponse:
    context = {
        "doing": queries.all_doing(request.account, today=clock.today()),
        "month": clock.today().replace(day=1),
        "may_manage": request.membership.may(Right.MANAGE_SUBACCOUNTS),
        "form": form,
    }
    response = page(request, "subaccounts/list.html", context)
    response.status_code = 422 if form.errors else 200
    return response


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def new(request: MemberRequest) -> HttpResponse:
    """A new sub-account, and perhaps its first login."""
    form = NewForm(request.POST)
    if form.is_valid():
        try:
            made = commands.create(
                parent=request.account,
                name=form.cleaned_data["name"],
                first_login=form.cleaned_data["first_login"],
                address=queries.console_of(Account(parent=request.account), here=here(request)),
                by=actor(request),
            )
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"{made.name} is there. Assign lines to it next.")
            return redirect("subaccount", key=made.uuid.hex)
    return _list(request, form)


@require_GET
@needs(Right.SEE_MONEY)
def subaccount_page(request: MemberRequest, key: str) -> HttpResponse:
    """One sub-account: its lines in sums, its people, how they come in, its white label and key."""
    return page(request, "subaccounts/page.html", shown(request, theirs(request, key)))


def shown(request: MemberRequest, subaccount: Account, **forms: Any) -> dict[str, Any]:
    return {
        "subaccount": subaccount,
        "held": queries.doing(subaccount, today=clock.today()),
        "month": clock.today().replace(day=1),
        "wallet": (wallet := wallet_of(subaccount)),
        "wallet_balance": balance_of(subaccount, today=clock.today()) if wallet else None,
        "may_manage": request.membership.may(Right.MANAGE_SUBACCOUNTS),
        "credential": ApiCredential.objects.filter(account=subaccount, revoked_at=None).first(),
        "people": staff_of(subaccount),
        "invitations": invitations_of(subaccount),
        "its_branding": branding_of(subaccount),
        "login": queries.login_of(subaccount, here=here(request)),
        "now": clock.now(),
        "once": uuid.uuid4(),
        "name_form": NameForm(initial={"name": subaccount.name}),
        "invite_form": InviteForm(),
        "assign_form": AssignForm(),
    } | forms


def with_errors(request: MemberRequest, subaccount: Account, **forms: Any) -> HttpResponse:
    response = page(request, "subaccounts/page.html", shown(request, subaccount, **forms))
    response.status_code = 422
    return response


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def rename(request: MemberRequest, key: str) -> HttpResponse:
    subaccount, form = theirs(request, key), NameForm(request.POST)
    if form.is_valid():
        try:
            rename_subaccount(subaccount=subaccount, name=form.cleaned_data["name"], by=actor(request))
        except Refusal as refusal:
            form.add_error("name", refusal.message)
        else:
            return redirect("subaccount", key=key)
    return with_errors(request, subaccount, name_form=form)


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def switch(request: MemberRequest, key: str) -> HttpResponse:
    """Off: its people are out and its lines stop. On: both come back."""
    subaccount, active = theirs(request, key), request.POST.get("active") == "1"

    was = subaccount.is_active
    try:
        text = _switched(request, subaccount, active=active)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        told = {"key": key, "active": active}
        offer = undo(request, "subaccount.switch", Right.MANAGE_SUBACCOUNTS, **told) if was != active else ""
        messages.success(request, text, extra_tags=offer)
    return redirect("subaccount", key=key)


def _switched(request: MemberRequest, subaccount: Account, *, active: bool, only_from: bool | None = None) -> str:
    lines = commands.switch(subaccount=subaccount, active=active, by=actor(request), only_from=only_from)
    which = f"{lines:,} line{'' if lines == 1 else 's'}"
    if active:
        return f"{subaccount.name} is switched on; {which} of it come back with it."
    return f"{subaccount.name} is switched off; {which} of it stop, and its people are out."


@undoes("subaccount.switch")
def undo_switch(request: MemberRequest, was: dict[str, Any]) -> str:
    return _switched(request, theirs(request, was["key"]), active=not was["active"], only_from=was["active"])


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def act_on_all(request: MemberRequest, key: str) -> HttpResponse:
    """A job over all its lines."""
    subaccount, action = theirs(request, key), OF_ALL.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    try:
        once = uuid.UUID(request.POST.get("once", ""))
    except ValueError:
        once = uuid.uuid4()
    try:
        job = commands.act_on_all(subaccount=subaccount, action=action, key=f"all:{once.hex}", by=actor(request))
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return redirect("subaccount", key=key)
    return redirect(f"/jobs/{job.uuid.hex}/")


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def assign(request: MemberRequest, key: str) -> HttpResponse:
    """A job that gives it the lines of these ICCIDs, or takes them back."""
    subaccount, form = theirs(request, key), AssignForm(request.POST)
    if form.is_valid():
        try:
            job = commands.assign(
                holder=request.account if request.POST.get("back") else subaccount,
                payer=request.account,
                iccids=form.cleaned_data["iccids"],
                key=f"assign:{form.cleaned_data['key'].hex}",
                by=actor(request),
            )
        except Refusal as refusal:
            form.add_error("iccids", refusal.message)
        else:
            return redirect(f"/jobs/{job.uuid.hex}/")
    return with_errors(request, subaccount, assign_form=form)
