"""Rules in words: what one does, why it fired, what came of it. Pure: a rule's parts in, sentences out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from kit.money import shown

from automation import countries
from automation.policy import Act, Action, FollowState, Outcome, Period, Then, Trigger, Unit
from lines.queries.looks import Delay

OUTCOMES: dict[str, str] = {
    Outcome.DEACTIVATED: "Deactivated",
    Outcome.TOLD: "Told",
    Outcome.SET: "Changed",
    Outcome.REFUSED: "Not possible",
    Outcome.SHADOW: "Recorded only",
    Outcome.ALREADY_OFF: "Off already",
    Outcome.STANDS_BY: "Standing by",
    Outcome.OVER: "Period over",
    Outcome.WAITS: "Waits",
    Outcome.DROPPED: "Left to somebody",
    Outcome.LEFT: "Left alone",
}
OUTCOMES_WHOLE: dict[str, str] = {
    Outcome.DEACTIVATED: "The line was wanted off at once.",
    Outcome.TOLD: "The rule only tells.",
    Outcome.SHADOW: "The rule is in shadow mode: it records what it would do.",
    Outcome.STANDS_BY: "The line was off already. The rule acts if it comes on before the period ends.",
    Outcome.ALREADY_OFF: "The line was off already, by somebody or by a rule that holds it for longer.",
    Outcome.OVER: "The period was over before its last usage was seen: there was nothing left to stop.",
    Outcome.WAITS: "Rules changed the line less than 15 minutes ago; it waits until they are over.",
    Outcome.DROPPED: "While it waited somebody changed the line or cancelled it: that stands.",
    Outcome.LEFT: "Rules changed the line six times that day: it is left as it is, and its staff are told.",
}
FOLLOW_STATES: dict[str, str] = {
    FollowState.OPEN: "planned",
    FollowState.DONE: "done",
    FollowState.BY_BALANCE: "suspended until the balance recovers",
    FollowState.BY_CAP: "off until a full cap has room",
    FollowState.BY_SUBACCOUNT: "off until its sub-account is on",
    FollowState.CHANGED: "not done: somebody changed the line since",
    FollowState.HELD: "not done: another rule holds the line",
    FollowState.CANCELLED: "cancelled",
    FollowState.LEFT: "not done: six changes that day",
    FollowState.REFUSED: "not done: its carrier cannot",
}

ACTS: dict[str, str] = {
    Act.ACTIVATE: "Activate",
    Act.DEACTIVATE: "Deactivate",
    Act.SET: "Change",
    Act.SPEED: "Put the speed back",
    Act.PLAN: "Put the rate plan back",
}


def number(value: Decimal) -> str:
    """12, 12.5, 1,234.567: no zeros behind."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return text or "0"


def amount(value: Decimal, unit: str, *, over: Decimal | None = None) -> str:
    """A value with as many digits as a person needs; beside the limit that it is over, with those that decide."""
    if unit == Unit.USD:
        return shown(value, beside=over)
    places = next((n for n in range(1, 6) if over is None or value <= over or round(value, n) > over), 6)
    return f"{number(round(value, places))} MB"


def tried(trigger: str, *, unit: str, limit: Decimal | None, value: Decimal | None, text: str) -> str:
    """What a rule that is tried would have fired for, with the digits that decide."""
    if text or value is None:
        return text
    if trigger == Trigger.SILENCE:
        return f"{number(value)} h"
    return amount(value, Unit.USD if trigger == Trigger.COST else unit, over=limit)


def because(
    trigger: str, *, period: str, unit: str, limit: Decimal | None, value: Decimal | None, day: dt.date, text: str
) -> str:
    """Why a rule fired, for its activity."""
    when = f"on {day:%-d %B %Y}" if period == Period.DAY else f"in the month from {day:%-d %B %Y}"
    if trigger == Trigger.USAGE and value is not None and limit is not None:
        return f"Used {amount(value, unit, over=limit)} {when}, over {limit_words(limit, unit)}"
    if trigger == Trigger.COST and value is not None and limit is not None:
        return f"Cost {shown(value, beside=limit)} {when}, over {limit_words(limit, unit)}"
    if trigger == Trigger.IMEI:
        return f"IMEI changed from {text}"
    if trigger == Trigger.SMS:
        return f"Message: {text}"[:300]
    if trigger == Trigger.COUNTRY:
        return f"Connected in {text}"
    return f"No data for {number(value or Decimal(0))} hours"


