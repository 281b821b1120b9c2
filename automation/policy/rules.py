"""The rules about rules: what one needs, what may be done when it fires, what undoes it, what it would have done."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lines.policy import MEGABYTE, cycle_end

CALM = dt.timedelta(minutes=15)  # between two automatic changes of a line
MOST_CHANGES = 6  # automatic ones of a line in a day


class Trigger(enum.StrEnum):
    """What a rule waits for."""

    USAGE = "usage"
    IMEI = "imei"
    SILENCE = "silence"
    COUNTRY = "country"
    SMS = "sms"
    COST = "cost"


class Period(enum.StrEnum):
    DAY = "day"
    MONTH = "month"


class Unit(enum.StrEnum):
    MB = "mb"
    USD = "usd"


class Action(enum.StrEnum):
    """What a rule does when it fires. It tells the staff chosen in any case."""

    DEACTIVATE = "deactivate"
    THROTTLE = "throttle"
    PLAN = "plan"
    TELL = "tell"


class Then(enum.StrEnum):
    """When a line is put back as it was before the rule."""

    NEVER = ""
    NEXT_DAY = "next-day"
    NEXT_MONTH = "next-month"
    HOURS = "hours"


class Outcome(enum.StrEnum):
    """What came of a rule that fired for a line."""

    DEACTIVATED = "deactivated"
    TOLD = "told"
    SET = "set"  # throttled, or put on another plan
    REFUSED = "refused"  # the line's carrier cannot
    SHADOW = "shadow"  # the rule only records
    ALREADY_OFF = "already-off"
    STANDS_BY = "stands-by"  # the line was off already: it acts if that comes on within the period
    OVER = "over"  # the period was over before it was seen
    WAITS = "waits"  # the line was changed less than CALM ago
    DROPPED = "dropped"  # it waited, and somebody changed the line
    LEFT = "left"  # the line was changed MOST_CHANGES times that day


WITH_LIMIT = frozenset({Trigger.USAGE, Trigger.COST})  # a rule that is over its limit until its period ends


class Act(enum.StrEnum):
    """What is done later."""

    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"  # of a line that had to be left alone first
    SET = "set"  # the speed or the plan of such a line
    SPEED = "speed"  # the line gets back the speed that it had
    PLAN = "plan"  # and the rate plan


class FollowState(enum.StrEnum):
    OPEN = "open"
    DONE = "done"
    BY_BALANCE = "by-balance"  # given back, and suspended until the balance recovers
    BY_CAP = "by-cap"  # given back, and off until a cap over it has room
    BY_SUBACCOUNT = "by-subaccount"  # given back, and off until its sub-account is on
    CHANGED = "changed"  # somebody changed the line since
    HELD = "held"  # another rule holds the line for longer
    CANCELLED = "cancelled"
    LEFT = "left"
    REFUSED = "refused"  # its carrier cannot, or no longer


LARGEST_LIMIT = Decimal(1_000_000_000)
MOST_HOURS = 24 * 365
LONGEST_NAME, LONGEST_WORD = 100, 70
_HOURS = f"Give whole hours, 1 to {MOST_HOURS}"


def problems(
    *,
    name: str,
    trigger: Trigger,
    period: str,
    unit: str,
    limit: Decimal | None,
    hours: int | None,
    word: str,
    countries: Sequence[str],
    action: Action,
    then: Then,
    then_hours: int | None,
    tells: int,
    kbps: int | None = None,
    speeds: Sequence[int] = (),
    has_plan: bool = False,
) -> dict[str, str]:
    """What is wrong with a rule, by the field's name; nothing: it can be saved."""
    wrong: dict[str, str] = {}
    if not name.strip() or len(name) > LONGEST_NAME:
        wrong["name"] = f"Give the rule a name of 1 to {LONGEST_NAME} characters"
    if trigger in (Trigger.USAGE, Trigger.COST):
        if period not in set(Period):
            wrong["period"] = "Choose a day or a month"
        if trigger is Trigger.USAGE and unit not in set(Unit):
            wrong["unit"] = "Choose MB or $"
        wrong |= _limit_problem(limit)
    if trigger is Trigger.SILENCE and not _are_hours(hours):
        wrong["hours"] = _HOURS
    if trigger is Trigger.SMS and not 0 < len(word.strip()) <= LONGEST_WORD:
        wrong["word"] = f"Give the word to look for, 1 to {LONGEST_WORD} characters"
    if trigger is Trigger.COUNTRY and not countries:
        wrong["countries"] = "Choose at least one country where the lines may be"
    if action is Action.TELL and not tells:
        wrong["tells"] = "Choose who is told: the rule does nothing else"
    if action is Action.THROTTLE and kbps not in speeds:
        wrong["kbps"] = "Choose a speed"
    if action is Action.PLAN and not has_plan:
        wrong["to_plan"] = "Choose the rate plan"
    if action is not Action.TELL and then is Then.HOURS and not _are_hours(then_hours):
        wrong["then_hours"] = _HOURS
    return wrong


