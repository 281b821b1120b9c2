"""The device behind a line: where it was connected, in which device the SIM sits, what is set on the SIM."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec
from kit.endpoints import MEGABYTE, Ack, Input, Linked, endpoint, kilobytes, megabytes, moment
from kit.errors import Invalid, NotFound
from kit.paging import Page, Paging, listed, newest

from accounts.models import Event
from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import ICCID, Month, cycle_of, line_of
from lines.carriers.base import Setting
from lines.commands.budget import AskedTooOften
from lines.commands.naming import share_names
from lines.commands.settings import set_on_line
from lines.models import Sighting
from lines.queries import devices as queries
from lines.sentences import DETAILS, device_details
from lines.work import resetting

GROUP = "Devices"
MOST_MEGABYTES = 1_000_000_000
Cycle = Annotated[Month | None, msgspec.Meta(description="From bill_cycle_list")]


class Session(Linked):
    """A session, or, of carriers that tell none, a stay in a network as our looks saw it. kB of 1,024 bytes."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
    }

    iccid: str
    start_date: str
    end_date: Annotated[str | None, msgspec.Meta(description="null: it was open when it was last seen")]
    billing_cycle: str
    country_code: Annotated[str | None, msgspec.Meta(description="ISO 3166-1 alpha-2; null: not known")]
    duration_sec: int | None
    usage_kb: Decimal
    network: str
    radio: str
    is_session: Annotated[bool, msgspec.Meta(description="false: a stay, of which the carrier tells no sessions")]


class Sessions(Paging):
    """All sessions, or those of a cycle."""

    billing_cycle: Cycle = None


_SESSION = Session(
    iccid=ICCID,
    start_date="2026-11-02 09:30:00",
    end_date="2026-11-02 09:45:00",
    billing_cycle="2026-11",
    country_code="DE",
    duration_sec=900,
    usage_kb=Decimal("812.500000"),
    network="Sample network",
    radio="LTE",
    is_session=True,
)


@endpoint("sim_card/{iccid}/sessions", right=Right.SEE_LINES, is_observed=True, sample=[_SESSION])
def sessions(caller: Caller, iccid: str, asked: Sessions) -> Page[Session]:
    """A line's sessions as far as its carrier tells them, the latest seen first"""
    line = line_of(caller, iccid)
    seen = queries.sightings_of(caller, line)
    if asked.billing_cycle is not None:
        seen = seen.filter(cycle=cycle_of(line, asked.billing_cycle))
    page = newest(asked, seen)
    return Page([_session(one, iccid) for one in page.data], page.total, page.links)


def _session(one: Sighting, iccid: str) -> Session:
    return Session(
        iccid=iccid,
        start_date=moment(one.started_at),
        end_date=moment(one.ended_at) if one.ended_at else None,
        billing_cycle=f"{one.cycle:%Y-%m}",
        country_code=one.country or None,
        duration_sec=int((one.ended_at - one.started_at).total_seconds()) if one.ended_at else None,
        usage_kb=kilobytes(one.used),
        network=one.network,
        radio=one.radio,
        is_session=one.is_session,
    )


class Destination(Linked):
    """What a line used in a country in a cycle."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
    }

    country_code: Annotated[str | None, msgspec.Meta(description="null: the carrier does not tell where")]
    usage_mb: Decimal
    last_seen: str | None


class Destinations(Paging):
    """Of a cycle; by default the current one."""

    billing_cycle: Cycle = None


@endpoint(
    "sim_card/{iccid}/destination_log",
    right=Right.SEE_LINES,
    is_observed=True,
    sample=[Destination("DE", Decimal("34.250000"), "2026-11-02 09:45:00")],
)
def destination_log(caller: Caller, iccid: str, asked: Destinations) -> Page[Destination]:
    """The countries of a cycle, each with its MB; together they are what the line used in the cycle"""
    line = line_of(caller, iccid)
    found = queries.destinations_of(caller, line, cycle_of(line, asked.billing_cycle))
    return listed(
        asked,
        [
            Destination(one.country or None, megabytes(one.used), moment(one.last_seen) if one.last_seen else None)
            for one in found
        ],
    )


class ImeiChange(Linked):
    """A SIM that moved to another device."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
    }

    at: str
    before: str
    after: str


@endpoint(
    "sim_card/{iccid}/imei_history",
    right=Right.SEE_LINES,
    sample=[ImeiChange("2026-11-02 09:30:00", "356938035643809", "490154203237518")],
)
def imei_history(caller: Caller, iccid: str, asked: Paging) -> Page[ImeiChange]:
    """The changes of device, the latest first; the first IMEI that was seen is none"""
    found = queries.imeis_of(caller, line_of(caller, iccid))
    return listed(asked, [_change(event) for event in found])


