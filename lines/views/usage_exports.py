"""Doors to files of what the whole fleet used: asked for, followed, downloaded."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from kit import clock
from kit.errors import Refusal
from kit.exports import file_answer
from kit.htmx import page

from accounts.commands.exports import KEPT
from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from lines import forms
from lines.commands import usage_exports as commands
from lines.models import UsageExport
from lines.policy import ExportKind
from lines.queries import usage_exports as queries
from lines.queries.sought import EVERYTHING, Sought

KINDS = ((ExportKind.DAYS, "Usage by line and day"), (ExportKind.SESSIONS, "Sessions"))
NAMES = ("plan", "subaccount", "tag")  # what lines may be chosen by


@require_http_methods(["GET", "POST"])
@needs(Right.SEE_LINES)
def usage_exports(request: MemberRequest) -> HttpResponse:
    """All files, and a form that asks for one more; htmx gets the files with how far they are."""
    choices = forms.choices_for(request.membership)
    said = ""
    if request.method == "POST":
        try:
            _ask(request, choices)
        except Refusal as refusal:
            said = refusal.message
        else:
            messages.success(request, "Export queued. You may leave this page.")
            return redirect("usage-exports")
    files = [one for one in queries.usage_exports_of(request.account) if _may_see(request, one)]
    context = {
        "files": [(one, dict(KINDS)[ExportKind(one.kind)], one.asked_at + KEPT) for one in files],
        "is_writing": any(one.is_open for one in files),
        "choices": choices,
        "kinds": [(kind.value, label) for kind, label in KINDS],
        "formats": commands.FORMATS,
        "given": request.POST,
        "said": said,
        "start": request.POST.get("start", clock.today().replace(day=1).isoformat()),
        "end": request.POST.get("end", clock.today().isoformat()),
        "longest": commands.LONGEST,
        "kept": KEPT.days,
    }
    response = page(request, "lines/usage_exports.html", context, part="files")
    response.status_code = 422 if said else 200
    return response


def _ask(request: MemberRequest, choices: forms.Choices) -> UsageExport:
    given = request.POST
    start, end = clock.day_from(given.get("start", "")), clock.day_from(given.get("end", ""))
    if start is None or end is None:
        raise Refusal("Enter the first and the last day.")
    if given.get("kind") not in list(ExportKind):
        raise Refusal("Choose what to export.")
    asked = forms.asked_from(given, choices)
    if any(given.get(name) and not getattr(asked, name) for name in NAMES):
        raise Refusal("Choose a rate plan, sub-account and tag from the lists.")
    sought = Sought(
        plan_id=int(asked.plan) if asked.plan else None,
        account_uuid=request.account.uuid.hex if asked.subaccount == "own" else asked.subaccount,
        tag=next((one.name for one in choices.tags if str(one.pk) == asked.tag), ""),
    )
    return commands.ask_usage_export(
        account=request.account,
        kind=ExportKind(given["kind"]),
        format=given.get("format", ""),
        start=start,
        end=end,
        sought=sought,
        said="all lines" if sought == EVERYTHING else forms.said(asked, choices),
        sees_money=request.membership.may(Right.SEE_MONEY),
        by=request.membership.user.actor,
    )


def _may_see(request: MemberRequest, export: UsageExport) -> bool:
    return request.membership.may(Right.SEE_MONEY) or not export.sees_money


def _theirs(request: MemberRequest, key: str) -> UsageExport:
    found = queries.usage_export_of(request.account, key)
    if found is None or not _may_see(request, found):
        raise Http404
    return found


@require_GET
@needs(Right.SEE_LINES)
def usage_export_file(request: MemberRequest, key: str) -> HttpResponse:
    """A written file, piece by piece."""
    found = _theirs(request, key)
    if found.done_at is None:
        raise Http404
    pieces = commands.take_usage_export(export=found, by=request.membership.user.actor)
    return file_answer(f"usage-{found.kind}-{found.start}-{found.end}.{found.format}", pieces)


@require_POST
@needs(Right.SEE_LINES)
def delete_usage_export(request: MemberRequest, key: str) -> HttpResponse:
    """It is gone; one that is being written ends."""
    commands.delete_usage_export(export=_theirs(request, key), by=request.membership.user.actor)
    messages.success(request, "Export deleted.")
    return redirect("usage-exports")
