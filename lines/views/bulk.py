"""Doors to what is done with many lines: choosing them, and looking at what would happen."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from kit.errors import Refusal
from kit.identifiers import is_iccid
from kit.tables import rows_of_text

from accounts.doors import MemberRequest, misread, needs
from accounts.models import Membership
from accounts.policy import Right
from lines import forms, queries
from lines.commands import jobs, lists
from lines.job_words import ACTIONS
from lines.models import Job
from lines.policy import OF_SUBACCOUNTS, Action
from lines.queries import Asked
from lines.queries.plans import plans_for

OFFERED = (
    Action.ACTIVATE,
    Action.DEACTIVATE_NEXT_DAY,
    Action.KEEP,
    Action.SMS,
    Action.ASSIGN,
    Action.PLAN,
    Action.TAG,
    Action.UNTAG,
    Action.RESET_TAGS,
    Action.FIELDS,
)
LARGEST_FILE = 4 * 1024 * 1024  # bytes


def offered_to(membership: Membership, choices: forms.Choices) -> list[Action]:
    """What a person may do with many lines."""
    return [
        action
        for action in OFFERED
        if membership.may(action.right)
        if action in OF_SUBACCOUNTS or not membership.account.is_subaccount
        if action is not Action.ASSIGN or choices.subaccounts
        if action not in (Action.UNTAG, Action.RESET_TAGS) or choices.tags
        if action is not Action.FIELDS or choices.fields
    ]


@require_http_methods(["GET", "POST"])
@needs(Right.SEE_LINES)
def bulk(request: MemberRequest) -> HttpResponse:
    """What to do with the lines of the address' filters, or with ticked ones; a job to look at comes of it."""
    membership = request.membership
    choices = forms.choices_for(membership)
    asked = forms.asked_from(request.GET, choices)
    offered = offered_to(membership, choices)
    if not offered:
        raise Http404
    if back := misread(request, forms.filters(asked), beside=(*forms.SHOWN_AS, "action"), to="lines"):
        return back
    if request.method == "POST":
        return _preview(request, asked, choices, offered)
    action = _action(request.GET.get("action", ""), offered)
    context: dict[str, Any] = {
        "asked": asked,
        "choices": choices,
        "said": forms.said(asked, choices),
        "total": queries.count_lines(membership, asked),
        "counted": queries.COUNTED,
        "action": action,
        "words": ACTIONS[action] if action else None,
        "offered": [
            (one, ACTIONS[one], f"{_with(forms.address(asked, to='lines-bulk'))}action={one}") for one in offered
        ],
        "target": forms.address(asked, to="lines-bulk"),
        "list_address": forms.address(asked),
        "plans": plans_for(request.account).select_related("carrier").order_by("name") if action is Action.PLAN else [],
        "most": jobs.MOST_LINES,
    }
    return render(request, "lines/bulk.html", context)


def _with(address: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}"


def _action(text: str, offered: list[Action]) -> Action | None:
    return next((action for action in offered if action == text), None)


def _preview(request: MemberRequest, asked: Asked, choices: forms.Choices, offered: list[Action]) -> HttpResponse:
    membership = request.membership
    ticked = [iccid for iccid in request.POST.getlist("line") if is_iccid(iccid)]
    action = _action(request.POST.get("action", ""), offered)
    is_of_ticks = bool(ticked) or "ticked" in request.POST
    try:
        if is_of_ticks and not ticked:
            raise Refusal("No line is ticked; tick some, or act on all that match")
        if action is None:  # ticked lines, and more to be said about them
            key = lists.keep_list(account=membership.account, iccids=ticked).uuid.hex if ticked else ""
            return redirect(forms.address(Asked(list=key) if key else asked, to="lines-bulk"))
        job = _job(request, asked, choices, action, ticked)
    except Refusal as refusal:
        messages.error(request, refusal.message)
        if is_of_ticks:
            return redirect(forms.address(asked))
        return redirect(f"{_with(forms.address(asked, to='lines-bulk'))}action={action or ''}")
    return redirect("job", key=job.uuid.hex)


def _job(request: MemberRequest, asked: Asked, choices: forms.Choices, action: Action, ticked: list[str]) -> Job:
    membership = request.membership
    if ticked:
        lines = queries.lines_of(membership).filter(iccid__in=ticked)
        said = f"{len(ticked)} ticked line{'s' if len(ticked) > 1 else ''}"
    else:
        lines, said = queries.chosen_lines(membership, asked), forms.said(asked, choices)
    return jobs.preview_job(
        account=membership.account,
        lines=lines,
        action=action,
        parameters=_parameters(request, action, choices),
        selection=said,
        by=membership.user.actor,
    )


def _parameters(request: MemberRequest, action: Action, choices: forms.Choices) -> dict[str, Any]:
    given = request.POST
    match action:
        case Action.SMS:
            return {"text": given.get("text", "")}
        case Action.ASSIGN:
            return {"account": given.get("account", "")}
        case Action.PLAN:
            return {"plan": given.get("plan", "")}
        case Action.TAG | Action.UNTAG:
            return {"tags": given.getlist("tags")}
        case Action.FIELDS:
            return {"fields": _fields(request, choices)}
    return {}


def _fields(request: MemberRequest, choices: forms.Choices) -> dict[str, str]:
    """By name what fields are to have: a value, or none where that is ticked. Raises Refusal."""
    found: dict[str, str] = {}
    for field in choices.fields:
        value = request.POST.get(f"field-{field.uuid.hex}", "").strip()
        if f"clear-{field.uuid.hex}" in request.POST:
            if value:
                raise Refusal(f"{field.name}: enter a value or select Clear, not both.")
            found[field.name] = ""
        elif value:
            found[field.name] = value
    if not found:
        raise Refusal("Enter a value in at least one field, or select Clear.")
    return found


@require_http_methods(["GET", "POST"])
@needs(Right.SEE_LINES)
def find(request: MemberRequest) -> HttpResponse:
    """Lines by a list of ICCIDs that is pasted or uploaded; it becomes a filter of the list, or of what is done."""
    to = "lines-bulk" if request.GET.get("to") == "bulk" else "lines"
    if request.method == "POST":
        try:
            found = lists.iccids_of(rows=rows_of_text(uploaded(request, "iccids")))
            kept = lists.keep_list(account=request.account, iccids=found.iccids)
        except Refusal as refusal:
            messages.error(request, refusal.message)
        else:
            if found.unread:
                messages.warning(request, _unread(found.unread))
            return redirect(forms.address(Asked(list=kept.uuid.hex), to=to))
    context = {"text": request.POST.get("iccids", ""), "to": to, "target": request.get_full_path(), "most": lists.MOST}
    return render(request, "lines/find.html", context)


def _unread(rows: list[tuple[int, str]], some: int = 5) -> str:
    """What a person is told of rows without an ICCID."""
    told = " ".join(f"Row {number}: {why}" for number, why in rows[:some])
    more = f" And {len(rows) - some:,} more." if len(rows) > some else ""
    return f"{len(rows):,} rows without an ICCID left out. {told}{more}" if len(rows) > 1 else f"Left out: {told}"


def uploaded(request: MemberRequest, name: str) -> bytes:
    """What is in an uploaded file, or else what was written into the field of this name. Raises Refusal."""
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get(name, "").encode()
    if file.size is None or file.size > LARGEST_FILE:
        raise Refusal("The file is larger than 4 MB. Split it, and upload the parts one by one.")
    content: bytes = file.read()
    return content
