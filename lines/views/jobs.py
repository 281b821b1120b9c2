"""Doors to jobs: the list, one before it begins, while it runs and when it is over, and its lines as a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST
from kit.errors import Refusal
from kit.exports import csv_answer
from kit.htmx import page
from kit.sql import streamed

from accounts.doors import MemberRequest, misread, needs
from accounts.models import Account
from accounts.policy import Right
from lines.commands import jobs as commands
from lines.job_words import ACTIONS, ITEMS, reason, state_word
from lines.models import CustomField, Job, JobItem, RatePlan
from lines.policy import Action, Item, JobState, Verdict
from lines.queries import jobs as queries

ROWS = 50
TRAY = 6  # the latest; those that run are among them
MOVES = {
    "start": commands.start,
    "pause": commands.pause,
    "resume": commands.resume,
    "cancel": commands.cancel,
    "retry": commands.retry_failed,
}


@require_GET
@needs(Right.SEE_LINES)
def job_list(request: MemberRequest) -> HttpResponse:
    """Every job of the account, latest first."""
    if back := misread(request, {}, beside=("before",)):
        return back
    before = _whole(request.GET.get("before"))
    found = queries.jobs_of(request.membership)
    rows = list((found.filter(pk__lt=before) if before else found)[: ROWS + 1])
    context = {
        "jobs": [(job, ACTIONS[Action(job.action)], state_word(job)) for job in rows[:ROWS]],
        "next": f"?before={rows[ROWS - 1].pk}" if len(rows) > ROWS else "",
        "here": request.get_full_path(),
        "runs": any(job.state == JobState.RUNNING for job in rows),
    }
    return page(request, "lines/jobs.html", context, part="jobs")


@require_GET
@needs(Right.SEE_LINES)
def job_tray(request: MemberRequest) -> HttpResponse:
    """The header's tray: what runs now, and what ran last. Without htmx the whole list."""
    if not request.htmx:
        return redirect("jobs")
    rows = list(queries.jobs_of(request.membership)[:TRAY])
    context = {
        "tray": [(job, ACTIONS[Action(job.action)], state_word(job)) for job in rows],
        "is_read": True,
    }
    return page(request, "lines/tray.html", context, part="tray")


def _job(request: MemberRequest, key: str) -> Job:
    job = queries.job_of(request.membership, key)
    if job is None:
        raise Http404
    return job


@require_GET
@needs(Right.SEE_LINES)
def job_page(request: MemberRequest, key: str) -> HttpResponse:
    """What will happen to how many; how far it is; what became of each line."""
    job, membership = _job(request, key), request.membership
    if back := misread(request, {"which": _which(request) is not None}, beside=("after",)):
        return back
    action, state = Action(job.action), JobState(job.state)
    context: dict[str, Any] = {
        "job": job,
        "action": action,
        "words": ACTIONS[action],
        "state": state_word(job),
        "about": _about(action, job.parameters, request.account),
        "may": membership.may(action.right),
        "may_see_money": membership.may(Right.SEE_MONEY),
        "may_pay": membership.may(Right.MANAGE_MONEY),
        "here": request.get_full_path(),
        "is_live": state is JobState.RUNNING,
    }
    if state is JobState.PREVIEWED:
        said = queries.forecast(job)
        outside = request.account.is_subaccount
        refused = {verdict: count for verdict, count in said.verdicts.items() if verdict.is_refusal}
        context |= {
            "forecast": said,
            "same": said.verdicts.get(Verdict.SAME, 0),
            "refusals": [(count, reason(verdict, "", outside=outside)) for verdict, count in refused.items()],
        }
    else:
        context |= _progress(request, job)
        context["undos"] = [
            (undo, ACTIONS[undo.action], _about(undo.action, undo.parameters, request.account))
            for undo in queries.undos_of(membership, job, most=queries.UNDOS_SHOWN)
        ]
        context["is_live"] = state is JobState.RUNNING or bool(context["waiting"])
    return page(request, "lines/job.html", context, part="job")


def _which(request: MemberRequest) -> Item | None:
    return {item.name.lower(): item for item in Item}.get(request.GET.get("which", ""))


