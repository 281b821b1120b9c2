"""Doors to what a person does with one line; each ends on the page it was pressed on, with a word about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from kit.errors import NotFound, Refusal
from kit.identifiers import asked

from accounts.doors import MemberRequest, needs
from accounts.policy import Actor, Right
from accounts.undoing import undo, undoes
from lines.commands import acts, undoing, wishes
from lines.commands.daily import refusal_of
from lines.commands.plans import change_plan_of_lines
from lines.commands.tags import set_tags, tag_names
from lines.models import Line
from lines.policy import Action, Verdict
from lines.policy import undoing as way_back
from lines.policy.budget import Costly
from lines.queries import lines_of

Offer = Callable[[], str]  # after a command: what its message offers, as accounts.undoing writes it


def act(
    request: MemberRequest,
    iccid: str,
    command: Callable[[Line, Actor], str],
    offer: Callable[[Line], Offer] = lambda _line: str,
) -> HttpResponse:
    """Runs a command on a line that is this person's; a refusal is said in its own words, what was done offers Undo.
    `offer` looks at the line before."""
    line = _theirs(request, iccid)
    if line is None:
        raise Http404
    offered = offer(line)
    try:
        said = command(line, request.membership.user.actor)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, said, extra_tags=offered())
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("line", iccid=iccid)


def _theirs(request: MemberRequest, iccid: str) -> Line | None:
    return lines_of(request.membership).filter(iccid__in=asked(iccid)).first()


def _undo_of(request: MemberRequest, action: Action) -> Callable[[Line], Offer]:
    """Offers the way back of an action, where there is one and something was done."""

    def look(line: Line) -> Offer:
        was = undoing.was(line=line)
        former = undoing.before(action=action, was=was)

        def offer() -> str:
            since, opposite = undoing.was(line=line), way_back(action, former)
            if opposite is None or since == was or (request.account.is_subaccount and action is not Action.ACTIVATE):
                return ""
            told = {"iccid": line.iccid, "action": action, "former": former, "since": since}
            return undo(request, "line", opposite[0].right, **told)

        return offer

    return look


@undoes("line")
def undo_line(request: MemberRequest, was: dict[str, Any]) -> str:
    """Activated, deactivated, kept or put on another plan."""
    line, by = _found(request, was), request.membership.user.actor
    undoing.undo_act(line=line, action=Action(was["action"]), former=was["former"], since=was["since"], by=by)
    return f"Undone. Line {line.iccid} goes back to what it was."


def _found(request: MemberRequest, was: dict[str, Any]) -> Line:
    line = _theirs(request, was["iccid"])
    if line is None:
        raise NotFound("This line is no longer one of yours")
    return line


@undoes("line.notes")
def undo_notes(request: MemberRequest, was: dict[str, Any]) -> str:
    line, by = _found(request, was), request.membership.user.actor
    undoing.undo_notes(line=line, former=was["former"], since=was["since"], by=by)
    return "The notes are as before."


@undoes("line.tags")
def undo_tags(request: MemberRequest, was: dict[str, Any]) -> str:
    line, by = _found(request, was), request.membership.user.actor
    undoing.undo_tags(line=line, former=was["former"], since=was["since"], by=by)
    return "The tags are as before."


def _undo_text(request: MemberRequest, what: str, read: Callable[[Line], Any]) -> Callable[[Line], Offer]:
    def look(line: Line) -> Offer:
        former = read(line)

        def offer() -> str:
            line.refresh_from_db()
            since = read(line)
            told = {"iccid": line.iccid, "former": former, "since": since}
            return "" if since == former else undo(request, what, Right.EDIT_NOTES, **told)

        return offer

    return look


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

    return act(request, iccid, command, _undo_of(request, Action.ACTIVATE))


@require_POST
@needs(Right.STOP_LINES)
def deactivate(request: MemberRequest, iccid: str) -> HttpResponse:
    """Wants a line off from the next day, or at once where it is suspended."""

    def command(line: Line, by: Actor) -> str:
        line = wishes.deactivate_next_day(line=line, by=by)
        if line.deactivation_date is None:
            return "Deactivated. The line stays off until somebody activates it."
        return f"Deactivation scheduled for {line.deactivation_date:%-d %B} at 00:00 UTC."

    return act(request, iccid, command, _undo_of(request, Action.DEACTIVATE_NEXT_DAY))


@require_POST
@needs(Right.MANAGE_LINES)
def keep(request: MemberRequest, iccid: str) -> HttpResponse:
    """Takes the deactivation date away."""

    def command(line: Line, by: Actor) -> str:
        wishes.keep_active(line=line, by=by)
        return "Scheduled deactivation canceled."

    return act(request, iccid, command, _undo_of(request, Action.KEEP))


@require_POST
@needs(Right.EDIT_NOTES)
def notes(request: MemberRequest, iccid: str) -> HttpResponse:
    """Changes a line's notes."""

    def command(line: Line, by: Actor) -> str:
        wishes.edit_notes(line=line, notes=request.POST.get("notes", ""), by=by)
        return "The notes are saved."

    return act(request, iccid, command, _undo_text(request, "line.notes", lambda line: line.notes))


@require_POST
@needs(Right.EDIT_NOTES)
def tags(request: MemberRequest, iccid: str) -> HttpResponse:
    """Gives a line these tags and no others; they are its payer's people's alone."""
    if request.account.is_subaccount:
        raise Http404

    def command(line: Line, by: Actor) -> str:
        set_tags(line=line, names=tag_names(given=[request.POST.get("tags", "")]), by=by)
        return "The tags are saved."

    return act(request, iccid, command, _undo_text(request, "line.tags", lambda line: undoing.tags_of(line=line)))


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

    return act(request, iccid, command, _undo_of(request, Action.PLAN))
