"""Doors to an account's people: the list, invitations, one person, who owns the account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from kit.errors import Changed, Refusal
from kit.factors import door_to_factor, gave_factor

from accounts import queries
from accounts.commands import invitations, staff
from accounts.commands.handover import keys_seen_by
from accounts.doors import MemberRequest, base_url, confirmed, confirmed_first, needs
from accounts.forms import InviteForm, RoleForm
from accounts.models import Account, Invitation, Membership, User
from accounts.policy import Right
from accounts.undoing import undo, undoes

Act = Callable[[], str]


def said(request: HttpRequest, act: Act, offer: str = "") -> None:
    """Do it and say how it went; a refusal in its own words. `offer`: what the message offers (accounts.undoing)."""
    try:
        messages.success(request, act(), extra_tags=offer)
    except Refusal as refusal:
        messages.error(request, refusal.message)


def keeps_keys(request: HttpRequest) -> bool:
    """Whether the form asks that keys go on working which somebody knows who leaves."""
    return request.POST.get("keep_keys") == "1"


@require_GET
@needs(Right.MANAGE_PEOPLE)
def staff_list(request: MemberRequest) -> HttpResponse:
    return _list(request, InviteForm())


def _list(request: MemberRequest, form: InviteForm) -> HttpResponse:
    places = list(queries.staff_of(request.account))
    with_factor = set(
        Authenticator.objects.filter(user__in=[place.user_id for place in places])
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .values_list("user_id", flat=True)
    )
    context: dict[str, Any] = {
        "places": [(place, place.user_id in with_factor) for place in places],
        "without_factor": len({place.user_id for place in places if place.is_active} - with_factor),
        "invitations": queries.invitations_of(request.account),
        "offer": queries.offer_of(request.account),
        "form": form,
    }
    return render(request, "accounts/staff.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Right.MANAGE_PEOPLE)
def invite(request: MemberRequest) -> HttpResponse:
    """Each address for itself: one that cannot be invited keeps nobody else from it."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _list(request, form)
    if away := confirmed_first(request, back=reverse("staff")):
        return away
    by, address, asked = request.membership.user.actor, base_url(request), []
    for email in form.cleaned_data["emails"]:
        try:
            invitations.invite(
                account=request.account, email=email, role=form.cleaned_data["role"], address=address, by=by
            )
            asked.append(email)
        except Refusal as refusal:
            messages.error(request, refusal.message)
    if asked:
        messages.success(request, f"Invited: {', '.join(asked)}. The mails leave within a minute.")
    return redirect("staff")


def _invitation(request: MemberRequest, pk: int) -> Invitation:
    return get_object_or_404(queries.invitations_of(request.account), pk=pk)


@require_POST
@needs(Right.MANAGE_PEOPLE)
def invite_again(request: MemberRequest, invitation: int) -> HttpResponse:
    row, by = _invitation(request, invitation), request.membership.user.actor

    def act() -> str:
        invitations.send_again(invitation=row, by=by)
        return f"{row.email} gets a new link; the one before no longer works."

    said(request, act)
    return redirect("staff")


@require_POST
@needs(Right.MANAGE_PEOPLE)
def withdraw(request: MemberRequest, invitation: int) -> HttpResponse:
    row, by = _invitation(request, invitation), request.membership.user.actor

    def act() -> str:
        invitations.withdraw(invitation=row, by=by)
        return f"The invitation of {row.email} is withdrawn; its link no longer works."

    said(request, act)
    return redirect("staff")


def _place(request: MemberRequest, pk: int) -> Membership:
    return get_object_or_404(queries.staff_of(request.account).select_related("account"), pk=pk)


@require_GET
@needs(Right.MANAGE_PEOPLE)
def person(request: MemberRequest, place: int) -> HttpResponse:
    """One of the staff, and what can be done about them."""
    row = _place(request, place)
    context = {
        "place": row,
        "has_factor": is_mfa_enabled(row.user),
        "knows_keys": keys_seen_by(account=request.account, email=row.user.email),
        "sessions": UserSession.objects.filter(user=row.user).count(),
        "form": RoleForm(initial={"role": row.role}),
        "offer": queries.offer_of(request.account),
    }
    return render(request, "accounts/person.html", context)


@require_POST
@needs(Right.MANAGE_PEOPLE)
def change_role(request: MemberRequest, place: int) -> HttpResponse:
    row, form = _place(request, place), RoleForm(request.POST)
    if not form.is_valid():
        raise Http404

    def act() -> str:
        changed = staff.change_role(place=row, role=form.cleaned_data["role"], by=request.membership.user.actor)
        return f"{row.user.email} is {changed.get_role_display().lower()} now."

    said(request, act)
    return redirect("person", place=place)


