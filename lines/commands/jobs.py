"""Work on many lines: chosen, looked at, started, done a set of lines at a time by workers, paused, tried again."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from kit import clock
from kit.errors import Invalid, Refusal
from kit.sql import array

from accounts.commands import record
from accounts.keys import key_may
from accounts.models import Account
from accounts.policy import SYSTEM, Actor, ActorKind
from accounts.queries import is_open, memberships_of, user_by_email
from billing.commands import lock_wallets
from lines.commands import acts
from lines.commands.acts import Outcome
from lines.models import Job, JobItem, Line
from lines.policy import JOB_MOVES, OF_SUBACCOUNTS, Action, Item, JobMove, JobState
from lines.queries.jobs import undo_of
from lines.queries.scope import lines_held

NONE_CHOSEN = "No line is chosen; tick lines, filter the list or give ICCIDs of yours"
MOST_LINES = 200_000
CHUNK = 1_000  # lines in one transaction
PREVIEWS_KEPT = dt.timedelta(days=1)
MOST_PREVIEWS = 20  # of an account; the oldest goes with one more

log = logging.getLogger(__name__)


class CannotMove(Refusal):
    """The job's state does not allow this."""


class OtherTotal(Refusal):
    """The choice has another number of lines than who asks expects."""


@transaction.atomic
def preview_job(
    *,
    account: Account,
    lines: QuerySet[Line],
    action: Action,
    parameters: Mapping[str, Any] | None = None,
    selection: str,
    by: Actor,
    key: str = "",
    expected_total: int | None = None,
) -> Job:
    """Fixes which lines an action is for; nothing happens to them yet. Only lines of the account are taken.

    `selection` says in words how they were chosen, `expected_total` how many there must be. Raises Invalid, NotFound,
    OtherTotal, Refusal.
    """
    if account.is_subaccount and action not in OF_SUBACCOUNTS:
        raise Refusal("A sub-account activates lines and sends SMS; ask your provider for anything else")
    job = Job.objects.create(
        account=account,
        action=action,
        parameters=acts.checked(action=action, parameters=parameters or {}, account=account),
        selection=selection[:300],
        by_kind=by.kind,
        by_name=by.name,
        key=key,
    )
    try:
        sql, values = (lines & lines_held(account)).order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # Django knows without asking that there is none
        raise Invalid(NONE_CHOSEN) from None
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lines_jobitem (job_id, line_id, state, verdict, note, month)"
            f" SELECT %s, pk, {Item.WAITING:d}, '', '', %s FROM ({sql}) chosen(pk) ORDER BY pk LIMIT {MOST_LINES + 1}",
            [job.pk, clock.month(), *values],
        )
        job.total = cursor.rowcount
    if expected_total not in (None, job.total):
        raise OtherTotal(f"{job.total:,} lines are chosen and {expected_total:,} expected; nothing was done")
    if not job.total:
        raise Invalid(NONE_CHOSEN)
    if job.total > MOST_LINES:
        raise Invalid(f"More than {MOST_LINES:,} lines are chosen; narrow the choice and do it in parts")
    job.save(update_fields=["total"])
    waiting = Job.objects.filter(account=account, state=JobState.PREVIEWED).order_by("-pk")
    Job.objects.filter(pk__in=list(waiting.values_list("pk", flat=True)[MOST_PREVIEWS:])).delete()
    return job


def start_job(
    *,
    account: Account,
    lines: QuerySet[Line],
    action: Action,
    parameters: Mapping[str, Any] | None = None,
    selection: str,
    by: Actor,
    key: str = "",
) -> Job:
    """Begins an action on these lines of the account; asked again with the same key it is the same job.

    Raises Invalid, NotFound, Refusal.
    """
    if key and (found := _known(account, key, action, parameters)):
        return found
    try:
        with transaction.atomic():
            job = preview_job(
                account=account, lines=lines, action=action, parameters=parameters, selection=selection, by=by, key=key
            )
            return start(job=job, by=by)
    except IntegrityError:  # asked at the same moment
        if key and (found := _known(account, key, action, parameters)):
            return found
        raise


