"""Why a line is as it is, in words: what, since when, and what changes it. Pure: times stay datetimes."""

from __future__ import annotations

import datetime as dt
import enum
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lines.carriers.base import Abilities
from lines.models import Quarantine
from lines.policy import SmsState, Status, Why
from lines.queries import Group, LineShown
from lines.queries.health import Health
from lines.queries.sms import SmsShown

ASKED = ": first asked"


class Mend(enum.StrEnum):
    """The button that mends it, for who may press it."""

    REFILL = "refill"
    ACTIVATE = "activate"
    SUBACCOUNT = "sub-account"
    CAP = "cap"


@dataclass(frozen=True, slots=True)
class Sentence:
    """`short` stands in a table. The whole is: `what`, `joint`, how long ago `since` is; then `lifts`."""

    short: str
    what: str
    since: dt.datetime | None
    lifts: str = ""
    joint: str = ","
    mend: Mend | None = None


# What a table says, a sentence about one line, about several, and what changes it. {who} is a person or a rule.
OFF = {
    Why.BALANCE: (
        "balance",
        "Off since the balance went below its minimum",
        "A refill that lifts the balance to the minimum or above starts {it} again by itself.",
    ),
    Why.WALLET: (
        "sub-account balance",
        "Off since the sub-account’s own balance went below its minimum",
        "Credit that lifts it to the minimum or above starts {it} again.",
    ),
    Why.PERSON: ("by {who}", "Switched off by {who}", "{It} until somebody activates {it}."),
    Why.RULE: ("rule {who}", "Switched off by the rule {who}", "{It} until somebody activates {it}."),
    Why.CAP: (
        "cap full",
        "Off since a cap was full",
        "The cap’s next period starts {it} again, or a raised cap.",
    ),
    Why.SUBACCOUNT: (
        "sub-account off",
        "Off since the sub-account was switched off",
        "Switching the sub-account on starts {it} again.",
    ),
    Why.CARRIER: (
        "IMEI lock",
        "Switched off by the IMEI lock: another device was seen",
        "{It} until somebody activates {it}.",
    ),
    Why.NEW: ("never activated", "Never activated since {added}", "{It} until somebody activates {it}."),
}
# The same for a sub-account's people, who know no balance, staff or rules of the account.
OFF_OUTSIDE = OFF | {
    Why.BALANCE: (
        "by your provider",
        "Suspended by your provider",
        "Only your provider can start {it} again: ask there.",
    ),
    Why.WALLET: (
        "balance",
        "Off since your balance went below its minimum",
        "Credit that lifts it to the minimum or above starts {it} again. Ask your provider.",
    ),
    Why.PERSON: ("switched off", "Switched off", "{It} until somebody activates {it}."),
    Why.RULE: ("by your provider", "Switched off by your provider", "{It} until somebody activates {it}."),
}
ONE = {"it": "it", "It": "It stays off", "added": "it was added"}
SEVERAL = {"it": "them", "It": "They stay off", "added": "they were added"}


def explain(line: LineShown, *, outside: bool = False) -> Sentence:
    """A line's status in words; `outside` for a sub-account's people."""
    carrier = line.carrier or "the carrier"
    if line.status is Status.ACTIVATED:
        return Sentence("", f"On: confirmed by {carrier}", line.reported_at)
    if line.status is Status.ACTIVATION_READY:
        return _not_on_yet(line, carrier)
    since = line.added_at if line.why == Why.NEW else line.wanted_at
    said = _off(line.why, line.who, since, words=ONE, outside=outside)
    if line.other_imei:
        said = replace(
            said, what=f"Switched off by the IMEI lock: the SIM is in another device, IMEI {line.other_imei}"
        )
    if line.capped:
        said = replace(said, what=line.capped[0], lifts=line.capped[1])
    if line.returns_at is not None:
        said = replace(said, lifts=f"Reactivation is scheduled for {line.returns_at:%-d %B %Y, %H:%M} UTC.")
    return said