def _change(event: Event) -> ImeiChange:
    return ImeiChange(moment(event.at), str(event.detail.get("before", "")), str(event.detail.get("after", "")))


Name = Literal["throttle_kbps", "imei_lock", "data_limit_mb", "device_id", "sim_notes", "end_consumer"]


class DeviceSettings(Linked):
    """What the SIM is set to, as the carrier confirmed it; null: not known, or its carrier cannot set it."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
        "device": "sim_card/{iccid}/device",
    }

    throttle_kbps: Annotated[int | None, msgspec.Meta(description="0: no limit")]
    imei_lock: bool | None
    data_limit_mb: Annotated[
        Decimal | None, msgspec.Meta(description="MB of a month after which the carrier itself lets no data through")
    ]
    device_id: Annotated[str | None, msgspec.Meta(description="At the carrier")]
    sim_notes: Annotated[str | None, msgspec.Meta(description="At the carrier; a line's own notes stay here")]
    end_consumer: Annotated[str | None, msgspec.Meta(description="The end customer's id at the carrier")]
    may_set: list[Name]


_NAMES: dict[Setting, Name] = {
    Setting.THROTTLE: "throttle_kbps",
    Setting.IMEI_LOCK: "imei_lock",
    Setting.DATA_LIMIT: "data_limit_mb",
    Setting.DEVICE_ID: "device_id",
    Setting.SIM_NOTES: "sim_notes",
    Setting.END_CONSUMER: "end_consumer",
}
_TEXTS = (Setting.DEVICE_ID, Setting.SIM_NOTES, Setting.END_CONSUMER)


@endpoint(
    "sim_card/{iccid}/settings",
    right=Right.SEE_LINES,
    sample=DeviceSettings(0, False, None, None, None, None, ["throttle_kbps", "imei_lock"]),
)
def settings_of_line(caller: Caller, iccid: str) -> DeviceSettings:
    """What is set on a line's SIM besides on and off"""
    device = queries.device_of(line_of(caller, iccid))
    speed, lock = device.setting(Setting.THROTTLE), device.setting(Setting.IMEI_LOCK)
    limit = device.setting(Setting.DATA_LIMIT)
    outside = caller.account.is_subaccount  # what stands at the carrier is between it and the account
    return DeviceSettings(
        throttle_kbps=None if speed is None else int(speed) if speed.isdecimal() else 0,
        imei_lock=None if lock is None else lock == "on",
        data_limit_mb=megabytes(int(limit)) if limit and limit.isdecimal() else None,
        device_id=None if outside else device.setting(Setting.DEVICE_ID),
        sim_notes=None if outside else device.setting(Setting.SIM_NOTES),
        end_consumer=None if outside else device.setting(Setting.END_CONSUMER),
        may_set=[
            name
            for setting, name in _NAMES.items()
            if setting in device.may_set and not (outside and setting in _TEXTS)
        ],
    )


Text = Annotated[str, msgspec.Meta(max_length=200, description="Where the carrier lets our account change it")]


class NewSettings(Input):
    """What is to change; what is not given stays. A worker asks the carrier until it confirms."""

    throttle_kbps: Annotated[int, msgspec.Meta(ge=0, le=10_000_000, description="0: no limit")] | None = None
    imei_lock: bool | None = None
    data_limit_mb: Annotated[Decimal, msgspec.Meta(description="A month, at the carrier")] | None = None
    device_id: Text | None = None
    sim_notes: Text | None = None
    end_consumer: Text | None = None


@endpoint(
    "sim_card/{iccid}/settings",
    "PUT",
    "POST",
    right=Right.MANAGE_LINES,
    sample=Ack(),
    body=NewSettings(throttle_kbps=0),
)
def change_settings(caller: Caller, iccid: str, asked: NewSettings) -> Ack:
    """Sets the SIM's throttle, IMEI lock, limit at its carrier, or what its carrier calls it"""
    line = line_of(caller, iccid)
    wanted = {
        Setting.THROTTLE: None if asked.throttle_kbps is None else str(asked.throttle_kbps or ""),
        Setting.IMEI_LOCK: None if asked.imei_lock is None else "on" if asked.imei_lock else "off",
        Setting.DATA_LIMIT: None if asked.data_limit_mb is None else _bytes(asked.data_limit_mb),
        **{setting: getattr(asked, setting.value) for setting in _TEXTS},
    }
    given = {setting: value for setting, value in wanted.items() if value is not None}
    if not given:
        raise Invalid(f"Nothing is to change; give {', '.join(_NAMES.values())}")
    for setting, value in given.items():
        set_on_line(line=line, setting=setting, value=value, by=caller.actor)
    return Ack()


