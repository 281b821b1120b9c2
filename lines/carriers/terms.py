"""The terms in which carriers are spoken of: what is read of a SIM, what may be set on it, and what an API can do."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal


class Switch(enum.IntEnum):
    """What the carrier says of a SIM. A word that no table knows is None, and the word itself is kept."""

    OFF = 0
    ON = 1
    READY = 2  # not in use yet, but the network would let it in


@dataclass(frozen=True, slots=True)
class Status:
    """A SIM's state in our terms and in the carrier's own word. `blocked`: the carrier itself holds it back."""

    switch: Switch | None
    word: str
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A counter seen: bytes since its cycle began.

    `cycle` is that cycle's first day, or None where the carrier gives no time. `sms_sent` counts this cycle's messages
    from the device; what a carrier does not give is None.
    """

    iccid: str
    counter: int
    cycle: dt.date | None
    status: Status | None = None
    sms_sent: int | None = None
    last_seen: dt.datetime | None = None
    imei: str | None = None
    msisdn: str | None = None
    sms_usage: int | None = None  # messages of this cycle that the carrier counts, whichever they are
    voice_usage: int | None = None  # of this cycle, in the carrier's own unit
    sessions: int | None = None  # of this cycle
    sms_mark: int | None = None  # moves with every message from the device: then it is time to list them
    asked_at: dt.datetime | None = None  # where it was asked for at a moment of its own, not with its page
    days: tuple[tuple[dt.date, int], ...] = field(
        default=(), compare=False
    )  # bytes of the cycle's UTC days, where told


class SmsFate(enum.IntEnum):
    """What became of a message to a device. What no table knows is None, and the word itself is kept."""

    PENDING = 0
    DELIVERED = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Sms:
    """A message as the carrier has it. `ref` is the carrier's name for it; where it has none, several may share one."""

    ref: str
    to_device: bool
    text: str
    at: dt.datetime | None  # sent, or received from the device
    fate: SmsFate | None = None
    word: str = ""


class Setting(enum.StrEnum):
    """What may be set on a SIM besides on and off. Values: kbps or empty for no limit; `on` or `off`; a plan's name.

    `DATA_LIMIT`: bytes of a month after which the carrier itself lets no data through.
    What the SIM is called at its carrier: a name, tags as a JSON array, a device's id, notes, an end customer's id.
    `STATE`: one of Abilities.states, the carrier's own words for a SIM that is not in use.
    """

    THROTTLE = "throttle"
    IMEI_LOCK = "imei_lock"
    PLAN = "plan"
    DATA_LIMIT = "data_limit"
    DEVICE_NAME = "device_name"
    TAGS = "tags"
    DEVICE_ID = "device_id"
    SIM_NOTES = "sim_notes"
    END_CONSUMER = "end_consumer"
    STATE = "state"


LONGEST_LABEL = 1000  # characters of what a SIM is called


def tags_text(tags: Iterable[str]) -> str:
    """Tags as a setting's value: a JSON array in one order, without those that would make it too long."""
    found: list[str] = []
    for tag in sorted(set(tags)):
        if len(json.dumps([*found, tag], ensure_ascii=False)) <= LONGEST_LABEL:
            found.append(tag)
    return json.dumps(found, ensure_ascii=False)


LABELS = frozenset({Setting.DEVICE_NAME, Setting.TAGS})  # follow our notes and tags, where an account wants it


@dataclass(frozen=True, slots=True)
class Location:
    """Where a SIM's radio cell stands, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Device:
    """What a carrier knows of a SIM beyond its counter. What it does not give is None; counts are this cycle's."""

    imei: str | None = None
    msisdn: str | None = None
    imsi: str | None = None
    network: str | None = None
    country: str | None = None  # ISO 3166-1 alpha-2
    radio: str | None = None
    apn: str | None = None
    hardware: str | None = None
    static_ip: str | None = None
    session_ip: str | None = None
    session_started: dt.datetime | None = None
    session_ended: dt.datetime | None = None
    sessions: int | None = None
    zero_sessions: int | None = None
    location_updates: int | None = None
    settings: Mapping[Setting, str] = field(default_factory=dict)
    location: Location | None = None
    details: Mapping[str, str] = field(default_factory=dict)  # what else it says, by names that sentences knows


@dataclass(frozen=True, slots=True)
class Funds:
    """The operator's own money with the carrier. What it does not say is None."""

    balance: Decimal
    currency: str
    at: dt.datetime | None = None  # as the carrier says
    threshold: Decimal | None = None  # under it the carrier tops up, where `is_auto`
    amount: Decimal | None = None  # to which it is then topped up
    is_auto: bool | None = None


