"""One action on many lines: begun, followed, paused, tried again. The work is done by workers, not by the call."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from django.db.models import QuerySet
from kit.endpoints import Input, Linked, endpoint, moment
from kit.errors import Forbidden, Invalid, NotFound, Refusal
from kit.identifiers import all_spellings, read_iccid, sim_key
from kit.paging import FARTHEST, Page, Paging, keyed, newest

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import (
    ICCID,
    Day,
    GivenFields,
    Hex,
    IccidText,
    Id,
    Narrowed,
    sought_of,
)
from lines.commands import jobs as commands
from lines.models import Job, JobItem, Line
from lines.policy import Action, Item, JobState, Verdict
from lines.queries import jobs as queries
from lines.queries.scope import lines_of
from lines.queries.sought import Sought

GROUP = "Jobs"
MOST_ICCIDS = 10_000
ItemState = Literal["waiting", "done", "same", "refused", "failed"]
Acts = Literal[
    "activate", "deactivate", "deactivate-next-day", "deactivate-on", "keep", "sms",
    "assign", "plan", "tag", "untag", "reset-tags", "set-fields",
]  # fmt: skip


class JobShown(Linked):
    """An action on lines. `same`: it was so already. `refused`: it may not be done to the line now."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "self": "jobs/{uuid}",
        "lines": "jobs/{uuid}/lines",
    }

    uuid: str
    action: str
    state: Literal["previewed", "running", "paused", "cancelled", "done"]
    selection: str
    by: str
    total: int
    done: int
    same: int
    refused: int
    failed: int
    seconds_left: Annotated[int | None, msgspec.Meta(description="null: not known")]
    created_at: str
    ended_at: str | None
    unknown_iccids: Annotated[list[str], msgspec.Meta(description="Of those that were given: not yours, or none")]
    preview: Annotated[Preview | None, msgspec.Meta(description="null: it has begun")] = None


class Refused(msgspec.Struct):
    """Lines that an action may not be done to now."""

    lines: int
    why: str


class Preview(msgspec.Struct):
    """What would become of a job's lines if it began now."""

    will: Annotated[int, msgspec.Meta(description="Lines that it would be done to")]
    same: Annotated[int, msgspec.Meta(description="Lines that are so already")]
    refused: list[Refused]
    cost: Annotated[Decimal | None, msgspec.Meta(description="USD; null: nothing, or not yours to know")]
    is_daily: Annotated[bool, msgspec.Meta(description="true: the cost is of each day")]
    dates_removed: Annotated[int, msgspec.Meta(description="Lines that lose a deactivation date")]


def _preview(job: Job, caller: Caller) -> Preview:
    found, words = queries.forecast(job), _words(caller)
    return Preview(
        will=found.will,
        same=found.verdicts.get(Verdict.SAME, 0),
        refused=[Refused(n, words.get(verdict, "")) for verdict, n in found.verdicts.items() if verdict.is_refusal],
        cost=found.cost if found.cost and caller.may(Right.SEE_MONEY) else None,
        is_daily=found.is_daily,
        dates_removed=found.dates,
    )


def _job(job: Job, caller: Caller, unknown: list[str] | None = None) -> JobShown:
    pace = queries.pace_of(job)
    return JobShown(
        uuid=job.uuid.hex,
        action=job.action,
        state=job.state,  # type: ignore[arg-type]
        selection=job.selection,
        by=job.by_name,
        total=job.total,
        done=job.done,
        same=job.same,
        refused=job.refused,
        failed=job.failed,
        seconds_left=round(pace.left.total_seconds()) if pace and pace.left is not None else None,
        created_at=moment(job.created_at),
        ended_at=moment(job.ended_at) if job.ended_at else None,
        unknown_iccids=unknown or [],
        preview=_preview(job, caller) if job.state == JobState.PREVIEWED else None,
    )


_SAMPLE = JobShown(
    uuid="0" * 32,
    action="deactivate",
    state="running",
    selection="3 lines by ICCID",
    by="API key export",
    total=3,
    done=1,
    same=0,
    refused=0,
    failed=0,
    seconds_left=2,
    created_at="2026-11-02 09:30:00",
    ended_at=None,
    unknown_iccids=[],
)


class Filter(Narrowed, kw_only=True):
    """Lines as iot_sim_cards lists them. All of them are asked for in so many words: an empty filter is refused."""

    all: Annotated[bool, msgspec.Meta(description="true, and nothing else beside it: every line")] = False

    def sought(self) -> Sought:
        """Raises Invalid."""
        found = sought_of(self)
        if self.all == (found != Sought()):
            raise Invalid(
                'The filter chooses nothing or too much; narrow it, or send {"all": true} alone for all lines'
            )
        return found

    def __str__(self) -> str:
        given = msgspec.to_builtins(self)
        given |= given.pop("custom_fields")
        return ", ".join(f"{name} {value}" for name, value in given.items() if value)


