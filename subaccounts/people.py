"""Doors to a sub-account's logins: who is invited, who is in, who is out."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from kit.errors import Refusal

from accounts.commands import invitations, staff
from accounts.doors import MemberRequest, confirmed_first, needs
from accounts.models import Account, Membership
from accounts.policy import Right, Role
from accounts.queries import invitations_of, staff_of
from subaccounts import queries
from subaccounts.forms import InviteForm
from subaccounts.views import actor, here, said, theirs, with_errors


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def invite(request: MemberRequest, key: str) -> HttpResponse:
    subaccount, form = theirs(request, key), InviteForm(request.POST)
    if not form.is_valid():
        return with_errors(request, subaccount, invite_form=form)
    if away := confirmed_first(request, back=reverse("subaccount", args=[key])):
        return away
    try:
        invitations.invite(
            account=subaccount,
            email=form.cleaned_data["email"],
            role=Role(form.cleaned_data["role"]),
            address=queries.console_of(subaccount, here=here(request)),
            by=actor(request),
        )
    except Refusal as refusal:
        form.add_error("email", refusal.message)
        return with_errors(request, subaccount, invite_form=form)
    return redirect("subaccount", key=key)


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def invitation(request: MemberRequest, key: str, number: int) -> HttpResponse:
    """Send it again, or take it back."""
    asked = invitations_of(theirs(request, key)).filter(pk=number).first()
    if asked is None:
        raise Http404

    def act() -> str:
        if request.POST.get("do") == "again":
            invitations.send_again(invitation=asked, by=actor(request))
            return f"A new link goes to {asked.email}; the one before works no longer."
        invitations.withdraw(invitation=asked, by=actor(request))
        return f"The invitation of {asked.email} is withdrawn."

    said(request, act)
    return redirect("subaccount", key=key)


@require_POST
@needs(Right.MANAGE_SUBACCOUNTS)
def person(request: MemberRequest, key: str, number: int) -> HttpResponse:
    """Shut a login out, let it in again, remove it, or say whether it owns the sub-account."""
    subaccount = theirs(request, key)
    place = staff_of(subaccount).filter(pk=number).first()
    does: dict[str, Callable[..., object]] = {
        "deactivate": staff.deactivate,
        "activate": staff.activate,
        "remove": staff.remove,
    }
    do = request.POST.get("do", "")
    if place is not None and do in ("owner", "user") and request.membership.may(Right.MANAGE_KEYS):
        return _own(request, subaccount, place, is_owner=do == "owner")
    if place is None or do not in does:
        raise Http404

    def act() -> str:
        does[do](place=place, by=actor(request))  # what they knew of its keys ends with them
        return f"{place.user.email} is {'removed' if do == 'remove' else f'{do}d'}."

    said(request, act)
    return redirect("subaccount", key=key)


def _own(request: MemberRequest, subaccount: Account, place: Membership, *, is_owner: bool) -> HttpResponse:
    """With the ownership go the sub-account's API credentials, so it is the account's owner who gives it."""
    email = place.user.email
    if away := confirmed_first(request, back=reverse("subaccount", args=[subaccount.uuid.hex])):
        return away

    def act() -> str:
        if is_owner:
            staff.name_owner(subaccount=subaccount, place=place, by=actor(request))
            return f"{email} owns {subaccount.name} now. Keys of a former owner were replaced."
        if place.role == Role.OWNER:
            staff.name_owner(subaccount=subaccount, place=None, by=actor(request))
        return f"{email} no longer owns {subaccount.name}. Its API keys were replaced."

    said(request, act)
    return redirect("subaccount", key=subaccount.uuid.hex)
