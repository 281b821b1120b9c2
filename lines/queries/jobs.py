"""Jobs as a person sees them: what will happen to how many, how far it is, what became of each line."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from kit import clock
from kit.money import ZERO

from accounts.policy import ASKING
from accounts.queries import Viewer, is_unconfirmed
from billing.models import Wallet
from lines.carriers import CLIENTS
from lines.models import Cap, Drive, Job, JobItem, Line, LineTag, Price, RatePlan, Tag
from lines.policy import OF_FIELDS, OF_SUBACCOUNTS, Action, Item, JobState, Verdict, undoing
from lines.policy.budget import Costly
from lines.policy.caps import CapKind
from lines.policy.judging import Facts, judge
from lines.policy.precedence import Standing
from lines.queries.caps import is_capped
from lines.queries.daily import done_today, may_do
from lines.queries.field_jobs import fields_so
from lines.queries.plans import plans_for
from lines.queries.scope import STANDING
from lines.rules import CONFIRMED_ON

SENDING = frozenset(kind for kind, client in CLIENTS.items() if client.abilities.sends_sms)
UNDOS_SHOWN = 50
DRIVING = frozenset({Action.ACTIVATE, Action.DEACTIVATE, Action.DEACTIVATE_NEXT_DAY})


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would become of a job's waiting lines now. `cost` is USD: once, or a day where `is_daily`."""

    verdicts: dict[Verdict, int] = field(default_factory=dict)
    cost: Decimal = ZERO
    is_daily: bool = False
    dates: int = 0  # lines that lose a deactivation date

    @property
    def will(self) -> int:
        return self.verdicts.get(Verdict.DO, 0)

    @property
    def refused(self) -> int:
        return sum(count for verdict, count in self.verdicts.items() if verdict.is_refusal)


def running_jobs() -> list[int]:
    """The jobs that workers go on with, the oldest first."""
    return list(Job.objects.filter(state=JobState.RUNNING).order_by("pk").values_list("pk", flat=True))


def jobs_of(viewer: Viewer) -> QuerySet[Job]:
    """The jobs of an account that were started, latest first."""
    return Job.objects.filter(account=viewer.account).exclude(state=JobState.PREVIEWED).order_by("-pk")


def count_open(viewer: Viewer) -> int:
    """How many jobs of the account run or are paused."""
    return Job.objects.filter(account=viewer.account, state__in=[JobState.RUNNING, JobState.PAUSED]).count()


def job_of(viewer: Viewer, key: str) -> Job | None:
    """One job of the account, by its UUID's 32 hex."""
    return Job.objects.filter(account=viewer.account, uuid=key).select_related("account").first()


def forecast(job: Job) -> Forecast:
    """Judges the waiting lines by the few kinds that there are of them, each as the worker will."""
    action, by_plan = Action(job.action), Counter[int]()
    verdicts, dates = Counter[Verdict](), 0
    is_red = not Wallet.objects.filter(pk=job.account.payer_id, is_red=False).exists()
    unconfirmed = job.by_kind in ASKING and is_unconfirmed(payer_id=job.account.payer_id)
    for row in _kinds_of(job):
        facts = Facts(
            standing=Standing(row["standing"]),
            confirmed_on=bool(row["on"]),
            has_date=row["dated"],
            is_red=is_red,
            holder_off=row["holder_off"],
            wallet_red=row["wallet_red"],
            cap_full=row["capped"],
            is_so=row["so"],
            by_holder=job.account.is_subaccount,
            other_carrier=row["other_carrier"],
            not_offered=row["not_offered"],
            no_field=row["no_field"],
            cannot=row["kind"] not in SENDING,
            unconfirmed=unconfirmed,
        )
        verdict = judge(action, facts)
        verdicts[verdict] += row["lines"]
        if verdict is Verdict.DO:
            by_plan[row["price_plan"]] += row["lines"]
            dates += row["lines"] if facts.has_date and not facts.by_holder else 0
    _take_off_what_is_over(job, verdicts)
    if action not in (Action.ACTIVATE, Action.SMS):
        return Forecast(verdicts)
    is_daily = action is Action.ACTIVATE
    prices = prices_in_force(list(by_plan), now=clock.now())
    cost = sum((lines * _part(prices[plan], is_daily) for plan, lines in by_plan.items() if plan in prices), ZERO)
    return Forecast(verdicts, cost, is_daily, dates if is_daily else 0)


