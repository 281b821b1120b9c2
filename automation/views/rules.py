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
from accounts.undoing import undo, undoes
from automation import tasks, words
from automation.commands import rules
from automation.commands.follow_ups import undo_saving
from automation.commands.rules import Draft
from automation.forms import EXAMPLES, RuleForm, initial_of
from automation.models import Rule
from automation.policy import Action, Period, Trigger, Unit
from automation.queries import activity
from automation.queries.due import Written, lines_over_now
from automation.queries.scope import count_in_scope, lines_in_scope
from automation.queries.tryout import DAYS, MOST_SHOWN, Asked, Row, TriedOut, try_out
from automation.views.parts import actor, nudge
from lines.commands.settings import lock_lines
from lines.policy import Verdict
from lines.queries.looks import delays, unlocked

MOST_LOCKED = 10_000  # lines, by one press


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
    if do == "lock":
        _lock(request, form)
    over = _over_now(form, rule) if is_valid else []
    seen = str(len(over)) == request.POST.get("over", "0")  # who saves has been told how many lines it stops
    if do == "save" and is_valid and (seen or not _acts_at_once(request, form)):
        try:
            return _save(request, rule, form, over=len(over))
        except Refusal as refusal:
            form.add_error(None, refusal.message)
    context: dict[str, Any] = {"tab": "rules", "rule": rule, "form": form, "days": DAYS, "shown": MOST_SHOWN}
    shown = form if do else _as_given(request, form, initial)
    context |= _preview(shown)
    context |= {"over": len(_over_now(shown, rule)) if shown.is_valid() else 0, "starts": request.POST.get("starts")}
    context["asks_again"] = do == "save" and is_valid
    if do == "try" and is_valid:
        context["tried"] = tried = _tried(form)
        context["tried_rows"] = [(row, _value(row, form.draft())) for row in tried.rows]
    response = page(request, "automation/rule_form.html", context, part="preview" if do == "preview" else None)
    if do in ("save", "try") and (form.errors or context["asks_again"]):
        response.status_code = 422
    return response


def _as_given(request: MemberRequest, form: RuleForm, initial: dict[str, Any]) -> RuleForm:
    """The form as if it were sent as it is shown first."""
    data = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    data = {name: value for name, value in (data | initial).items() if value not in (None, False)}
    given = RuleForm(data, membership=request.membership)
    given.is_valid()
    return given


def _acts_at_once(request: MemberRequest, form: RuleForm) -> bool:
    """Usage alone has readings to wait for."""
    return request.POST.get("starts") != "next" or form.draft().trigger is not Trigger.USAGE


def _over_now(form: RuleForm, rule: Rule | None) -> list[int]:
    """The running lines that the rule would switch off as soon as it is saved."""
    draft = form.draft()
    if draft.action is not Action.DEACTIVATE or draft.is_shadow or (rule is not None and not rule.is_on):
        return []
    written = Written(
        scope=form.scope(),
        trigger=draft.trigger,
        period=draft.period,
        unit=draft.unit,
        limit=draft.limit,
        hours=draft.hours,
        rule_id=rule.pk if rule else None,
    )
    return lines_over_now(written, today=clock.today())


def _save(request: MemberRequest, rule: Rule | None, form: RuleForm, *, over: int) -> HttpResponse:
    """Raises Refusal."""
    account, by, draft, at_once = request.account, actor(request), form.draft(), _acts_at_once(request, form)
    if rule is None:
        rule = rules.add_rule(account=account, draft=draft, by=by, at_once=at_once)
        said = f"Rule “{draft.name}” saved."
    else:
        rules.change_rule(account=account, rule=rule, draft=draft, by=by, at_once=at_once)
        said = f"Rule “{draft.name}” changed. What it did stays."
    nudge(tasks.act)
    if over and at_once:
        said += f" {over:,} line{'s are' if over > 1 else ' is'} being deactivated."
    rule.refresh_from_db()
    since = rule.saved_at.isoformat() if rule.saved_at else ""
    offer = undo(request, "rule.saved", Right.MANAGE_LINES, key=rule.uuid.hex, since=since) if rule.is_on else ""
    messages.success(request, said, extra_tags=offer)
    return redirect("rules")


@undoes("rule.saved")
def undo_rule(request: MemberRequest, was: dict[str, Any]) -> str:
    """Switches a rule off that was saved just now, and gives its lines back."""
    rule, since = _rule(request, was["key"]), dt.datetime.fromisoformat(was["since"])
    count = undo_saving(account=request.account, rule=rule, by=actor(request), since=since)
    return f"Rule switched off. {count:,} line{'' if count == 1 else 's'} reactivated."


@undoes("rule.switched")
def undo_switch(request: MemberRequest, was: dict[str, Any]) -> str:
    rule, on = _rule(request, was["key"]), not was["on"]
    rules.switch_rule(account=request.account, rule=rule, on=on, by=actor(request), only_from=was["on"])
    if on:
        nudge(tasks.act)
    return f"The rule “{rule.name}” is {'on' if on else 'off'} again."


def _preview(form: RuleForm) -> dict[str, Any]:
    """What the rule will do in words, as far as it is written, and how many lines it looks at."""
    return {
        "says": words.sentence(form.draft()) if form.is_valid() else "",
        "in_scope": count_in_scope(form.scope()),
        "telling": [place.user.email for place in form.draft().tells],
        "is_shadow": form.draft().is_shadow,
        "delays": _delays(form),
        "unlocked": len(unlocked(lines_in_scope(form.scope()))) if form.draft().trigger is Trigger.IMEI else 0,
    }


def _lock(request: MemberRequest, form: RuleForm) -> None:
    """Turns the carriers' own IMEI lock on for the lines that the rule looks at; the rule itself need not be whole."""
    form.is_valid()
    line_ids = unlocked(lines_in_scope(form.scope()))
    if len(line_ids) > MOST_LOCKED:
        messages.error(request, f"The IMEI lock is turned on for up to {MOST_LOCKED:,} lines at once. Narrow the rule.")
        return
    verdicts = lock_lines(line_ids=line_ids, by=actor(request))
    count = sum(verdict is Verdict.DO for verdict in verdicts.values())
    messages.success(request, f"IMEI lock requested for {count:,} line{'' if count == 1 else 's'}.")


def _delays(form: RuleForm) -> list[str]:
    """How long a change of device or country may stay unseen."""
    if form.draft().trigger not in (Trigger.IMEI, Trigger.COUNTRY):
        return []
    return [words.delay(one) for one in delays(lines_in_scope(form.scope()))]


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


def _value(row: Row, draft: Draft) -> str:
    return words.tried(draft.trigger, unit=draft.unit, limit=draft.limit, value=row.value, text=row.text)


@require_POST
@needs(Right.MANAGE_LINES)
def switch_rule(request: MemberRequest, key: str) -> HttpResponse:
    """On or off."""
    on = request.POST.get("on") == "1"
    rule = _rule(request, key)
    had = rule.is_on
    rule = rules.switch_rule(account=request.account, rule=rule, on=on, by=actor(request))
    said = "is on." if on else "is off. What it did stays, and what it has planned is still done."
    offer = undo(request, "rule.switched", Right.MANAGE_LINES, key=key, on=on) if had != on else ""
    messages.success(request, f"The rule “{rule.name}” {said}", extra_tags=offer)
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