def _known(account: Account, key: str, action: Action, parameters: Mapping[str, Any] | None) -> Job | None:
    job = Job.objects.filter(account=account, key=key).first()
    if job and (
        job.action != action
        or job.parameters != acts.checked(action=action, parameters=parameters or {}, account=account)
    ):
        raise Invalid("This key was used for another job; give each job a key of its own")
    return job


def start(*, job: Job, by: Actor) -> Job:
    """Begins a previewed job. Harmless twice. Raises CannotMove."""
    return _move(job, JobMove.START, by)


def pause(*, job: Job, by: Actor) -> Job:
    """Workers finish what they hold and take no more of it. Harmless twice. Raises CannotMove."""
    return _move(job, JobMove.PAUSE, by)


def resume(*, job: Job, by: Actor) -> Job:
    """Goes on with a paused job. Harmless twice. Raises CannotMove."""
    return _move(job, JobMove.RESUME, by)


def cancel(*, job: Job, by: Actor) -> Job:
    """Ends a job; what is done stays done, the rest is left alone. Harmless twice. Raises CannotMove."""
    return _move(job, JobMove.CANCEL, by)


@transaction.atomic
def retry_failed(*, job: Job, by: Actor) -> Job:
    """Tries again the lines that were refused or failed. Harmless twice. Raises CannotMove, Refusal."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state == JobState.DONE:
        again = JobItem.objects.filter(job=job, state__in=[Item.REFUSED, Item.FAILED])
        if not again.update(state=Item.WAITING, verdict="", note=""):
            raise Refusal("No line of this job was refused or failed: there is nothing to try again")
        Job.objects.filter(pk=job.pk).update(refused=0, failed=0)
    return _move(job, JobMove.RETRY, by)


def preview_undo(*, job: Job, before: str, selection: str, by: Actor) -> Job:
    """A job, not begun, that brings the lines that this one changed back to what they were: those that were `before`.

    Raises CannotMove, Invalid, NotFound, Refusal.
    """
    opposite = undo_of(job, before)
    if opposite is None or job.state not in (JobState.DONE, JobState.CANCELLED):
        raise CannotMove(f"This job is {job.state}, and nothing of it can be undone so")
    action, parameters = opposite
    changed = JobItem.objects.filter(job=job, state=Item.DONE).exclude(before="").values("line")
    if action is not Action.RESTORE_FIELDS:  # that one knows what each line was
        changed = changed.filter(before=before)
    return preview_job(
        account=job.account,
        lines=Line.objects.filter(pk__in=changed),
        action=action,
        parameters=parameters,
        selection=selection,
        by=by,
    )


@transaction.atomic
def undo(*, job: Job, befores: Sequence[str], selection: str, by: Actor) -> list[Job]:
    """Begins a job for each of these ways back. Raises CannotMove, Invalid, NotFound, Refusal."""
    ways = [preview_undo(job=job, before=before, selection=selection, by=by) for before in befores]
    return [start(job=way, by=by) for way in ways]


@transaction.atomic
def _move(job: Job, move: JobMove, by: Actor) -> Job:
    job = Job.objects.select_for_update().get(pk=job.pk)
    before, after = JobState(job.state), JOB_MOVES.get((JobState(job.state), move))
    if after is None:
        raise CannotMove(f"This job is {before}; it is too late to {move} it")
    if after is before:
        return job
    job.state = after
    now = clock.now()
    if after is JobState.RUNNING:
        job.run_at, job.run_from = now, job.over
    job.stopped_by = by.name if after in (JobState.PAUSED, JobState.CANCELLED) else ""
    job.ended_at = now if after in (JobState.CANCELLED, JobState.DONE) else None
    job.save(update_fields=["state", "run_at", "run_from", "stopped_by", "ended_at"])
    record(
        by=by,
        verb=f"job.{move}",
        account_id=job.account_id,
        subject=f"job:{job.uuid.hex}",
        detail={"action": job.action, "lines": job.total, "over": job.over, "selection": job.selection},
    )
    return job


@transaction.atomic
def work_chunk(*, job_id: int, limit: int = CHUNK) -> int:
    """Acts on a job's next lines that no other worker holds; says how many. Outcomes and acts are one transaction."""
    job = Job.objects.select_related("account__parent").get(pk=job_id)
    if job.state != JobState.RUNNING:
        return 0
    waiting = JobItem.objects.select_for_update(skip_locked=True).filter(job=job, state=Item.WAITING)
    rows = list(waiting.order_by("pk").values_list("line_id", "pk", "month")[:limit])
    if not rows:
        return 0
    items = {line_id: pk for line_id, pk, _ in rows}
    if not _may_go_on(job):
        cancel(job=job, by=SYSTEM)
        return 0
    lock_wallets(account_ids=[job.account.payer_id])  # from here on nobody takes a line of it away
    ours = sorted(lines_held(job.account).filter(pk__in=items).values_list("pk", flat=True))
    outcomes = dict.fromkeys(items, acts.GONE) | _act(job, ours)
    _write_outcomes(job, rows[0][2], {items[line_id]: outcome for line_id, outcome in outcomes.items()})
    return len(items)


