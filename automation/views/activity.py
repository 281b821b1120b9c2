"""Doors to what rules did and have planned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from kit.errors import Refusal
from kit.exports import csv_answer
from kit.htmx import page

from accounts.doors import MemberRequest, misread, needs
from accounts.models import Account
from accounts.policy import Actor, Right
from automation import words
from automation.commands.follow_ups import cancel_follow_up, run_follow_up_now
from automation.forms import activity_address, activity_filters, activity_from, activity_query
from automation.models import FollowUp, RuleFire
from automation.queries import activity
from automation.views.parts import actor


@require_GET
@needs(Right.SEE_AUDIT)
def activity_list(request: MemberRequest) -> HttpResponse:
    """Why each rule fired, what was done, and what follows."""
    asked = activity_from(request.GET)
    if back := misread(request, activity_filters(asked), beside=("before",)):
        return back
    fires, has_older = activity.page_of(request.account, asked)
    context = {
        "tab": "rule_activity",
        "asked": asked,
        "rows": [
            {"fire": fire, "did": words.OUTCOMES[fire.outcome], "follow_ups": _follow_ups(fire)} for fire in fires
        ],
        "rules": activity.fired_rules_of(request.account),
        "outcomes": list(words.OUTCOMES.items()),
        "older": activity_address(asked, before=fires[-1].pk) if has_older else "",
        "newest": activity_address(asked) if asked.before else "",
        "query": activity_query(asked),
        "may_change": request.membership.may(Right.MANAGE_LINES),
        "here": request.get_full_path(),
    }
    return page(request, "automation/activity.html", context, part="listing")


def _follow_ups(fire: RuleFire) -> list[dict[str, Any]]:
    return [
        {"row": one, "act": words.ACTS[one.act], "state": words.FOLLOW_STATES[one.state]}
        for one in fire.follow_ups.all()
    ]


@require_GET
@needs(Right.SEE_AUDIT)
def activity_csv(request: MemberRequest) -> HttpResponse:
    """Everything that the filter lets through."""
    asked = activity_from(request.GET)
    if back := misread(request, activity_filters(asked), to="rule_activity"):
        return back
    rows = activity.all_of(request.account, asked)
    return csv_answer("rule-activity.csv", _rows(rows))


HEADINGS = ("Fired at (UTC)", "Rule", "ICCID", "Why", "Value", "Outcome", "Follow-up", "Due at (UTC)", "State", "By")


def _rows(fires: Iterator[RuleFire]) -> Iterator[Sequence[str]]:
    yield HEADINGS
    for fire in fires:
        about = [
            f"{fire.fired_at:%Y-%m-%d %H:%M:%S}",
            fire.rule.name,
            fire.line.iccid if fire.line else "",
            fire.because,
            "" if fire.value is None else f"{fire.value:f}",
            words.OUTCOMES[fire.outcome],
        ]
        follow_ups = [
            [words.ACTS[one.act], f"{one.due_at:%Y-%m-%d %H:%M:%S}", words.FOLLOW_STATES[one.state], one.done_by]
            for one in fire.follow_ups.all()
        ]
        for follow_up in follow_ups or [["", "", "", ""]]:
            yield about + follow_up


@require_POST
@needs(Right.MANAGE_LINES)
def cancel(request: MemberRequest, number: int) -> HttpResponse:
    """The line stays as it is."""
    return _do(request, number, cancel_follow_up, "The follow-up is cancelled; the line stays as it is.")


@require_POST
@needs(Right.MANAGE_LINES)
def run_now(request: MemberRequest, number: int) -> HttpResponse:
    """What is planned, at once."""
    return _do(request, number, run_follow_up_now, "Done: the activity says what came of it.")


def _do(request: MemberRequest, number: int, command: Callable[..., FollowUp], said: str) -> HttpResponse:
    account: Account = request.account
    by: Actor = actor(request)
    try:
        command(account=account, follow_up_id=number, by=by)
    except FollowUp.DoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, said)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if is_ours else "rule_activity")