def _progress(request: MemberRequest, job: Job) -> dict[str, Any]:
    outside = request.account.is_subaccount
    which = _which(request)
    after = _whole(request.GET.get("after"))
    items = queries.items_of(job, state=which, after=after, limit=ROWS + 1)
    counts = {
        Item.DONE: job.done,
        Item.SAME: job.same,
        Item.REFUSED: job.refused,
        Item.FAILED: job.failed,
        Item.WAITING: job.left,
    }
    waiting = queries.waiting_for_carriers(job)
    pace = queries.pace_of(job)
    asked = {"which": which.name.lower()} if which is not None else {}
    return {
        "counts": [(ITEMS[item], item.name.lower(), count, item is which) for item, count in counts.items() if count],
        "is_all": which is None,
        "rows": [(one, ITEMS[Item(one.state)], reason(one.verdict, one.note, outside=outside)) for one in items[:ROWS]],
        "next": f"?{urlencode(asked | {'after': items[ROWS - 1].pk})}" if len(items) > ROWS else "",
        "is_first": not after,
        "reasons": [
            (count, reason(verdict, note, outside=outside))
            for item in (Item.REFUSED, Item.FAILED)
            for verdict, note, count in (queries.count_by_verdict(job, item) if counts[item] else [])
        ],
        "pace": pace,
        "left": _lasting(pace.left) if pace and pace.left is not None else "",
        "waiting": waiting,
        "confirmed": job.done - waiting,
        "drives": Action(job.action) in queries.DRIVING,
        "again": job.refused + job.failed,
    }


def _lasting(time: dt.timedelta) -> str:
    seconds = int(time.total_seconds()) + 1
    return f"{seconds} s" if seconds < 90 else f"{seconds // 60 + 1} min"


def _about(action: Action, told: Mapping[str, Any], account: Account) -> str:
    """What an action is told, in words."""
    match action:
        case Action.SMS:
            return f"“{told['text']}”"
        case Action.ASSIGN:
            holder = Account.objects.get(uuid=told["account"])
            return f"to {holder.name}" if holder.pk != account.pk else "back to the account itself"
        case Action.PLAN:
            return f"to {RatePlan.objects.get(pk=told['plan']).name}"
        case Action.TAG | Action.UNTAG:
            return ", ".join(told["tags"])
        case Action.DEACTIVATE_ON:
            return str(told["date"])
        case Action.FIELDS:
            return _fields_told(told["fields"], account)
    return ""


def _fields_told(told: Mapping[str, str], account: Account) -> str:
    names = dict(CustomField.objects.filter(account=account).values_list("pk", "name"))
    return "; ".join(f"{names.get(int(pk), 'a removed field')}: {value or 'cleared'}" for pk, value in told.items())


@require_POST
@needs(Right.SEE_LINES)
def job_move(request: MemberRequest, key: str, move: str) -> HttpResponse:
    """Starts, pauses, goes on with, cancels or tries again."""
    job = _job(request, key)
    if move not in MOVES or not request.membership.may(Action(job.action).right):
        raise Http404
    try:
        job = MOVES[move](job=job, by=request.membership.user.actor)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    if job.state == JobState.CANCELLED and not job.over:
        messages.success(request, "Nothing was done.")
        return redirect("lines")
    return redirect("job", key=key)


@require_POST
@needs(Right.SEE_LINES)
def job_undo(request: MemberRequest, key: str) -> HttpResponse:
    """Looks at what it would be to bring lines back to what they were before a job."""
    job, before = _job(request, key), request.POST.get("before", "")
    if before not in {undo.before for undo in queries.undos_of(request.membership, job)}:
        raise Http404
    selection = f"what “{ACTIONS[Action(job.action)].name}” of {job.created_at:%-d %b %H:%M} UTC changed"
    by = request.membership.user.actor
    try:
        job = commands.preview_undo(job=job, before=before, selection=selection, by=by)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("job", key=job.uuid.hex)


@require_GET
@needs(Right.SEE_LINES)
def job_csv(request: MemberRequest, key: str) -> HttpResponse:
    """What became of each line, as a file."""
    job, outside = _job(request, key), request.account.is_subaccount
    if back := misread(request, {}):
        return back

    def rows() -> Iterator[tuple[object, ...]]:
        yield "ICCID", "Outcome", "Why"
        items = JobItem.objects.filter(job=job).order_by("pk")
        found = items.values_list("line__iccid", "state", "verdict", "note")
        for iccid, state, verdict, note in streamed(found, size=5000):
            yield iccid, ITEMS[Item(state)], reason(verdict, note, outside=outside)

    return csv_answer(f"job-{job.uuid.hex[:8]}.csv", rows())


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0