def _limit_problem(limit: Decimal | None) -> dict[str, str]:
    if limit is None or not limit.is_finite() or limit <= 0:
        return {"limit": "Give a number over 0"}
    if limit >= LARGEST_LIMIT or limit != round(limit, 6):
        return {"limit": f"Give a number under {LARGEST_LIMIT:,} with at most six decimals"}
    return {}


def _are_hours(hours: int | None) -> bool:
    return hours is not None and 1 <= hours <= MOST_HOURS


@dataclass(frozen=True, slots=True)
class Changes:
    """What rules did to a line, whatever it was: switched it, slowed it, changed its plan, or put something back."""

    last: dt.datetime | None = None
    today: int = 0


def restraint(changes: Changes, now: dt.datetime) -> Outcome | None:
    """What keeps rules from changing a line again; None: nothing does."""
    if changes.today >= MOST_CHANGES:
        return Outcome.LEFT
    return Outcome.WAITS if now < calm_from(changes.last, now) else None


def free_from(changes: Changes, now: dt.datetime) -> dt.datetime:
    """From when rules may change a line again."""
    calm = calm_from(changes.last, now)
    return max(calm, midnight(now.date() + dt.timedelta(days=1))) if changes.today >= MOST_CHANGES else calm


@dataclass(frozen=True, slots=True)
class LineNow:
    """A line as a rule finds it. `held_until`: when the rule that holds it gives it back, None for never."""

    is_off: bool
    is_gone: bool = False  # another account's now
    is_held: bool = False
    held_until: dt.datetime | None = None
    changes: Changes = Changes()


def judge(line: LineNow, *, lifts_at: dt.datetime | None, now: dt.datetime, stands_by: bool = False) -> Outcome:
    """What becomes of a line that a rule wants off until `lifts_at` (None: for good).

    One that somebody else holds off does not use up a rule that `stands_by` until its period ends.
    """
    if lifts_at is not None and lifts_at <= now:
        return Outcome.OVER
    if line.is_held:
        return Outcome.DEACTIVATED if is_longer(lifts_at, line.held_until) else Outcome.ALREADY_OFF
    if line.is_off:
        return Outcome.STANDS_BY if stands_by and not line.is_gone else Outcome.ALREADY_OFF
    return restraint(line.changes, now) or Outcome.DEACTIVATED


def period_ends(period: str) -> dt.date:
    """The first day after the period that a fire with a limit is named by: `day:2026-11-20`, `month:2026-11-15`."""
    kind, _, begins = period.partition(":")
    first = dt.date.fromisoformat(begins)
    return first + dt.timedelta(days=1) if kind == Period.DAY else cycle_end(first) + dt.timedelta(days=1)


def is_longer(one: dt.datetime | None, other: dt.datetime | None) -> bool:
    """Whether a hold until `one` lasts longer than one until `other`; None is for good."""
    return other is not None and (one is None or one > other)