class Part(enum.StrEnum):
    """What a carrier may take money for."""

    DATA = "data"
    SMS = "sms"
    DAYS = "days"  # line rental and whatever else does not follow from use


@dataclass(frozen=True, slots=True)
class Billed:
    """What a SIM cost the operator in a finished month, as its carrier says, by those parts that it tells.

    `currency`: empty where it is that of the operator's account there. `used`: the bytes that it is for, where told.
    """

    parts: Mapping[Part, Decimal]
    currency: str = ""
    used: int | None = None


@dataclass(frozen=True, slots=True)
class Odd:
    """A record of a page that cannot be read, set aside with its reason; the others are read."""

    iccid: str | None  # None: it has none that is one
    why: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a carrier's list, 1-based. Pages may overlap and move while they are read.

    `number` is what the carrier calls it: past the end of its list that is an earlier page than the one asked for.
    `total_pages` is what the carrier says, and may be wrong. `is_full`: as many records as were asked for.
    """

    number: int
    total_pages: int
    readings: tuple[Reading, ...]
    odd: tuple[Odd, ...] = ()
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A SIM of a carrier's list, without its usage. `name`: what it is called there; `plan`: what it is on there;
    `holder`: who has it there, where accounts have sub-accounts."""

    iccid: str
    status: Status | None = None
    name: str = ""
    plan: str = ""
    imei: str | None = None
    msisdn: str | None = None
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Stock:
    """A page of the SIMs that a carrier has. `cursor` asks for the next one; it is empty at the end."""

    cards: tuple[Card, ...]
    cursor: str = ""
    odd: tuple[Odd, ...] = ()
    total: int | None = None  # SIMs in all, where the carrier says so


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a carrier's API can do; what is False is shown greyed with the reason."""

    lists_lines: bool = False  # read_page; otherwise read_line, one call for each SIM
    tells_cycle: bool = False  # readings say which cycle they are of
    wraps_at: int | None = None  # counters begin again at 0 there
    final_totals: bool = False  # final_total: a finished month's usage, once and for all
    confirms_at_once: bool = False  # set_switch answers with the new state; otherwise it is read back
    sends_sms: bool = False  # send_sms; list_sms then tells what became of one whose outcome is unknown
    tells_sms_fate: bool = False  # get_sms: whether a message reached its device
    tells_imei: bool = False  # read_line
    tells_msisdn: bool = False  # read_line
    lists_stock: bool = False  # read_stock; where lists_lines is, read_page does as well
    resets: bool = False  # reset_connection
    tells_place: bool = False  # get_device: the country, the network, the radio
    tells_location: bool = False  # get_device: where the radio cell stands
    tells_sessions: bool = False  # get_device: the last session with its times
    settings: frozenset[Setting] = frozenset()  # set_setting
    throttles: tuple[int, ...] = ()  # kbps that may be set
    least_limit: int = 0  # bytes of DATA_LIMIT
    labels: frozenset[Setting] = frozenset()  # set_setting: what the SIM is called there
    edits: frozenset[Setting] = frozenset()  # set_setting, for accounts that may
    states: tuple[str, ...] = ()  # set_setting: STATE
    tells_funds: bool = False  # get_funds: what the operator still has with the carrier
    tells_costs: frozenset[Part] = frozenset()  # get_bill: what a SIM cost the operator in a finished month
    switches_many: bool = False  # set_switches, for accounts that may
    other_words: bool = False  # networks behind it have words of their own, which the operator tells: Dialect


# What a network's own word may mean: the switch, and whether the network itself holds the SIM back.
MEANINGS: Mapping[str, tuple[Switch, bool]] = {
    "on": (Switch.ON, False),
    "off": (Switch.OFF, False),
    "ready": (Switch.READY, False),
    "ended": (Switch.OFF, True),
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the operator tells us of a network that its document leaves open.

    `words`: the network's words, in small letters, each with one of MEANINGS. A word that the document knows stays.
    """

    words: tuple[tuple[str, str], ...] = ()
    sms_version: str = ""  # the last part of the path that sends messages; empty: the usual one
    asks: tuple[tuple[str, str], ...] = ()  # `on` and `off`, each with the word that the network is asked for it

    def words_with(self, known: Mapping[str, tuple[Switch, bool]]) -> dict[str, tuple[Switch, bool]]:
        return {word: MEANINGS[meaning] for word, meaning in self.words} | dict(known)