@require_POST
@needs(Right.MANAGE_PEOPLE)
def switch(request: MemberRequest, place: int, to: str) -> HttpResponse:
    """Activate or deactivate one of the staff."""
    row, by = _place(request, place), request.membership.user.actor

    def act() -> str:
        if to == "activate":
            staff.activate(place=row, by=by)
            return f"{row.user.email} may log in again."
        staff.deactivate(place=row, by=by, keep_keys=keeps_keys(request))
        return f"{row.user.email} is deactivated and logged out everywhere."

    wants_on = to == "activate"
    offer = undo(request, "person", Right.MANAGE_PEOPLE, pk=place, on=wants_on) if row.is_active != wants_on else ""
    said(request, act, offer)
    return redirect("person", place=place)


@undoes("person")
def undo_switch(request: MemberRequest, was: dict[str, Any]) -> str:
    """Keys that were replaced stay so."""
    row, by = queries.staff_of(request.account).filter(pk=was["pk"]).first(), request.membership.user.actor
    if row is None or row.is_active is not was["on"]:
        raise Changed
    if was["on"]:
        staff.deactivate(place=row, by=by, keep_keys=True)
        return f"{row.user.email} is deactivated again."
    staff.activate(place=row, by=by)
    return f"{row.user.email} may log in again."


@require_POST
@needs(Right.MANAGE_PEOPLE)
def log_out(request: MemberRequest, place: int) -> HttpResponse:
    """Ends every session of one of the staff, as after a lost phone."""
    row = _place(request, place)
    if away := confirmed_first(request, back=reverse("person", args=[place])):
        return away

    def act() -> str:
        staff.log_out(place=row, by=request.membership.user.actor)
        return f"{row.user.email} is logged out everywhere."

    said(request, act)
    return redirect("person", place=place)


@require_POST
@needs(Right.MANAGE_PEOPLE)
def delete(request: MemberRequest, place: int) -> HttpResponse:
    row = _place(request, place)

    def act() -> str:
        staff.remove(place=row, by=request.membership.user.actor, keep_keys=keeps_keys(request))
        return f"{row.user.email} is no longer among this account's people."

    said(request, act)
    return redirect("staff")


@require_POST
@needs(Right.MANAGE_PEOPLE)
def demand_factor(request: MemberRequest) -> HttpResponse:
    """Ask all staff for a second factor; who asks for it has one."""
    demanded = request.POST.get("demanded") == "1"
    if demanded and not gave_factor(request):
        messages.error(request, "Set up two-factor authentication for yourself first, then require it of everybody.")
        return redirect(door_to_factor(request))

    def act() -> str:
        staff.demand_second_factor(account=request.account, demanded=demanded, by=request.membership.user.actor)
        return "Everybody needs a second factor now." if demanded else "A second factor is everybody's own choice now."

    said(request, act)
    return redirect("staff")


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_PEOPLE)
@confirmed
def offer(request: MemberRequest, place: int) -> HttpResponse:
    """Offer the account to one of the staff; asked before it is done."""
    row = _place(request, place)
    if request.method == "GET":
        return render(request, "accounts/offer.html", {"place": row})

    def act() -> str:
        staff.offer_ownership(to=row, address=base_url(request), by=request.membership.user)
        return f"The ownership is offered to {row.user.email}. You stay the owner until they accept."

    said(request, act)
    return redirect("staff")


@require_POST
@needs(Right.MANAGE_PEOPLE)
def withdraw_offer(request: MemberRequest) -> HttpResponse:
    def act() -> str:
        staff.withdraw_offer(account=request.account, by=request.membership.user)
        return "The offer is withdrawn; you stay the owner."

    said(request, act)
    return redirect("staff")


@require_http_methods(["GET", "POST"])
@login_required
@confirmed
def ownership(request: HttpRequest) -> HttpResponse:
    """What is offered to this person: accept or decline."""
    user = request.user
    assert isinstance(user, User)
    if request.method == "GET":
        return render(request, "accounts/ownership.html", {"offers": queries.offers_to(user)})
    offered = {offer.account.uuid.hex: offer for offer in queries.offers_to(user)}
    found = offered.get(request.POST.get("account", ""))
    if found is None:
        messages.error(request, "This offer has ended or was withdrawn.")
        return redirect("ownership")
    account, accepts = found.account, request.POST.get("answer") == "accept"
    said(request, lambda: _answer(account, user, accepts=accepts, keep_keys=keeps_keys(request)))
    return redirect("profile")


def _answer(account: Account, user: User, *, accepts: bool, keep_keys: bool) -> str:
    if accepts:
        staff.accept_ownership(account=account, by=user, keep_keys=keep_keys)
        kept = "Its API keys still work." if keep_keys else "Its API keys were replaced."
        return f"{account.name} is yours now. {kept}"
    staff.decline_ownership(account=account, by=user)
    return f"You declined; {account.name} keeps its owner."