class NewJob(Input):
    """An action and its lines: by ICCID or by a filter, one of the two."""

    action: Acts
    iccids: Annotated[list[IccidText], msgspec.Meta(max_length=MOST_ICCIDS)] | None = None
    filter: Filter | None = None
    date: Annotated[Day | None, msgspec.Meta(description="For deactivate-on")] = None
    account_uuid: Annotated[Hex | None, msgspec.Meta(description="For assign")] = None
    rate_plan_id: Annotated[Id | None, msgspec.Meta(description="For plan")] = None
    tags: Annotated[list[str], msgspec.Meta(max_length=10, description="For tag and untag")] | None = None
    text: Annotated[str | None, msgspec.Meta(description="For sms, 1 to 70 characters")] = None
    custom_fields: Annotated[GivenFields | None, msgspec.Meta(description="For set-fields")] = None
    dry_run: Annotated[
        bool, msgspec.Meta(description="true: a preview. Nothing happens until jobs/{job}/start begins it")
    ] = False
    expected_total: (
        Annotated[int, msgspec.Meta(ge=0, le=FARTHEST, description="Another number of lines is 409: nothing happens")]
        | None
    ) = None

    def parameters(self) -> dict[str, Any]:
        given: dict[str, Any] = {"date": self.date, "account": self.account_uuid, "plan": self.rate_plan_id}
        given |= {"tags": self.tags, "text": self.text, "fields": self.custom_fields}
        return {name: value for name, value in given.items() if value is not None}


@endpoint("jobs", "POST", right=Right.ACTIVATE_LINES, sample=_SAMPLE, body=NewJob("deactivate", iccids=[ICCID]))
def start_job(caller: Caller, asked: NewJob) -> JobShown:
    """Begins an action on many lines and answers at once, or previews it; follow it by its uuid"""
    action = Action(asked.action)
    _allow(caller, action)
    lines, selection, unknown = _chosen(caller, asked)
    job = commands.preview_job(
        account=caller.account,
        lines=lines,
        action=action,
        parameters=asked.parameters(),
        selection=selection,
        by=caller.actor,
        expected_total=asked.expected_total,
    )
    return _job(job if asked.dry_run else commands.start(job=job, by=caller.actor), caller, unknown)


@endpoint("jobs/{job}/start", "POST", right=Right.ACTIVATE_LINES, sample=_SAMPLE)
def start_previewed_job(caller: Caller, job: str) -> JobShown:
    """Begins a job that was previewed, for the lines that it was previewed for; a preview is kept for a day"""
    return _job(commands.start(job=_own_to_move(caller, job), by=caller.actor), caller)


def _allow(caller: Caller, action: Action) -> None:
    if not caller.may(action.right):
        raise Forbidden("This key or role may only activate lines; use one with the scope lines:manage")


def _chosen(caller: Caller, asked: NewJob) -> tuple[QuerySet[Line], str, list[str]]:
    if (asked.iccids is None) == (asked.filter is None):
        raise Invalid("Give iccids or a filter, one of the two")
    if asked.filter is not None:
        lines, said = asked.filter.sought().lines(caller), "all" if asked.filter.all else str(asked.filter)
        return lines, f"lines by filter: {said}", []
    given = {sim_key(read_iccid(text)): text for text in asked.iccids or []}
    lines = lines_of(caller).filter(iccid__in=all_spellings(given))
    known = set(map(sim_key, lines.values_list("iccid", flat=True)))
    return lines, f"{len(known)} lines by ICCID", [text for key, text in given.items() if key not in known]


@endpoint("jobs", right=Right.SEE_LINES, sample=[_SAMPLE])
def jobs(caller: Caller, asked: Paging) -> Page[JobShown]:
    """The account's jobs, the newest first"""
    page = newest(asked, queries.jobs_of(caller))
    return Page([_job(job, caller) for job in page.data], page.total, page.links)


@endpoint("jobs/{job}", right=Right.SEE_LINES, sample=_SAMPLE)
def job(caller: Caller, job: str) -> JobShown:
    """How far a job is"""
    return _job(_own(caller, job), caller)


class Result(Linked):
    """What has become of one line of a job."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
        "job": "jobs/{job}",
    }

    iccid: str
    state: ItemState
    why: Annotated[str, msgspec.Meta(description="Why it was refused or failed, else empty")]


class Results(Paging):
    """Which of a job's lines."""

    state: ItemState | None = None


@endpoint("jobs/{job}/lines", right=Right.SEE_LINES, sample=[Result(ICCID, "done", "")])
def job_lines(caller: Caller, job: str, asked: Results) -> Page[Result]:
    """A job's lines, each with what has become of it"""
    items = JobItem.objects.filter(job=_own(caller, job)).select_related("line")
    if asked.state:
        items = items.filter(state=Item[asked.state.upper()])

    def fetch(key: str | None, back: bool, offset: int, limit: int) -> list[JobItem]:
        found = items.order_by("-pk" if back else "pk")
        if key is not None:
            if not re.fullmatch("[0-9]{1,18}", key):
                raise Invalid("The cursor is not one of ours; take it from a page's links")
            found = found.filter(pk__lt=int(key)) if back else found.filter(pk__gt=int(key))
        return list(found[offset : offset + limit])

    page = keyed(asked, fetch=fetch, key=lambda item: str(item.pk), count=lambda: items.order_by().count())
    return Page([_result(item, caller) for item in page.data], page.total, page.links)