COSTLY = {Action.ACTIVATE: Costly.ACTIVATION, Action.SMS: Costly.SMS, Action.PLAN: Costly.SETTING}


def _take_off_what_is_over(job: Job, verdicts: Counter[Verdict]) -> None:
    """Lines that would be done but for the limit of the day."""
    kind, payer_id, wanted = COSTLY.get(Action(job.action)), job.account.payer_id, verdicts[Verdict.DO]
    if kind is None or not wanted or job.by_kind not in ASKING:
        return
    may = may_do(payer_id=payer_id, kind=kind, wanted=wanted, done=done_today(payer_id=payer_id, kind=kind))
    if may < wanted:
        verdicts[Verdict.DO], verdicts[Verdict.OVER_DAY] = may, wanted - may


def _part(price: Price, is_daily: bool) -> Decimal:
    part: Decimal = price.per_day if is_daily else price.per_sms
    return part


def _kinds_of(job: Job) -> list[Any]:
    """The waiting lines of a job, counted by what a decision about them depends on."""
    nothing = Value(False, output_field=BooleanField())
    so: Combinable = nothing
    other_carrier: Combinable = nothing
    not_offered: Combinable = nothing
    no_field: Combinable = nothing
    match Action(job.action):
        case Action.DEACTIVATE_NEXT_DAY:
            so = _is(Q(deactivation_date=clock.today() + dt.timedelta(days=1)))
        case Action.DEACTIVATE_ON:
            so = _is(Q(deactivation_date=job.parameters["date"]))
        case Action.ASSIGN:
            so = _is(Q(account__uuid=job.parameters["account"]))
        case Action.PLAN:
            plan = RatePlan.objects.get(pk=job.parameters["plan"])
            so, other_carrier = _is(Q(plan=plan)), _is(~Q(carrier_id=plan.carrier_id))
            is_offered = plans_for(job.account).filter(pk=plan.pk).exists()
            not_offered = Value(not is_offered, output_field=BooleanField())
        case Action.TAG | Action.UNTAG | Action.RESET_TAGS as action:
            so = _tagged_so(job, action)
        case Action.FIELDS | Action.RESTORE_FIELDS:
            so, no_field = fields_so(job)
    waiting = JobItem.objects.filter(job=job, state=Item.WAITING).values("line")
    rows = (
        Line.objects.filter(pk__in=waiting)
        .order_by()
        .values(
            standing=STANDING,
            on=_is(CONFIRMED_ON),
            dated=_is(Q(deactivation_date__isnull=False)),
            holder_off=_is(Q(account__is_active=False)),
            wallet_red=_is(Q(account__parent__isnull=False, account__wallet__is_red=True)),
            capped=Exists(_full_caps(job)) if is_capped(job.account, today=clock.today()) else nothing,
            so=so,
            other_carrier=other_carrier,
            not_offered=not_offered,
            no_field=no_field,
            price_plan=F("plan_id"),
            kind=F("carrier__kind"),
        )
    )
    return list(rows.annotate(lines=Count("pk")))


def _full_caps(job: Job) -> QuerySet[Cap]:
    """The full caps over a line that stop it (in SQL: queries.caps.CAP_IS_FULL)."""
    full = Cap.objects.filter(account=job.account.payer_id, full_until__gt=clock.today())
    over = Q(kind=CapKind.ACCOUNT) | Q(holder=OuterRef("account")) | Q(plan=OuterRef("plan")) | Q(line=OuterRef("pk"))
    return full.filter(over | Exists(LineTag.objects.filter(tag=OuterRef("tag"), line=OuterRef(OuterRef("pk")))))


