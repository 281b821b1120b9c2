"""Whose lines a person sees, and what of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    DateField,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Now
from kit.identifiers import all_spellings, asked, read_iccid, sim_key

from accounts.models import Account
from accounts.queries import Viewer
from lines.carriers.base import CallKind, Switch
from lines.models import Breaker, Line, LineDay, LineState
from lines.policy import Status, Wanted, Why, status
from lines.policy.precedence import PRECEDENCE, Request, Result, Standing, standing_of
from lines.queries.caps import stopping
from lines.rules import CONFIRMED_ON, is_confirmed_on

CYCLE = dt.timedelta(days=31)  # no cycle is longer

# lines.policy.status said in SQL; a test holds the two together.
STATUS = Case(
    When(Q(state__wanted=Wanted.ACTIVE) & CONFIRMED_ON, then=Value(Status.ACTIVATED.value)),
    When(state__wanted=Wanted.ACTIVE, then=Value(Status.ACTIVATION_READY.value)),
    default=F("state__wanted"),
    output_field=IntegerField(),
)

# lines.policy.precedence.standing_of said in SQL.
STANDING = Case(
    When(state__wanted=Wanted.ACTIVE, then=Value(Standing.ON.value)),
    default=F("state__why"),
    output_field=CharField(),
)

# Wanted on, and the carrier stops it, or says of it what nobody here understands (LineShown.stopped says it in Python).
STOPPED = Q(state__wanted=Wanted.ACTIVE) & (
    Q(state__blocked=True) | (Q(state__reported=None, drive=None) & ~Q(state__reported_word=""))
)


def of_status(status: Status) -> Q:
    """Which lines have it, in plain columns: the planner knows how many have which, and of a Case it knows nothing."""
    active = Q(state__wanted=Wanted.ACTIVE)
    if status is Status.ACTIVATED:
        return active & CONFIRMED_ON
    if status is Status.ACTIVATION_READY:
        return active & ~CONFIRMED_ON
    return Q(state__wanted=status.value)


def today_bytes(today: dt.date, viewer: Viewer) -> Case:
    """What a line used on this day; one that was not read today has used nothing."""
    used = _theirs(F("state__day_bytes"), viewer, today, day=today)
    return Case(When(state__day=today, then=used), default=Value(0), output_field=BigIntegerField())


def counted(column: str, viewer: Viewer, today: dt.date) -> Case:
    """A figure of the current cycle that the carrier counts beside data; null where it tells none (see `_counts`)."""
    told = Q(counts__cycle=_current_cycle(today))
    if viewer.account.is_subaccount:
        told &= Q(held_since=None) | Q(held_since__lt=F("counts__cycle"))
    return Case(When(told, then=F(f"counts__{column}")), default=None, output_field=IntegerField())


def _current_cycle(today: dt.date) -> Combinable:
    """counting.cycle_of, of a day in the open cycle."""
    this, last = today.replace(day=1), (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    month = Case(When(carrier__cycle_day__lte=today.day, then=Value(this)), default=Value(last))
    start = ExpressionWrapper(month + F("carrier__cycle_day") - 1, output_field=DateField())
    turning = Q(carrier__cycle_since__gt=today, carrier__cycle_before__isnull=False)
    return Case(When(turning, then=F("carrier__cycle_before")), default=start, output_field=DateField())


def month_bytes(today: dt.date, viewer: Viewer) -> Case:
    """What a line used in its carrier's current cycle since it became ours."""
    used = _theirs(F("state__counter") - F("state__baseline"), viewer, today, cycle=OuterRef("state__cycle"))
    return Case(When(state__cycle=_current_cycle(today), then=used), default=Value(0), output_field=BigIntegerField())


def _theirs(used: Combinable, viewer: Viewer, today: dt.date, **when: object) -> Combinable:
    """Without what others used while they held a line that came to a sub-account in this cycle."""
    if not viewer.account.is_subaccount:
        return used
    days = LineDay.objects.filter(line=OuterRef("pk"), **when).exclude(account=viewer.account).order_by()
    others = Subquery(days.values("line").annotate(sum=Sum("used")).values("sum"), output_field=BigIntegerField())
    came = Q(held_since__gte=dt.datetime.combine(today - CYCLE, dt.time(), dt.UTC))
    return Case(When(came, then=used - Coalesce(others, 0)), default=used, output_field=BigIntegerField())