# Anything else: activate it.
MENDS = {Why.BALANCE: Mend.REFILL, Why.SUBACCOUNT: Mend.SUBACCOUNT, Why.WALLET: Mend.SUBACCOUNT, Why.CAP: Mend.CAP}


def _not_on_yet(line: LineShown, carrier: str) -> Sentence:
    if line.blocked:
        return Sentence(
            f"stopped by {carrier}",
            f"Wanted on, but {carrier} stopped it" + (f" (“{line.reported_word}”)" if line.reported_word else ""),
            line.reported_at,
            f"Only {carrier} can lift this: ask there, with the ICCID." if line.carrier else "Ask your provider.",
        )
    if line.silent_since:
        return Sentence(
            f"{carrier} is silent",
            f"Wanted on, but {carrier} does not answer",
            line.silent_since,
            "It is asked again as soon as it answers; there is nothing to do.",
        )
    if line.waiting_since is None and line.reported is None and line.reported_word:
        return Sentence(
            f"“{line.reported_word}”",
            f"{carrier} returned an unknown status: “{line.reported_word}”",
            line.reported_at,
            f"Check the line with {carrier}.",
        )
    return Sentence(
        "asked",
        f"Activating, and not yet confirmed by {carrier}",
        line.waiting_since or line.wanted_at,
        "It is asked for again until it is; there is nothing to do.",
        joint=ASKED,
    )


def pending(line: LineShown) -> Sentence | None:
    """A line that is wanted off and that its carrier has not confirmed to be off."""
    if line.waiting_since is None or line.status in (Status.ACTIVATED, Status.ACTIVATION_READY):
        return None
    return Sentence(
        "stopping, asked",
        f"Stopping, and not yet confirmed by {line.carrier or 'the carrier'}",
        line.waiting_since,
        "Until it is, the line may still use data.",
        joint=ASKED,
    )


def group_off(group: Group, *, outside: bool = False) -> Sentence:
    """Why these lines are off, as one group."""
    names = {Why.PERSON: "people", Why.RULE: "rules"}.get(Why(group.why), "")
    who = " and ".join(group.who) if len(group.who) < 3 else f"{len(group.who)} {names}"
    said = _off(
        group.why, who, group.since, words=SEVERAL if group.count > 1 else ONE, outside=outside, first=group.count > 1
    )
    if not group.returning:
        return said
    if group.returning == group.count:
        return replace(said, lifts="Reactivation is scheduled.")
    others = "The others stay off until somebody activates them."
    return replace(said, lifts=f"{group.returning:,} are scheduled to be reactivated. {others}")


def _off(
    why: str, who: str, since: dt.datetime, *, words: dict[str, str], outside: bool, first: bool = False
) -> Sentence:
    short, what, lifts = (OFF_OUTSIDE if outside else OFF)[Why(why)]
    said = words | {"who": who or "somebody"}
    joint = ", the first" if first and why not in (Why.BALANCE, Why.WALLET) else ","
    mend = MENDS.get(Why(why), Mend.ACTIVATE)
    return Sentence(short.format(**said), what.format(**said), since, lifts.format(**said), joint, mend)


SMS = {
    SmsState.QUEUED: "Waiting for the carrier",
    SmsState.SENT: "Sent",
    SmsState.DELIVERED: "Delivered",
    SmsState.UNDELIVERED: "Not delivered",
    SmsState.REFUSED: "Not sent",
    SmsState.RECEIVED: "Received",
}


def of_sms(sms: SmsShown, *, outside: bool = False) -> str:
    """What has become of a message."""
    if sms.doubt:
        return f"The answer was lost. The carrier lists “{sms.doubt[:70]}”: is this your message?"
    if sms.may_still_go:
        return "Asked; the carrier has not said yet whether it took it"
    if sms.state is SmsState.REFUSED and sms.error and not outside:
        return f"Not sent: {sms.error}"
    return SMS[sms.state]


def cannot_send(*, is_active: bool, is_able: bool) -> str:
    """Why no message can be sent to a line now; empty where one can."""
    if not is_able:
        return "This line's carrier sends no messages."
    return "" if is_active else "Messages go only to a line that is activated. Activate it first."


