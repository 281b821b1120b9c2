"""Doors to rules: the list, the form with its try-out, on, off, delete."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from kit import clock
from kit.errors import Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from automation import tasks, words
from automation.commands import rules
from automation.forms import EXAMPLES, RuleForm, initial_of
from automation.models import Rule
from automation.policy import Action, Period, Trigger, Unit
from automation.queries import activity
from automation.queries.scope import count_in_scope
from automation.queries.tryout import DAYS, MOST_SHOWN, Asked, TriedOut, try_out
from automation.views.parts import actor, nudge


@require_GET
@needs(Right.SEE_AUDIT)
def rule_list(request: MemberRequest) -> HttpResponse:
    """What acts by itself."""
    account = request.account
    fired = activity.fired_by_rule(account, since=clock.now() - dt.timedelta(days=DAYS))
    planned = activity.planned_by_rule(account)
    rows = [
        {
            "rule": rule,
            "does": words.sentence(rule),
            "of": words.scope(rule),
            "fired": fired.get(rule.pk, 0),
            "planned": planned.get(rule.pk, 0),
        }
        for rule in activity.rules_of(account)
    ]
    context = {
        "tab": "rules",
        "rows": rows,
        "examples": [(key, label) for key, (label, _) in EXAMPLES.items()],
        "may_change": request.membership.may(Right.MANAGE_LINES),
        "days": DAYS,
    }
    return page(request, "automation/rules.html", context)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_LINES)
def new_rule(request: MemberRequest) -> HttpResponse:
    """Write a rule; an example may begin it."""
    _, initial = EXAMPLES.get(request.GET.get("like", ""), ("", {}))
    return _form(request, None, initial)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_LINES)
def change_rule(request: MemberRequest, key: str) -> HttpResponse:
    """Change a rule."""
    rule = _rule(request, key)
    return _form(request, rule, initial_of(rule))


def _form(request: MemberRequest, rule: Rule | None, initial: dict[str, Any]) -> HttpResponse:
    do = request.POST.get("do", "save") if request.method == "POST" else ""
    form = RuleForm(request.POST if do else None, initial=initial, membership=request.membership)
    is_valid = bool(do) and form.is_valid()
    if do == "save" and is_valid:
        try:
            return _save(request, rule, form)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
    context: dict[str, Any] = {"tab": "rules", "rule": rule, "form": form, "days": DAYS, "shown": MOST_SHOWN}
    context |= _preview(form if do else _as_given(request, form, initial))
    if do == "try" and is_valid:
        context["tried"] = _tried(form)
    response = page(request, "automation/rule_form.html", context, part="preview" if do == "preview" else None)
    if do in ("save", "try") and form.errors:
        response.status_code = 422
    return response


def _as_given(request: MemberRequest, form: RuleForm, initial: dict[str, Any]) -> RuleForm:
    """The form as if it were sent as it is shown first."""
    data = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    data = {name: value for name, value in (data | initial).items() if value not in (None, False)}
    given = RuleForm(data, membership=request.membership)
    given.is_valid()
    return given


def _save(request: MemberRequest, rule: Rule | None, form: RuleForm) -> HttpResponse:
    """Raises Refusal."""
    account, by, draft = request.account, actor(request), form.draft()
    if rule is None:
        rules.add_rule(account=account, draft=draft, by=by)
        messages.success(request, f"The rule “{draft.name}” is saved. Lines that are over it already meet it now.")
    else:
        rules.change_rule(account=account, rule=rule, draft=draft, by=by)
        messages.success(request, f"The rule “{draft.name}” is changed. What it did stays.")
    nudge(tasks.act)
    return redirect("rules")


def _preview(form: RuleForm) -> dict[str, Any]:
    """What the rule will do in words, as far as it is written, and how many lines it looks at."""
    return {
        "says": words.sentence(form.draft()) if form.is_valid() else "",
        "in_scope": count_in_scope(form.scope()),
        "telling": [place.user.email for place in form.draft().tells],
        "is_shadow": form.draft().is_shadow,
    }


def _tried(form: RuleForm) -> TriedOut:
    draft = form.draft()
    asked = Asked(
        scope=form.scope(),
        trigger=draft.trigger,
        period=Period(draft.period) if draft.period else None,
        unit=Unit.USD if draft.trigger is Trigger.COST else Unit(draft.unit) if draft.unit else None,
        limit=draft.limit or Decimal(0),
        hours=draft.hours or 0,
        word=draft.word,
        countries=draft.countries,
        deactivates=draft.action is Action.DEACTIVATE,
        then=draft.then,
        then_hours=draft.then_hours,
    )
    return try_out(asked, today=clock.today())


@require_POST
@needs(Right.MANAGE_LINES)
def switch_rule(request: MemberRequest, key: str) -> HttpResponse:
    """On or off."""
    on = request.POST.get("on") == "1"
    rule = rules.switch_rule(account=request.account, rule=_rule(request, key), on=on, by=actor(request))
    said = "is on." if on else "is off. What it did stays, and what it has planned is still done."
    messages.success(request, f"The rule “{rule.name}” {said}")
    if on:
        nudge(tasks.act)
    return redirect("rules")


@require_POST
@needs(Right.MANAGE_LINES)
def delete_rule(request: MemberRequest, key: str) -> HttpResponse:
    """Its activity stays."""
    rule = _rule(request, key)
    rules.delete_rule(account=request.account, rule=rule, by=actor(request))
    messages.success(request, f"The rule “{rule.name}” is deleted. What it has planned is still done.")
    return redirect("rules")


def _rule(request: MemberRequest, key: str) -> Rule:
    rule = activity.rule_of(request.account, key)
    if rule is None:
        raise Http404
    return rule