def lines_of(viewer: Viewer) -> QuerySet[Line]:
    """The lines that a person sees: those a sub-account holds, or all that an account pays for."""
    return lines_held(viewer.account)


def lines_held(account: Account) -> QuerySet[Line]:
    """The lines that a sub-account holds, or all that an account pays for."""
    return Line.objects.filter(account=account) if account.is_subaccount else Line.objects.filter(payer=account)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the carrier counts in the current cycle beside data, each None where it tells none, and when it told it."""

    sms: int | None = None
    voice: int | None = None
    sessions: int | None = None
    told_at: dt.datetime | None = None


def _counts(line: Line, viewer: Viewer, cycle: dt.date) -> Counts:
    """Of a cycle in which a sub-account came to hold the line it is told nothing: part of it is somebody else's."""
    kept = getattr(line, "counts", None)
    since = line.held_since if viewer.account.is_subaccount else None
    if kept is None or kept.cycle != cycle or (since is not None and since.date() >= cycle):
        return Counts()
    return Counts(kept.sms, kept.voice, kept.sessions, kept.told_at)


@dataclass(frozen=True, slots=True)
class LineShown:
    """A line as one person may see it. What is not theirs to know is empty: carrier, plan and who for a sub-account."""

    iccid: str
    carrier_id: int
    status: Status
    wanted: Wanted
    wanted_at: dt.datetime
    why: str
    who: str
    waiting_since: dt.datetime | None  # the carrier has not confirmed what we want since
    blocked: bool
    reported: Switch | None
    reported_word: str
    reported_at: dt.datetime | None
    confirmed_at: dt.datetime | None
    carrier: str
    plan: str
    holder: str  # the sub-account that holds it, empty for the account's own
    notes: str
    deactivation_date: dt.date | None
    imei: str
    msisdn: str
    added_at: dt.datetime
    last_seen: dt.datetime | None
    read_at: dt.datetime | None
    lower_at: dt.datetime | None
    cycle_start: dt.date
    today_bytes: int
    month_bytes: int
    sms_sent: int | None  # None: not reported
    silent_since: dt.datetime | None = None  # its carrier has not answered since
    counts: Counts = Counts()
    returns_at: dt.datetime | None = None  # the rule that holds it is to give it back then
    holder_uuid: str = ""
    tags: tuple[str, ...] = ()
    capped: tuple[str, str] | None = None  # of one line: which full cap holds it off, and what lifts that

    @property
    def stopped(self) -> bool:
        """Whether it is wanted on, and its carrier stops it or says of it what nobody here understands."""
        unknown = self.reported is None and self.waiting_since is None and bool(self.reported_word)
        return self.wanted is Wanted.ACTIVE and (self.blocked or unknown)

    @property
    def says(self) -> str | None:
        """What its carrier says of it: on, off, blocked, unknown; None: nothing yet."""
        if self.blocked:
            return "blocked"
        if self.reported is None:
            return "unknown" if self.reported_word else None
        return "on" if self.reported is Switch.ON else "off"

    @property
    def other_imei(self) -> str:
        """The device that an IMEI lock fired for, where its carrier has said which."""
        return self.who if self.why == Why.CARRIER and self.who.isdecimal() else ""

    @property
    def comes_back(self) -> bool:
        """Whether it is off and comes back by itself, unless a person says that it stays off."""
        now = standing_of(self.wanted, self.why)
        return now is not Standing.ON and PRECEDENCE[now, Request.DEACTIVATE] is Result.PERSON