def _bytes(limit: Decimal) -> str:
    """Raises Invalid."""
    if not (limit.is_finite() and 0 < limit <= MOST_MEGABYTES):
        raise Invalid(f"A limit has 0 to {MOST_MEGABYTES:,} MB", field="data_limit_mb")
    return str(int(limit * MEGABYTE))


class Device(Linked):
    """What the carrier says of the device and of the SIM; null: not reported."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
        "settings": "sim_card/{iccid}/settings",
        "imei_history": "sim_card/{iccid}/imei_history",
    }

    asked_at: Annotated[str | None, msgspec.Meta(description="When the carrier was asked")]
    imei: str | None
    msisdn: str | None
    imsi: str | None
    hardware: str | None
    network: str | None
    country_code: str | None
    radio: str | None
    static_ip: str | None
    carrier: Annotated[
        dict[str, str],
        msgspec.Meta(
            description=f"What else it says, by name: {', '.join(DETAILS)}. Of a sub-account's lines only dates"
        ),
    ]


_DEVICE = Device(
    asked_at="2026-11-02 09:45:00",
    imei="356938035643809",
    msisdn="14844012345",
    imsi="204080000000001",
    hardware=None,
    network=None,
    country_code=None,
    radio=None,
    static_ip=None,
    carrier={"status": "ACTIVATED", "shipped": "2026-01-15T08:00:00+00:00", "pool": "1 GB"},
)


@endpoint("sim_card/{iccid}/device", right=Right.SEE_LINES, sample=_DEVICE)
def device(caller: Caller, iccid: str) -> Device:
    """The device behind a line, and what its carrier says of the SIM"""
    line = line_of(caller, iccid)
    found = queries.device_of(line)
    facts = found.facts
    return Device(
        asked_at=moment(found.asked_at) if found.asked_at else None,
        imei=line.imei or None,
        msisdn=line.msisdn or None,
        imsi=facts.get("imsi"),
        hardware=facts.get("hardware"),
        network=facts.get("network"),
        country_code=facts.get("country"),
        radio=facts.get("radio"),
        static_ip=facts.get("static_ip"),
        carrier=device_details(facts, outside=caller.account.is_subaccount),
    )


class ConnectionReset(msgspec.Struct):
    """What came of a reset."""

    is_confirmed: Annotated[bool, msgspec.Meta(description="false: requested, but the carrier’s answer was lost")]
    says: str


@endpoint(
    "sim_card/{iccid}/reset_connection",
    "POST",
    right=Right.MANAGE_LINES,
    sample=ConnectionReset(True, "Connection reset. The device reconnects in a minute."),
    calls_out=True,
)
def reset_connection(caller: Caller, iccid: str) -> ConnectionReset:
    """Ends the running session of a line’s device, which then connects again; the carrier is asked at once"""
    try:
        found = resetting.reset_connection(line=line_of(caller, iccid), by=caller.actor)
    except AskedTooOften:
        raise AskedTooOften("The account's share of questions to the carrier is used for now; wait a minute") from None
    return ConnectionReset(found.is_confirmed, found.says)


class NameSharing(Input):
    """Whether notes and tags of all the account's lines are sent to carriers that keep names and tags."""

    follows: bool


@endpoint("carrier_names", right=Right.MANAGE_LINES, sample=NameSharing(False))
def name_sharing(caller: Caller) -> NameSharing:
    """Whether carriers' names and tags follow the account's notes and tags"""
    return NameSharing(queries.shares_names(caller.account))


@endpoint("carrier_names", "PUT", "POST", right=Right.MANAGE_LINES, sample=Ack(), body=NameSharing(True))
def change_name_sharing(caller: Caller, asked: NameSharing) -> Ack:
    """Keeps carriers' names and tags in step with notes and tags from now on, or no longer"""
    if caller.account.is_subaccount:
        raise NotFound("There is no such call for a sub-account; the account that it belongs to has it")
    share_names(account=caller.account, wanted=asked.follows, by=caller.actor)
    return Ack()


ENDPOINTS = (
    sessions,
    destination_log,
    imei_history,
    settings_of_line,
    change_settings,
    device,
    reset_connection,
    name_sharing,
    change_name_sharing,
)