def calm_from(last_change: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """From when a line may be changed automatically again."""
    return now if last_change is None else max(now, last_change + CALM)


def lifts_at(
    then: Then, *, hours: int | None, fired_at: dt.datetime, day: dt.date, month_ends: dt.date
) -> dt.datetime | None:
    """When a rule gives a line back that it took because of `day`; None: never. Days and cycles begin at 00:00 UTC.

    `month_ends`: the first day after the line's cycle that `day` is in.
    """
    if then is Then.HOURS:
        return fired_at + dt.timedelta(hours=hours or 0)
    if then is Then.NEXT_DAY:
        return midnight(day + dt.timedelta(days=1))
    if then is Then.NEXT_MONTH:
        return midnight(month_ends)
    return None


def midnight(day: dt.date) -> dt.datetime:
    """The first moment of a day, UTC."""
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class LineDayUsed:
    """What a line used on a day: bytes and USD."""

    line_id: int
    day: dt.date
    cycle: dt.date
    used: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class WouldFire:
    """A rule would have fired for a line on a day: with this value, and USD that were used after it while it held."""

    line_id: int
    day: dt.date
    value: Decimal
    saved: Decimal


def would_have_fired(
    days: Iterable[LineDayUsed],
    *,
    period: Period,
    unit: Unit,
    limit: Decimal,
    deactivates: bool,
    then: Then,
    hours: int | None,
    since: dt.date,
) -> list[WouldFire]:
    """One line's days, in order, as a rule would have met them.

    Within a day usage is taken to be even. A line that the rule holds uses nothing and cannot make it fire again;
    a period before `since` counts towards its limit and fires nothing.
    """
    fired: list[WouldFire] = []
    total = Decimal(0)
    begun: dt.date | None = None
    spent: set[dt.date] = set()
    held_until: dt.date | None = None
    for one in days:
        key = one.day if period is Period.DAY else one.cycle
        if key != begun:
            begun, total = key, Decimal(0)
        if held_until is not None and one.day < held_until:
            fired[-1] = _more_saved(fired[-1], one.cost)
            continue
        amount = one.cost if unit is Unit.USD else Decimal(one.used) / MEGABYTE
        total += amount
        if total <= limit or key in spent:
            continue
        spent.add(key)
        if one.day < since:
            continue
        excess = one.cost * (total - limit) / amount if deactivates and amount else Decimal(0)
        fired.append(WouldFire(one.line_id, one.day, total, excess))
        if deactivates:
            held_until = _held_until(then, hours, one)
            total = limit  # the rest of it would not have been used
    return fired


def _more_saved(fire: WouldFire, cost: Decimal) -> WouldFire:
    return WouldFire(fire.line_id, fire.day, fire.value, fire.saved + cost)


def _held_until(then: Then, hours: int | None, one: LineDayUsed) -> dt.date:
    """The first day on which the line runs again, in whole days."""
    if then is Then.NEVER:
        return dt.date.max
    if then is Then.NEXT_MONTH:
        return cycle_end(one.cycle) + dt.timedelta(days=1)
    days = max(1, -(-(hours or 0) // 24)) if then is Then.HOURS else 1
    return one.day + dt.timedelta(days=days)


def would_have_been_silent(days: Sequence[LineDayUsed], *, hours: int, since: dt.date, end: dt.date) -> list[WouldFire]:
    """One line's whole days without data, up to `end`, which is not over: silence that is certain."""
    moved = [one for one in days if one.used]
    fired: list[WouldFire] = []
    for one, until in zip(moved, [*(later.day for later in moved[1:]), end], strict=False):
        silent = 24 * ((until - one.day).days - 1)
        day = one.day + dt.timedelta(days=-(-hours // 24))
        if silent >= hours and day >= since:
            fired.append(WouldFire(one.line_id, day, Decimal(silent), Decimal(0)))
    return fired


def would_have_been_abroad(
    days: Sequence[tuple[dt.date, dt.date]],
    used: Sequence[LineDayUsed],
    *,
    line_id: int,
    deactivates: bool,
    then: Then,
    hours: int | None,
) -> list[WouldFire]:
    """One line's days, in order and each with its cycle, on which it connected where it may not be; saved is what whole
    days off would save."""
    fired: list[WouldFire] = []
    held_until = dt.date.min
    for day, cycle in days:
        if day < held_until:
            continue
        saved = Decimal(0)
        if deactivates:
            one = LineDayUsed(line_id, day, cycle, 0, saved)
            held_until = _held_until(then, hours, one)
            saved = sum((later.cost for later in used if day < later.day < held_until), saved)
        fired.append(WouldFire(line_id, day, Decimal(0), saved))
    return fired