def shown(line: Line, viewer: Viewer, today: dt.date) -> LineShown:
    state, outsider = line.state, viewer.account.is_subaccount
    cycle = line.carrier.cycle_of(today)
    reported = None if state.reported is None else Switch(state.reported)
    wanted = Wanted(state.wanted)
    drive = getattr(line, "drive", None)
    return LineShown(
        iccid=line.iccid,
        carrier_id=line.carrier_id,
        status=status(wanted, confirmed_on=is_confirmed_on(reported, blocked=state.blocked)),
        wanted=wanted,
        wanted_at=state.wanted_at,
        why=state.why,
        who=_who(state, outsider=outsider),
        waiting_since=drive.since if drive else None,
        blocked=state.blocked,
        reported=reported,
        reported_word="" if outsider else state.reported_word,
        reported_at=state.reported_at,
        confirmed_at=state.confirmed_at,
        carrier="" if outsider else line.carrier.name,
        plan="" if outsider else line.plan.name,
        holder=line.account.name if line.account and line.account.is_subaccount and not outsider else "",
        notes=line.notes,
        deactivation_date=line.deactivation_date,
        imei=line.imei,
        msisdn=line.msisdn,
        added_at=line.added_at,
        last_seen=state.last_seen,
        read_at=state.read_at,
        lower_at=state.lower_at,
        cycle_start=cycle,
        today_bytes=line.used_today,  # type: ignore[attr-defined]
        month_bytes=line.used_month,  # type: ignore[attr-defined]
        sms_sent=state.sms_sent,
        silent_since=_silent_since(line),
        counts=_counts(line, viewer, cycle),
        returns_at=_returns_at(line),
        holder_uuid=line.account.uuid.hex if line.account and line.account.is_subaccount and not outsider else "",
        tags=() if outsider else tuple(sorted(tag.name for tag in line.tags.all())),
    )


def _who(state: LineState, *, outsider: bool) -> str:
    """A person or a rule, which others are not told of; or the device that an IMEI lock fired for, which they are."""
    is_device = state.why == Why.CARRIER and state.why_who.isdecimal()
    return state.why_who if is_device or not outsider else ""


# The same of many (see `_returns_at`).
RETURNS = Q(state__why=Why.RULE.value, rule_hold__until__isnull=False, rule_hold__since=F("state__wanted_at"))


def _returns_at(line: Line) -> dt.datetime | None:
    hold = getattr(line, "rule_hold", None)
    if hold is None or line.state.why != Why.RULE or hold.since != line.state.wanted_at:
        return None
    until: dt.datetime | None = hold.until
    return until


def _silent_since(line: Line) -> dt.datetime | None:
    """Since when a carrier that is left alone for its failures has not answered. Its times are real ones."""
    shut = [one for one in line.carrier.breakers.all() if one.kind == CallKind.READING and one.is_open]  # type: ignore[attr-defined]
    if not shut:
        return None
    since: dt.datetime | None = line.carrier.health.last_success_at or shut[0].last_failure_at
    return since


def with_all(lines: QuerySet[Line], viewer: Viewer, today: dt.date) -> QuerySet[Line]:
    """What `shown` needs."""
    related = lines.select_related(
        "state", "carrier__health", "plan", "account", "drive", "counts", "rule_hold"
    ).prefetch_related("tags", Prefetch("carrier__breakers", Breaker.objects.annotate(is_open=Q(open_until__gt=Now()))))
    return related.annotate(used_today=today_bytes(today, viewer), used_month=month_bytes(today, viewer))


def line_of(viewer: Viewer, iccid: str, *, today: dt.date) -> LineShown | None:
    """One line, or None where it is unknown or not this person's."""
    line = with_all(lines_of(viewer), viewer, today).filter(iccid__in=asked(iccid)).first()
    if line is None:
        return None
    found = shown(line, viewer, today)
    if line.state.why != Why.CAP:
        return found
    return replace(found, capped=stopping(line.pk, outside=viewer.account.is_subaccount))


def iccids_kept(payer: Account, iccids: Sequence[str]) -> list[str]:
    """ICCIDs as the payer's lines have them, however they were written; those of no line as they were read.

    Raises NotAnIccid.
    """
    read = {sim_key(one): one for one in map(read_iccid, iccids)}
    lines = Line.objects.filter(payer=payer, iccid__in=all_spellings(read.values()))
    theirs = {sim_key(iccid): iccid for iccid in lines.values_list("iccid", flat=True)}
    return [theirs.get(key, iccid) for key, iccid in read.items()]


def lines_again(viewer: Viewer, iccids: Sequence[str], *, today: dt.date) -> list[LineShown]:
    """These lines, in this order, without those that are no longer this person's."""
    found = {line.iccid: line for line in with_all(lines_of(viewer), viewer, today).filter(iccid__in=iccids)}
    return [shown(found[iccid], viewer, today) for iccid in iccids if iccid in found]
