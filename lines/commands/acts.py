"""What each action of a job does to a set of lines, and what it must be told."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from kit import clock
from kit.errors import Invalid, NotFound

from accounts.commands.people import Unconfirmed
from accounts.models import Account
from accounts.policy import Actor, ActorKind
from lines.commands import field_jobs, holders, sms, tags, wishes
from lines.commands.daily import DayLimit
from lines.commands.fields import set_each
from lines.commands.plans import change_plan_of_lines
from lines.models import Job, Line, LineTag, RatePlan
from lines.policy import NO_DATE, Action, Item, Verdict, Wanted
from lines.queries.plans import plans_for


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of one line."""

    state: Item
    verdict: Verdict | str = ""
    note: str = ""
    before: str = ""  # see policy.undoing


GONE = Outcome(Item.REFUSED, Verdict.GONE)
BROKEN = Outcome(Item.FAILED, note="It could not be done; whoever runs this installation finds the reason in its log")


def act(*, job: Job, line_ids: Sequence[int]) -> dict[int, Outcome]:
    """Does a job's action to these lines. They must be the account's, its payer's wallet locked."""
    by = Actor(ActorKind(job.by_kind), job.by_name)
    if job.action == Action.SMS:
        return {line.pk: _send(job, line, by) for line in Line.objects.filter(pk__in=line_ids).order_by("pk")}
    was, dated = _before(job, line_ids), _dated(job, line_ids)
    return {
        line_id: _outcome(verdict, was.get(line_id, ""), dated.get(line_id))
        for line_id, verdict in _verdicts(job, line_ids, by).items()
    }


def _send(job: Job, line: Line, by: Actor) -> Outcome:
    """Its message is named by the job and the line: whatever is tried again, it is one."""
    try:
        sms.send_sms(line=line, text=job.parameters["text"], by=by, key=f"job:{job.uuid.hex}:{line.pk}")
    except sms.LineNotActive:
        return Outcome(Item.REFUSED, Verdict.NOT_ON)
    except sms.CarrierCannot:
        return Outcome(Item.REFUSED, Verdict.CANNOT)
    except Unconfirmed:
        return Outcome(Item.REFUSED, Verdict.UNCONFIRMED)
    except DayLimit:
        return Outcome(Item.REFUSED, Verdict.OVER_DAY)
    return Outcome(Item.DONE, Verdict.DO)


def _dated(job: Job, line_ids: Sequence[int]) -> dict[int, dt.date]:
    """The deactivation dates that the action takes away beside what it is for."""
    if job.action != Action.ACTIVATE or job.account.is_subaccount:
        return {}
    dated = Line.objects.filter(pk__in=line_ids, deactivation_date__isnull=False).order_by()
    return {pk: date for pk, date in dated.values_list("pk", "deactivation_date") if date}


def _outcome(verdict: Verdict, before: str, date: dt.date | None = None) -> Outcome:
    if verdict is Verdict.DO:
        note = f"Deactivation date {date:%-d %B %Y} removed" if date else ""
        return Outcome(Item.DONE, verdict, note, before=before)
    return Outcome(Item.REFUSED if verdict.is_refusal else Item.SAME, verdict)


def _before(job: Job, line_ids: Sequence[int]) -> dict[int, str]:
    """What these lines are now, as far as the action will change it."""
    lines = Line.objects.filter(pk__in=line_ids).order_by()
    match Action(job.action):
        case Action.ACTIVATE | Action.DEACTIVATE | Action.DEACTIVATE_NEXT_DAY as action:
            return {
                pk: date.isoformat() if date and wanted == Wanted.ACTIVE and action is Action.ACTIVATE else wanted.name
                for pk, wanted, date in (
                    (pk, Wanted(wanted), date)
                    for pk, wanted, date in lines.values_list("pk", "state__wanted", "deactivation_date")
                )
            }
        case Action.DEACTIVATE_ON | Action.KEEP:
            dates = lines.values_list("pk", "deactivation_date")
            return {pk: date.isoformat() if date else NO_DATE for pk, date in dates}
        case Action.ASSIGN:
            return {pk: uuid.hex if uuid else "" for pk, uuid in lines.values_list("pk", "account__uuid")}
        case Action.PLAN:
            return {pk: str(plan) for pk, plan in lines.values_list("pk", "plan_id")}
        case Action.TAG | Action.UNTAG | Action.RESET_TAGS as action:
            return _tags_to_change(job, action, line_ids)
        case Action.FIELDS | Action.RESTORE_FIELDS:
            return field_jobs.had_before(wanted=field_jobs.wanted_by(job=job, line_ids=line_ids))
    return {}


def _tags_to_change(job: Job, action: Action, line_ids: Sequence[int]) -> dict[int, str]:
    """The tags that each line will get, or lose."""
    found = LineTag.objects.filter(line__in=line_ids, tag__account=job.account).order_by("tag__name")
    has: dict[int, list[str]] = {line_id: [] for line_id in line_ids}
    for line_id, name in found.values_list("line_id", "tag__name"):
        has[line_id].append(name)
    asked: list[str] = job.parameters.get("tags", [])
    if action is Action.TAG:
        lower = {pk: {name.lower() for name in names} for pk, names in has.items()}
        return {pk: ",".join(name for name in asked if name.lower() not in names) for pk, names in lower.items()}
    wanted = {name.lower() for name in asked}
    return {
        pk: ",".join(name for name in names if action is Action.RESET_TAGS or name.lower() in wanted)
        for pk, names in has.items()
    }


