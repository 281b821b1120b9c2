"""Taking back what was done to one line just now, where nobody has changed it since."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from kit.errors import Changed

from accounts.policy import Actor
from lines.commands.acts import plan_of
from lines.commands.daily import refusal_of
from lines.commands.plans import change_plan_of_lines
from lines.commands.tags import set_tags
from lines.commands.wishes import activate, deactivate, deactivate_on, edit_notes, keep_active, lock_lines
from lines.models import Line, Tag
from lines.policy import Action, Verdict, Wanted, undoing
from lines.policy.budget import Costly


def was(*, line: Line) -> dict[str, str]:
    """What an action is undone from and to: read it before and after."""
    line = Line.objects.select_related("state").get(pk=line.pk)
    return {
        "wanted": Wanted(line.state.wanted).name,
        "wanted_at": line.state.wanted_at.isoformat(),
        "date": line.deactivation_date.isoformat() if line.deactivation_date else "",
        "plan": str(line.plan_id),
        "plan_since": line.plan_since.isoformat() if line.plan_since else "",
    }


def before(*, action: Action, was: dict[str, str]) -> str:
    """What the line was, as `undoing` takes it."""
    if action is Action.PLAN:
        return was["plan"]
    if action is Action.KEEP or (action is Action.ACTIVATE and was["date"] and was["wanted"] == Wanted.ACTIVE.name):
        return was["date"]
    return was["wanted"]


@transaction.atomic
def undo_act(*, line: Line, action: Action, former: str, since: dict[str, str], by: Actor) -> Action:
    """Brings a line back to what it was before an action; gives what was done for it. `since`: what the line was right
    after the action (`was`). Raises Changed where it is otherwise by now, and what the way back raises."""
    lock_lines(line_ids=[line.pk])
    opposite = undoing(action, former)
    if opposite is None or was(line=line) != since:
        raise Changed
    way, told = opposite
    line = Line.objects.get(pk=line.pk)
    match way:
        case Action.ACTIVATE:
            activate(line=line, by=by)
        case Action.DEACTIVATE:
            deactivate(line=line, by=by)
        case Action.KEEP:
            keep_active(line=line, by=by)
        case Action.DEACTIVATE_ON:
            deactivate_on(line=line, date=dt.date.fromisoformat(str(told["date"])), by=by)
        case _:
            _change_plan(line, told["plan"], by)
    return way


def _change_plan(line: Line, key: object, by: Actor) -> None:
    assert line.payer is not None
    plan = plan_of(key=key, account=line.payer)
    verdict = change_plan_of_lines(line_ids=[line.pk], plan=plan, by=by)[line.pk]
    if verdict in (Verdict.UNCONFIRMED, Verdict.OVER_DAY):
        raise refusal_of(verdict=verdict, kind=Costly.SETTING)
    if verdict.is_refusal:
        raise Changed(f"Not undone. {plan.name} is no longer offered for this line.")


@transaction.atomic
def undo_notes(*, line: Line, former: str, since: str, by: Actor) -> None:
    """Raises Changed where the notes are others by now."""
    if Line.objects.select_for_update().get(pk=line.pk).notes != since:
        raise Changed
    edit_notes(line=line, notes=former, by=by)


@transaction.atomic
def undo_tags(*, line: Line, former: list[str], since: list[str], by: Actor) -> None:
    """Raises Changed where the tags are others by now."""
    Line.objects.select_for_update(no_key=True).get(pk=line.pk)
    if tags_of(line=line) != since:
        raise Changed
    set_tags(line=line, names=former, by=by)


def tags_of(*, line: Line) -> list[str]:
    tags: Any = Tag.objects.filter(lines=line, account=line.payer).order_by("name").values_list("name", flat=True)
    return list(tags)