def of_zero_sessions(sessions: int | None, without: int | None) -> str:
    """What sessions without data mean, where the carrier counts them."""
    if sessions is None or without is None:
        return ""
    if not without:
        return "Every session of this month carried data."
    share = without / max(1, sessions + without)
    first = f"{without:,} of {sessions + without:,} sessions of this month carried no data"
    if share < 0.2:
        return f"{first}: few enough to be ordinary."
    return (
        f"{first}. The usual reasons: weak coverage, a wrong APN in the device, roaming that is off in it, a network"
        " that this SIM may not use, or a SIM that is off."
    )


OFTEN = 60  # location updates of a month over which a device seems to try to connect without end (Simbase v1: Get SIM)


def of_location_updates(count: int | None) -> str:
    """What the number of location updates of a month means."""
    if count is None:
        return ""
    if count <= OFTEN:
        return f"{count:,} location updates this month, which is ordinary."
    return f"{count:,} location updates this month: over {OFTEN} the device seems to try to connect again and again."


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of a device; `why` says why it is not."""

    label: str
    value: str
    why: str = ""


def device_facts(facts: Mapping[str, Any], abilities: Abilities, *, carrier: str) -> list[Fact]:
    """What a carrier says of a device, and why it does not say the rest."""
    untold = f"{carrier} does not tell it"
    session = " ".join(str(facts[name])[:16].replace("T", " ") for name in ("session_started",) if name in facts)
    rows = [
        ("IMSI", facts.get("imsi"), False),
        ("Device", facts.get("hardware"), abilities.tells_place),
        ("Network", facts.get("network"), abilities.tells_place),
        ("Country", facts.get("country"), abilities.tells_place),
        ("Radio", facts.get("radio"), abilities.tells_place),
        ("Static IP", facts.get("static_ip"), True),
        ("Last session's IP", facts.get("session_ip"), abilities.tells_sessions),
        ("Last session began (UTC)", session or None, abilities.tells_sessions),
    ]
    return [
        Fact(label, str(value)) if value else Fact(label, "", "none" if is_told else untold)
        for label, value, is_told in rows
    ]


# What else a carrier says of a SIM, by carriers.base.Device.details: as people read it.
DETAILS = {
    "status": "State at the carrier",
    "activated": "Activated (carrier)",
    "shipped": "Shipped",
    "created": "Created (carrier)",
    "updated": "Changed (carrier)",
    "communication_plan": "Communication plan",
    "network_plan": "Network plan",
    "contract": "Contract",
    "pool": "Data pool",
    "shared": "Pool shared",
    "modem": "Modem ID",
    "customer": "Customer at the carrier",
    "account": "Account at the carrier",
    "parent": "Parent ICCID",
}
DATES = frozenset({"activated", "shipped", "created", "updated"})  # the rest is between the account and its carrier


def device_details(facts: Mapping[str, Any], *, outside: bool) -> dict[str, str]:
    """What else the carrier said of a SIM, by name; of a sub-account's lines only dates."""
    found: Mapping[str, str] = facts.get("details", {})
    return {name: found[name] for name in DETAILS if name in found and (name in DATES or not outside)}


def detail_facts(details: Mapping[str, str]) -> list[Fact]:
    shown = {name: text[:10] if name in DATES else text for name, text in details.items()}
    return [Fact(DETAILS[name], text) for name, text in shown.items()]


