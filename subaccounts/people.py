"""Doors to a sub-account's logins: who is invited, who is in, who is out."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST
from kit.errors import Refusal

from accounts.commands import invitations, staff
from accounts.doors import MemberRequest, needs
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
    """Shut a login out, let it in again, or remove it."""
    place = staff_of(theirs(request, key)).filter(pk=number).first()
    does = {"deactivate": staff.deactivate, "activate": staff.activate, "remove": staff.remove}
    do = request.POST.get("do", "")
    if place is None or do not in does:
        raise Http404

    def act() -> str:
        does[do](place=place, by=actor(request))
        return f"{place.user.email} is {'removed' if do == 'remove' else f'{do}d'}."

    said(request, act)
    return redirect("subaccount", key=key)