def _verdicts(job: Job, line_ids: Sequence[int], by: Actor) -> dict[int, Verdict]:
    match Action(job.action):
        case Action.ACTIVATE:
            return wishes.activate_lines(line_ids=line_ids, by=by, by_holder=job.account.is_subaccount)
        case Action.DEACTIVATE_NEXT_DAY:
            return wishes.deactivate_lines_next_day(line_ids=line_ids, by=by)
        case Action.DEACTIVATE:
            return wishes.deactivate_lines(line_ids=line_ids, by=by)
        case Action.DEACTIVATE_ON:
            date = dt.date.fromisoformat(job.parameters["date"])
            return wishes.deactivate_lines_on(line_ids=line_ids, date=date, by=by)
        case Action.KEEP:
            return wishes.keep_lines_active(line_ids=line_ids, by=by)
        case Action.ASSIGN:
            holder = Account.objects.get(uuid=job.parameters["account"])
            return _assign(line_ids, holder, by)
        case Action.PLAN:
            plan = RatePlan.objects.get(pk=job.parameters["plan"])
            return change_plan_of_lines(line_ids=line_ids, plan=plan, by=by)
        case Action.TAG:
            return tags.tag_lines(line_ids=line_ids, account=job.account, names=job.parameters["tags"], by=by)
        case Action.UNTAG:
            return tags.untag_lines(line_ids=line_ids, account=job.account, names=job.parameters["tags"], by=by)
        case Action.RESET_TAGS:
            return tags.untag_lines(line_ids=line_ids, account=job.account, by=by)
        case Action.FIELDS | Action.RESTORE_FIELDS:
            values = field_jobs.wanted_by(job=job, line_ids=line_ids)
            return set_each(values=values, account=job.account, by=by)
    raise NotImplementedError(job.action)


def _assign(line_ids: Sequence[int], holder: Account, by: Actor) -> dict[int, Verdict]:
    there = set(Line.objects.filter(pk__in=line_ids, account=holder).values_list("pk", flat=True))
    holders.assign(line_ids=line_ids, holder=holder, by=by)
    return {line_id: Verdict.SAME if line_id in there else Verdict.DO for line_id in line_ids}


TAKEN = {
    Action.DEACTIVATE_ON: "date",
    Action.SMS: "text",
    Action.ASSIGN: "account",
    Action.PLAN: "plan",
    Action.TAG: "tags",
    Action.UNTAG: "tags",
    Action.FIELDS: "fields",
    Action.RESTORE_FIELDS: "job",
}


def checked(*, action: Action, parameters: Mapping[str, Any], account: Account) -> dict[str, Any]:
    """What an action must be told, as it is kept; what is another action's is refused. Raises Invalid, NotFound."""
    taken = TAKEN.get(action, "")
    if strange := sorted(parameters.keys() - {taken}):
        takes = f"nothing but its lines and its {taken}" if taken else "nothing more than its lines"
        raise Invalid(f"{action} takes {takes}, not {', '.join(strange)}; leave that out")
    given = parameters.get(taken)
    match action:
        case Action.DEACTIVATE_ON:
            return {taken: _day_to_come(given)}
        case Action.SMS:
            return {taken: sms.checked_text(text=str(given or ""))}
        case Action.ASSIGN:
            return {taken: _holder(given, account).uuid.hex}
        case Action.PLAN:
            return {taken: plan_of(key=given, account=account).pk}
        case Action.TAG | Action.UNTAG:
            return {taken: _tags(given)}
        case Action.FIELDS:
            return {taken: field_jobs.values_asked(given=given, account=account)}
        case Action.RESTORE_FIELDS:
            return {taken: field_jobs.job_undone(key=given, account=account).uuid.hex}
    return {}


def _day_to_come(text: object) -> str:
    try:
        date = dt.date.fromisoformat(str(text))
    except ValueError:
        raise Invalid("Give a day such as 2026-12-01") from None
    if date <= clock.today():
        raise Invalid(f"{date} is not a day to come; give a later one, or deactivate at once")
    return date.isoformat()


def _holder(key: object, account: Account) -> Account:
    """The account itself or a sub-account of it."""
    try:
        found = Account.objects.filter(Q(pk=account.pk) | Q(parent=account), uuid=uuid.UUID(str(key))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("There is no such sub-account; choose one of yours")
    return found


def plan_of(*, key: object, account: Account) -> RatePlan:
    """The rate plan of this id, where it is offered to the account. Raises NotFound."""
    is_number = str(key).isdecimal() and len(str(key)) < 10
    plan = plans_for(account).filter(pk=int(str(key))).first() if is_number else None
    if plan is None:
        raise NotFound("There is no such rate plan; choose one of the list")
    return plan


def _tags(given: object) -> list[str]:
    names = tags.tag_names(given=given if isinstance(given, list) else [given or ""])
    if not names:
        raise Invalid("Give at least one tag")
    return names
