"""Doors to caps: all of them and how full they are; add, change, delete."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST
from kit.errors import Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from automation.forms_caps import CapForm, ChangeCapForm
from automation.views.parts import actor
from lines.caps_words import exact
from lines.commands import caps
from lines.models import Cap
from lines.policy.caps import CapAction
from lines.queries.caps import cap_of, caps_of


@require_GET
@needs(Right.SEE_LINES)
def cap_list(request: MemberRequest) -> HttpResponse:
    """All caps, the fullest first."""
    return _shown(request, None)


def _shown(request: MemberRequest, form: CapForm | None) -> HttpResponse:
    may_change = request.membership.may(Right.MANAGE_LINES)
    rows = [
        {
            "cap": one,
            "form": ChangeCapForm(
                initial={"limit": exact(one.cap.limit), "action": one.cap.action}, auto_id=f"{one.cap.uuid.hex}_%s"
            ),
        }
        for one in caps_of(request.account)
    ]
    context = {
        "tab": "caps",
        "rows": rows,
        "may_change": may_change,
        "form": (form or CapForm(account=request.account)) if may_change else None,
        "full": sum(row["cap"].is_full for row in rows),  # type: ignore[attr-defined]
    }
    response = page(request, "automation/caps.html", context)
    response.status_code = 422 if form is not None and form.errors else 200
    return response


@require_POST
@needs(Right.MANAGE_LINES)
def new_cap(request: MemberRequest) -> HttpResponse:
    """One more cap."""
    form = CapForm(request.POST, account=request.account)
    if form.is_valid():
        try:
            caps.add_cap(account=request.account, draft=form.draft(), by=actor(request))
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, "Cap added.")
            return redirect("caps")
    return _shown(request, form)


def _theirs(request: MemberRequest, key: str) -> Cap:
    found = cap_of(request.account, key)
    if found is None:
        raise Http404
    return found


@require_POST
@needs(Right.MANAGE_LINES)
def change_cap(request: MemberRequest, key: str) -> HttpResponse:
    """Another limit, or something else to do when it is full."""
    found, form = _theirs(request, key), ChangeCapForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Cap not changed. {next(iter(form.errors.values()))[0]}")
        return redirect("caps")
    given = form.cleaned_data
    try:
        caps.change_cap(cap=found, limit=given["limit"], action=CapAction(given["action"]), by=actor(request))
    except Refusal as refusal:
        messages.error(request, f"Cap not changed. {refusal.message}")
    else:
        messages.success(request, "Cap changed.")
    return redirect("caps")


@require_POST
@needs(Right.MANAGE_LINES)
def delete_cap(request: MemberRequest, key: str) -> HttpResponse:
    """The lines that it alone held off start again."""
    caps.delete_cap(cap=_theirs(request, key), by=actor(request))
    messages.success(request, "Cap deleted.")
    return redirect("caps")
