"""Why a line is as it is, in words: what, since when, and what changes it. Pure: time stays a datetime."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from lines.policy import Status, Why
from lines.queries import Group, LineShown


@dataclass(frozen=True, slots=True)
class Sentence:
    """`short` stands in a table, `what` and `lifts` are sentences; `since` belongs to `what`."""

    short: str
    what: str
    since: dt.datetime | None
    lifts: str = ""


def explain(line: LineShown) -> Sentence:
    """A line's status in words."""
    carrier = line.carrier or "the carrier"
    if line.status is Status.ACTIVATED:
        return Sentence("", f"On: {carrier} confirms it", line.reported_at)
    if line.status is Status.ACTIVATION_READY:
        return _not_on_yet(line, carrier)
    return why_off(line.why, line.who, since=line.added_at if line.why == Why.NEW else line.wanted_at)


def _not_on_yet(line: LineShown, carrier: str) -> Sentence:
    if line.blocked:
        return Sentence(
            f"held back by {carrier}",
            f"Wanted on, but {carrier} holds it back (“{line.reported_word}”)",
            line.reported_at,
            f"Only {carrier} can lift this: ask there, with the ICCID.",
        )
    if line.waiting_since is None and line.reported is None and line.reported_word:
        return Sentence(
            f"{carrier} says “{line.reported_word}”",
            f"Wanted on; {carrier} says “{line.reported_word}”, a word that Linekeeper does not know",
            line.reported_at,
            f"Look the line up with {carrier} to see whether it runs.",
        )
    return Sentence(
        "activating, asked",
        f"Activating: {carrier} was asked and has not confirmed it",
        line.waiting_since or line.wanted_at,
        "It is asked again until it does; there is nothing to do here.",
    )


def why_off(why: str, who: str, *, since: dt.datetime | None) -> Sentence:
    """The reason that a line is wanted off. No `who`: it is not the reader's to know."""
    activate = "It stays off until somebody activates it."
    if why == Why.BALANCE:
        return Sentence(
            "balance",
            "Off because the balance is below its minimum",
            since,
            "A refill that lifts the balance to the minimum starts it again by itself.",
        )
    if why == Why.PERSON:
        return Sentence(
            f"by {who}" if who else "switched off", f"Switched off{f' by {who}' if who else ''}", since, activate
        )
    if why == Why.RULE:
        rule = f" by the rule {who}" if who else " by a rule"
        return Sentence(f"rule {who}".strip(), f"Switched off{rule}", since, activate)
    if why == Why.SUBACCOUNT:
        return Sentence(
            "sub-account off",
            "Off because its sub-account is switched off",
            since,
            "Switching that on starts it again.",
        )
    return Sentence("never activated", "Added, and never activated", since, "It stays off until somebody activates it.")


def for_subaccount(sentence: Sentence, why: str) -> Sentence:
    """The same for a sub-account's people, who know no balance and no rules of the account."""
    if why == Why.BALANCE:
        return Sentence(
            "", "Suspended by your provider", sentence.since, "Your provider can start it again: ask there."
        )
    if why == Why.RULE:
        return Sentence("", "Switched off by your provider", sentence.since, sentence.lifts)
    return sentence


def pending(line: LineShown) -> Sentence | None:
    """A line that is wanted off and that its carrier has not confirmed to be off."""
    if line.waiting_since is None or line.status in (Status.ACTIVATED, Status.ACTIVATION_READY):
        return None
    carrier = line.carrier or "the carrier"
    return Sentence(
        "stopping, asked",
        f"Stopping: {carrier} was asked and has not confirmed it",
        line.waiting_since,
        "Until it does, the line may still use data. It is asked again until it confirms.",
    )


def group_off(group: Group) -> Sentence:
    """Why these lines are off, as one group."""
    return why_off(group.why, group.who, since=group.since)