def _may_go_on(job: Job) -> bool:
    """Whether who started it may still do so: a person who has left, or a key that was revoked, does nothing more."""
    account, right = job.account, Action(job.action).right
    if job.by_kind == ActorKind.KEY:
        return is_open(account) and key_may(account=account, name=job.by_name, right=right, since=job.created_at)
    if job.by_kind not in (ActorKind.PERSON, ActorKind.BACK_OFFICE):
        return account.is_active
    user = user_by_email(job.by_name)
    if user is None or not user.is_active:
        return False
    if job.by_kind == ActorKind.BACK_OFFICE:
        return user.is_staff and is_open(account)
    return any(place.may(right) for place in memberships_of(user).filter(account=account))


def _act(job: Job, line_ids: Sequence[int]) -> dict[int, Outcome]:
    """All at once; where that fails, line by line, so that one line's failure is that line's alone."""
    if not line_ids:
        return {}
    try:
        with transaction.atomic():
            return acts.act(job=job, line_ids=line_ids)
    except OperationalError:
        raise  # the database's trouble, not the lines': tried again later
    except Exception:
        log.exception("job %s failed on a set of %s lines", job.uuid, len(line_ids))
        if len(line_ids) == 1:
            return {line_ids[0]: acts.BROKEN}
    return {line_id: outcome for one in line_ids for line_id, outcome in _act(job, [one]).items()}


def _write_outcomes(job: Job, month: dt.date, outcomes: Mapping[int, Outcome]) -> None:
    """`month`: that of all its items."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lines_jobitem i SET state = o.state, verdict = o.verdict, note = o.note, before = o.before"
            "  FROM unnest(%s::bigint[], %s::smallint[], %s::text[], %s::text[], %s::text[])"
            "    AS o(id, state, verdict, note, before)"
            " WHERE i.id = o.id AND i.month = %s",
            [
                array(outcomes),
                array(int(outcome.state) for outcome in outcomes.values()),
                array(str(outcome.verdict) for outcome in outcomes.values()),
                array(outcome.note[:200] for outcome in outcomes.values()),
                array(outcome.before for outcome in outcomes.values()),
                month,
            ],
        )
    counts = {item: sum(outcome.state is item for outcome in outcomes.values()) for item in Item}
    Job.objects.filter(pk=job.pk).update(
        done=F("done") + counts[Item.DONE],
        same=F("same") + counts[Item.SAME],
        refused=F("refused") + counts[Item.REFUSED],
        failed=F("failed") + counts[Item.FAILED],
    )


@transaction.atomic
def finish_job(*, job_id: int) -> bool:
    """Ends a running job of which no line waits, nor is held by another worker."""
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.state != JobState.RUNNING or JobItem.objects.filter(job=job, state=Item.WAITING).exists():
        return False
    _move(job, JobMove.FINISH, SYSTEM)
    return True


def drop_old_previews() -> int:
    """Jobs that nobody started within a day."""
    old = Job.objects.filter(state=JobState.PREVIEWED, created_at__lt=clock.now() - PREVIEWS_KEPT)
    return old.delete()[0]