_PROVIDER = "Your provider does not allow it now"
WHY = {
    Verdict.RED: "The available balance is below its minimum",
    Verdict.WALLET_RED: "The sub-account's balance is below its minimum",
    Verdict.CAP_FULL: "A cap over the line is full",
    Verdict.HOLDER_OFF: "Its sub-account is switched off",
    Verdict.DEACTIVATED: "The line is deactivated",
    Verdict.NOT_ON: "The line is not activated",
    Verdict.OTHER_CARRIER: "The rate plan is another carrier's",
    Verdict.NOT_OFFERED: "The rate plan is no longer offered to the account",
    Verdict.CANNOT: "Its carrier cannot do this",
    Verdict.NO_FIELD: "The custom field, or the choice, was removed meanwhile",
    Verdict.UNCONFIRMED: "The email address of the account's owner is not confirmed",
    Verdict.OVER_DAY: "The daily limit is reached; try again after 00:00 UTC",
    Verdict.GONE: "The line is no longer yours",
}
WHY_OUTSIDE = WHY | {Verdict.RED: _PROVIDER, Verdict.HOLDER_OFF: _PROVIDER, Verdict.UNCONFIRMED: _PROVIDER}


def _words(caller: Caller) -> dict[Verdict, str]:
    return WHY_OUTSIDE if caller.account.is_subaccount else WHY


def _result(item: JobItem, caller: Caller) -> Result:
    state, words = Item(item.state), _words(caller)
    is_bad = state in (Item.REFUSED, Item.FAILED)
    why = item.note or (words.get(Verdict(item.verdict), "") if item.verdict else "") if is_bad else ""
    return Result(item.line.iccid, state.name.lower(), why)  # type: ignore[arg-type]


@endpoint("jobs/{job}/pause", "POST", right=Right.ACTIVATE_LINES, sample=_SAMPLE)
def pause_job(caller: Caller, job: str) -> JobShown:
    """Lets a job rest; what is done stays done"""
    return _job(commands.pause(job=_own_to_move(caller, job), by=caller.actor), caller)


@endpoint("jobs/{job}/resume", "POST", right=Right.ACTIVATE_LINES, sample=_SAMPLE)
def resume_job(caller: Caller, job: str) -> JobShown:
    """Goes on with a paused job"""
    return _job(commands.resume(job=_own_to_move(caller, job), by=caller.actor), caller)


@endpoint("jobs/{job}/cancel", "POST", right=Right.ACTIVATE_LINES, sample=_SAMPLE)
def cancel_job(caller: Caller, job: str) -> JobShown:
    """Ends a job; what is done stays done, the rest is left alone"""
    return _job(commands.cancel(job=_own_to_move(caller, job), by=caller.actor), caller)


@endpoint("jobs/{job}/retry", "POST", right=Right.ACTIVATE_LINES, sample=_SAMPLE)
def retry_job(caller: Caller, job: str) -> JobShown:
    """Tries again the lines of a finished job that were refused or failed"""
    return _job(commands.retry_failed(job=_own_to_move(caller, job), by=caller.actor), caller)


class Undone(msgspec.Struct):
    """The jobs that were begun."""

    jobs: list[JobShown]


@endpoint("jobs/{job}/undo", "POST", right=Right.ACTIVATE_LINES, sample=Undone([_SAMPLE]))
def undo_job(caller: Caller, job: str) -> Undone:
    """Brings the lines that a finished job changed back to what each was, by a job for each thing that they were"""
    found = _own_to_move(caller, job)
    ways = queries.undos_of(caller, found)
    if not ways:
        raise Refusal("Nothing of this job can be undone: it is not over, changed nothing, or has no way back")
    befores, selection = [way.before for way in ways], f"what job {found.uuid.hex} changed"
    return Undone(
        [_job(one, caller) for one in commands.undo(job=found, befores=befores, selection=selection, by=caller.actor)]
    )


def _own(caller: Caller, key: str) -> Job:
    found = queries.job_of(caller, uuid.UUID(key).hex)
    if found is None:
        raise NotFound("There is no such job of yours; jobs lists them")
    return found


def _own_to_move(caller: Caller, key: str) -> Job:
    found = _own(caller, key)
    _allow(caller, Action(found.action))
    return found


ENDPOINTS = (
    start_job,
    start_previewed_job,
    jobs,
    job,
    job_lines,
    pause_job,
    resume_job,
    cancel_job,
    retry_job,
    undo_job,
)