# Events by what they say; what is not here is said by its verb.
EVENTS = {
    "line.activated": "Activated",
    "line.deactivated": "Deactivated",
    "line.suspended": "Suspended",
    "line.added": "Added out of stock",
    "line.released": "Left the account",
    "line.left_alone": "Left alone by rules for the day: they had changed it too often",
    "line.tagged": "Tagged: {tags}",
    "line.untagged": "Tags taken off: {tags}",
    "line.fields_set": "Fields changed",
    "line.assigned": "Given to {after}, before {before}",
    "line.notes_edited": "Notes changed to “{after}”",
    "line.deactivation_date_set": "To be deactivated on {after}",
    "line.deactivation_date_removed": "Deactivation date {before} removed",
    "line.plan_changed": "Rate plan changed from {before} to {after}",
    "line.throttle_set": "Speed limit set to {after} kbps",
    "line.imei_lock_set": "IMEI lock turned {after}",
    "line.plan_set": "Carrier's plan set to {after}",
    "line.throttle_refused": "Speed limit refused by the carrier: {why}",
    "line.imei_lock_refused": "IMEI lock refused by the carrier: {why}",
    "line.plan_refused": "Carrier's plan refused by the carrier: {why}",
    "line.device_id_set": "Device ID at the carrier set to “{after}”",
    "line.sim_notes_set": "Notes at the carrier set to “{after}”",
    "line.end_consumer_set": "End customer at the carrier set to “{after}”",
    "line.device_id_refused": "Device ID refused by the carrier: {why}",
    "line.sim_notes_refused": "Notes refused by the carrier: {why}",
    "line.end_consumer_refused": "End customer refused by the carrier: {why}",
    "line.device_name_refused": "Name refused by the carrier: {why}",
    "line.tags_refused": "Tags refused by the carrier: {why}",
    "line.state_asked": "State {after} requested from the carrier",
    "line.state_refused": "State refused by the carrier: {why}",
    "names.shared": "Notes and tags shared with carriers",
    "names.kept": "Notes and tags no longer shared with carriers",
    "line.codes_shown": "PIN and PUK looked at",
    "line.located": "Location looked at",
    "line.connection_reset": "Connection reset",
    "usage.held": "Unusually large data usage held until a second reading confirms it",
    "usage.released": "Held data usage charged",
    "usage.taken_back": "Held data usage corrected by the carrier: nothing was charged",
    "usage.dismissed": "Held data usage dismissed: nothing was charged",
    "bundle.threshold": "Included data used to {at} %",
    "counter.rebased": "Carrier counter set from {before} to {after} bytes: {reason}",
    "imei.changed": "Another device: IMEI {before} became {after}",
    "sms.sent": "Message to the device: “{text}”",
    "sms.received": "Message from the device: “{text}”",
    "sms.refused": "Message not sent: {why}",
    "sms.delivered": "Message delivered to the device",
    "sms.undelivered": "Message not delivered to the device: {why}",
    "sms.doubted": "The carrier’s answer about a message was lost: “{text}”",
    "sms.settled": "Said whether a message whose answer was lost had been sent",
    "balance.red": "The balance went below its minimum: lines that were on were suspended",
    "wallet.red": "The balance of {subaccount} went below its minimum: its lines that were on were suspended",
    "wallet.recovered": "The balance of {subaccount} recovered: its suspended lines were started again",
    "balance.recovered": "The balance recovered: suspended lines were started again",
}


def of_event(verb: str, detail: Mapping[str, Any]) -> str:
    """One line of a timeline."""
    said = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in detail.items()}
    given = defaultdict(lambda: "none", {name: value or "none" for name, value in said.items()})
    return EVENTS.get(verb, verb.replace(".", " ").replace("_", " ").capitalize()).format_map(given)


def _ago(lag: dt.timedelta) -> str:
    minutes = int(lag.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} hours"


def of_set_aside(row: Quarantine, *, outside: bool = False) -> str:
    """Why a line's numbers stand still though its carrier answers."""
    why = "" if outside else f" ({row.error})"
    return (
        f"The last carrier record for this line can’t be read{why}. Its last numbers stay until the next good record."
    )


def of_trouble(health: Health, *, outside: bool = False) -> str:
    """What is wrong with a carrier, and what it means for who has lines there."""
    name = "A network behind your lines" if outside else health.name
    if not health.answers:
        what = f"{name} does not answer"
    elif health.calls_left == 0:
        what = f"{name} takes no more calls today" if not outside else f"{name} is not asked any more today"
    else:
        ago = f" for {_ago(health.lag)}" if health.lag else ""
        what = f"{name} has not been read{ago}"
    return f"{what}. Its lines keep their last numbers, and what is asked of them waits; nothing is lost."