def because_without_text(trigger: str, *, word: str, because: str) -> str:
    """The same for the audit, which is kept for ever: what a message said is not."""
    return f"Message with “{word}”" if trigger == Trigger.SMS else because


def limit_words(limit: Decimal, unit: str) -> str:
    return (
        (shown(limit) if limit == round(limit, 2) else f"${number(limit)}")
        if unit == Unit.USD
        else f"{number(limit)} MB"
    )


def _back(rule: Any) -> str:
    """, and put back as it was at 00:00 UTC of the next day."""
    if rule.then == Then.NEVER:
        return ""
    return f", and {then_words(rule.then, rule.then_hours).replace('activated again', 'put back as it was')}"


def then_words(then: str, hours: int | None) -> str:
    return {
        Then.NEXT_DAY: "activated again at 00:00 UTC of the next day",
        Then.NEXT_MONTH: "activated again at 00:00 UTC of the next month's first day",
        Then.HOURS: f"activated again {hours or 0} hour{'' if hours == 1 else 's'} later",
        Then.NEVER: "left off until somebody activates it",
    }[Then(then)]


def when(rule: Any) -> str:
    """A saved rule's or a draft's: When a line uses more than 512 MB in a day."""
    limit = limit_words(rule.limit or Decimal(0), Unit.USD if rule.trigger == Trigger.COST else rule.unit)
    return {
        Trigger.USAGE: f"When a line uses more than {limit} in a {rule.period}",
        Trigger.COST: f"When they cost more than {limit} in a {rule.period}",
        Trigger.IMEI: "When a line's IMEI changes to another",
        Trigger.SILENCE: f"When a line that is on moves no data for {rule.hours} hour{'' if rule.hours == 1 else 's'}",
        Trigger.SMS: f"When a device sends a message with “{rule.word}”",
        Trigger.COUNTRY: f"When a line connects outside {countries.listed(rule.countries)}",
    }[Trigger(rule.trigger)]


def does(rule: Any) -> str:
    """it is deactivated at once and activated again at 00:00 UTC of the next day."""
    if rule.action == Action.TELL:
        return "the people chosen are told"
    if rule.action == Action.THROTTLE:
        return f"it is slowed to {rule.kbps} kbps where its carrier can{_back(rule)}"
    if rule.action == Action.PLAN:
        plan = rule.to_plan.name if rule.to_plan else ""
        return f"it is put on the rate plan {plan} where its carrier can{_back(rule)}"
    it = "all its lines are" if rule.trigger == Trigger.COST else "it is"
    return f"{it} deactivated at once and {then_words(rule.then, rule.then_hours)}"


def sentence(rule: Any) -> str:
    return f"{when(rule)}, {does(rule)}."


def delay(one: Delay) -> str:
    """How long a change of device may stay unseen with a carrier: computed from its lines and its calls."""
    calls = f"{one.calls_per_day:,} calls a day" if one.calls_per_day else "no daily limit of calls"
    of = f"{one.carrier}: {one.lines:,} line{'' if one.lines == 1 else 's'}, {calls}"
    lock = f" {one.carrier}’s own IMEI lock acts at once." if one.locks else ""
    if one.usually is None:
        return f"Never seen with {of}. No call is left for it.{lock}"
    minutes = max(1, round(one.usually.total_seconds() / 60))
    time = f"{minutes} minute{'' if minutes == 1 else 's'}" if minutes < 120 else f"{-(-minutes // 60):,} hours"
    return f"Usually seen within {time} with {of}.{lock}"


def scope(rule: Any) -> str:
    """Which lines a saved rule looks at."""
    parts = []
    if rule.holder is not None:
        parts.append("own lines" if rule.holder_id == rule.account_id else f"lines of {rule.holder.name}")
    if rule.plan is not None:
        parts.append(f"plan {rule.plan.name}")
    if rule.tags:
        parts.append(f"tagged {' or '.join(rule.tags)}")
    if rule.field is not None:
        parts.append(f"{rule.field.name} “{rule.field_value}”")
    if rule.only_iccids:
        count = len(rule.only_iccids)
        parts.append(f"{count} ICCID{'' if count == 1 else 's'}")
    said = ", ".join(parts) if parts else "All lines"
    if rule.except_iccids:
        said += f", but not {len(rule.except_iccids)}"
    return said[:1].upper() + said[1:]
