"""Doors to what a person does with one line; each ends on the page it was pressed on, with a word about it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from kit.errors import Refusal
from kit.identifiers import asked

from accounts.doors import MemberRequest, needs
from accounts.policy import Actor, Right
from lines.commands import acts, wishes
from lines.commands.daily import refusal_of
from lines.commands.plans import change_plan_of_lines
from lines.commands.tags import set_tags, tag_names
from lines.models import Line
from lines.policy import Verdict
from lines.policy.budget import Costly
from lines.queries import lines_of


def act(request: MemberRequest, iccid: str, command: Callable[[Line, Actor], str]) -> HttpResponse:
    """Runs a command on a line that is this person's; a refusal is said in its own words."""
    line = lines_of(request.membership).filter(iccid__in=asked(iccid)).first()
    if line is None:
        raise Http404
    try:
        said = command(line, request.membership.user.actor)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, said)
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("line", iccid=iccid)


@require_POST
@needs(Right.ACTIVATE_LINES)
def activate(request: MemberRequest, iccid: str) -> HttpResponse:
    """Wants a line on."""

    def command(line: Line, by: Actor) -> str:
        try:
            had, outside = line.deactivation_date, request.account.is_subaccount
            wishes.activate(line=line, by=by, by_holder=outside)
        except wishes.InsufficientBalance as refusal:
            if request.membership.may(Right.SEE_MONEY):
                raise
            raise Refusal("Your provider does not allow this line to be activated now; ask there") from refusal
        line.refresh_from_db()
        said = "Activating. The line is on as soon as its carrier confirms it."
        if had and line.deactivation_date is None:
            said += f" Deactivation date {had:%-d %B %Y} removed."
        return said

    return act(request, iccid, command)


@require_POST
@needs(Right.STOP_LINES)
def deactivate(request: MemberRequest, iccid: str) -> HttpResponse:
    """Wants a line off from the next day, or at once where it is suspended."""

    def command(line: Line, by: Actor) -> str:
        line = wishes.deactivate_next_day(line=line, by=by)
        if line.deactivation_date is None:
            return "Deactivated. The line stays off until somebody activates it."
        return f"Deactivation scheduled for {line.deactivation_date:%-d %B} at 00:00 UTC."

    return act(request, iccid, command)


@require_POST
@needs(Right.MANAGE_LINES)
def keep(request: MemberRequest, iccid: str) -> HttpResponse:
    """Takes the deactivation date away."""

    def command(line: Line, by: Actor) -> str:
        wishes.keep_active(line=line, by=by)
        return "Scheduled deactivation canceled."

    return act(request, iccid, command)


@require_POST
@needs(Right.EDIT_NOTES)
def notes(request: MemberRequest, iccid: str) -> HttpResponse:
    """Changes a line's notes."""

    def command(line: Line, by: Actor) -> str:
        wishes.edit_notes(line=line, notes=request.POST.get("notes", ""), by=by)
        return "The notes are saved."

    return act(request, iccid, command)


@require_POST
@needs(Right.EDIT_NOTES)
def tags(request: MemberRequest, iccid: str) -> HttpResponse:
    """Gives a line these tags and no others; they are its payer's people's alone."""
    if request.account.is_subaccount:
        raise Http404

    def command(line: Line, by: Actor) -> str:
        set_tags(line=line, names=tag_names(given=[request.POST.get("tags", "")]), by=by)
        return "The tags are saved."

    return act(request, iccid, command)


@require_POST
@needs(Right.MANAGE_LINES)
def plan(request: MemberRequest, iccid: str) -> HttpResponse:
    """Puts a line on another rate plan of its carrier."""
    if request.account.is_subaccount:
        raise Http404

    def command(line: Line, by: Actor) -> str:
        wanted = acts.plan_of(key=request.POST.get("plan"), account=request.account)
        verdict = change_plan_of_lines(line_ids=[line.pk], plan=wanted, by=by)[line.pk]
        if verdict in (Verdict.UNCONFIRMED, Verdict.OVER_DAY):
            raise refusal_of(verdict=verdict, kind=Costly.SETTING)
        if verdict.is_refusal:
            raise Refusal(f"{wanted.name} is another carrier’s rate plan; choose one of this line’s carrier")
        return f"The rate plan is {wanted.name}. What is read from now on is at its prices."

    return act(request, iccid, command)