def _tagged_so(job: Job, action: Action) -> Combinable:
    """Whether a line has all the tags already, or none of those that are to go."""
    of_line = LineTag.objects.filter(line=OuterRef("pk"))
    if action is Action.RESET_TAGS:
        return ~Exists(of_line)
    names = [name.lower() for name in job.parameters["tags"]]
    tags = [tag.pk for tag in Tag.objects.filter(account=job.account) if tag.name.lower() in names]
    if action is Action.UNTAG:
        return ~Exists(of_line.filter(tag__in=tags))
    if len(tags) < len(names):  # some are new: no line has all
        return Value(False, output_field=BooleanField())
    return _is(reduce(and_, (Q(Exists(of_line.filter(tag=tag))) for tag in tags)))


def _is(condition: Q) -> Combinable:
    return ExpressionWrapper(condition, output_field=BooleanField())


def prices_in_force(plan_ids: Sequence[int], *, now: dt.datetime) -> dict[int, Price]:
    """Each plan's price now."""
    rows = Price.objects.default().filter(plan__in=plan_ids).filter(Q(valid_from=None) | Q(valid_from__lte=now))
    return {price.plan_id: price for price in rows.order_by(F("valid_from").asc(nulls_first=True))}


def waiting_for_carriers(job: Job) -> int:
    """Lines that the job has changed and whose carrier has not confirmed it yet."""
    if Action(job.action) not in DRIVING:
        return 0
    done = JobItem.objects.filter(job=job, state=Item.DONE).values("line")
    return Drive.objects.filter(line__in=done).count()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a running job is: lines a second, and how long the rest takes."""

    rate: float
    left: dt.timedelta | None


def pace_of(job: Job) -> Pace | None:
    """None while nothing is known of it."""
    if job.state != JobState.RUNNING or job.run_at is None:
        return None
    seconds = (clock.now() - job.run_at).total_seconds()
    lines = job.over - job.run_from
    if lines <= 0 or seconds <= 0:
        return None
    rate = lines / seconds
    return Pace(rate, dt.timedelta(seconds=job.left / rate))


@dataclass(frozen=True, slots=True)
class Undo:
    """A way back for some of a job's lines: what would be done to how many."""

    before: str
    lines: int
    action: Action
    parameters: dict[str, Any]


def undos_of(viewer: Viewer, job: Job, *, most: int | None = None) -> list[Undo]:
    """The ways back of a job that is over, which this person may go; one for each thing that lines were before, the
    one of most lines first. All of them, or so many."""
    if job.state not in (JobState.DONE, JobState.CANCELLED) or not job.done:
        return []
    found = []
    for before, lines in _were(job)[:most]:
        opposite = undo_of(job, before)
        if opposite and viewer.may(opposite[0].right) and _is_offered(viewer, opposite[0]):
            found.append(Undo(before, lines, *opposite))
    return found


def _were(job: Job) -> list[tuple[str, int]]:
    """What the job's lines were before, and how many of them; of fields one way back is for all."""
    done = JobItem.objects.filter(job=job, state=Item.DONE).order_by()
    if job.action in OF_FIELDS:
        count = done.exclude(before="").count()
        return [(job.uuid.hex, count)] if count else []
    rows = done.values_list("before").annotate(lines=Count("pk"))
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def undo_of(job: Job, before: str) -> tuple[Action, dict[str, Any]] | None:
    """What brings the lines back that were this before the job; None: nothing can."""
    off_at = job.parameters.get("date") or (job.ended_at and (job.ended_at.date() + dt.timedelta(days=1)).isoformat())
    return undoing(Action(job.action), before, has_come=bool(off_at) and str(off_at) <= clock.today().isoformat())


def _is_offered(viewer: Viewer, action: Action) -> bool:
    return not viewer.account.is_subaccount or action in OF_SUBACCOUNTS


def items_of(job: Job, *, state: Item | None, after: int = 0, limit: int) -> list[JobItem]:
    """A job's lines, behind this item."""
    items = JobItem.objects.filter(job=job, pk__gt=after).select_related("line").order_by("pk")
    return list((items if state is None else items.filter(state=state))[:limit])


def count_by_verdict(job: Job, state: Item) -> list[tuple[str, str, int]]:
    """Why lines were refused or failed: verdict, note, how many; the most frequent first."""
    rows = JobItem.objects.filter(job=job, state=state).order_by().values_list("verdict", "note")
    return sorted(rows.annotate(lines=Count("pk")), key=lambda row: -row[2])[:20]
