"""The back office's calls about carriers: as its desks, with the same commands."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from kit.endpoints import Ack, Input, endpoint, moment
from kit.errors import Invalid, NotFound
from kit.identifiers import asked as spellings

from accounts.policy import Actor
from lines.api import office_webhooks
from lines.api.asked import OFFICE, carrier_asked
from lines.commands import carriers
from lines.commands.naming import ask_state
from lines.commands.stock import add_carrier
from lines.commands.tuning import checked_words, tune_carrier
from lines.models import AddressChange, Carrier, CarrierFunds, FormerSecrets, Line
from lines.queries.funds import funds_of
from lines.queries.health import health_of
from lines.work.trying import try_new, try_secrets, try_words

GROUP = "Carriers"
Secrets = Annotated[dict[str, str], msgspec.Meta(description="simbase: api_key; iotportal: client_id and secret_key")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Balance(msgspec.Struct):
    """What is left of our money with a carrier, in its currency."""

    balance: Decimal
    currency: str
    read_at: str
    threshold: Decimal | None
    auto_topup: bool | None
    warning: Annotated[str, msgspec.Meta(description="Empty: nothing to see to")]


class CarrierShown(msgspec.Struct):
    """A carrier. Its credentials are told to nobody."""

    id: int
    name: str
    kind: str
    url: str
    url_waiting: Annotated[str | None, msgspec.Meta(description="An address that a second person has not agreed to")]
    is_active: Annotated[bool, msgspec.Meta(description="false: paused")]
    answers: bool
    last_answer_at: str | None
    last_failure: str
    lines: int
    cycle_day: int
    read_every: Annotated[int, msgspec.Meta(description="Seconds between two readings")]
    calls_per_second: float
    calls_per_minute: Annotated[int | None, msgspec.Meta(description="null: no limit")]
    calls_per_day: Annotated[int | None, msgspec.Meta(description="null: no limit")]
    calls_left: int | None
    apn: str
    bulk_edits: bool
    device_edits: bool
    words: dict[str, str]
    asks: dict[str, str]
    sms_version: str
    has_former_credentials: bool
    balance: Annotated[Balance | None, msgspec.Meta(description="null: not reported")]


class Carriers(msgspec.Struct):
    data: list[CarrierShown]
    total: int


class NewCarrier(Input):
    """A carrier to be made known. Its credentials are tried before anything is kept."""

    name: Name
    kind: Literal[
        "simbase", "iotportal", "onence", "emnify", "hologram", "onomondo", "soracom", "keepgo", "supersim", "simbase2",
        "kore",
    ]  # fmt: skip
    url: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    secrets: Secrets
    cycle_day: int = 1


class Changed(Input):
    """What is to change; what is not given stays. Another address waits for a second person."""

    url: str | None = None
    read_every: int | None = None
    calls_per_second: float | None = None
    calls_per_minute: Annotated[int | None, msgspec.Meta(description="0: no limit")] = None
    calls_per_day: Annotated[int | None, msgspec.Meta(description="0: no limit")] = None
    cycle_day: int | None = None
    apn: str | None = None
    apn_user: str | None = None
    apn_password: str | None = None
    bulk_edits: bool | None = None
    device_edits: bool | None = None
    words: Annotated[dict[str, str] | None, msgspec.Meta(description="The whole table; new words are tried")] = None
    asks: dict[str, str] | None = None
    sms_version: str | None = None


class Credentials(Input):
    secrets: Secrets


class Tried(msgspec.Struct):
    """The carrier takes the credentials."""

    carrier: str
    takes: bool


class ToState(Input):
    state: Annotated[str, msgspec.Meta(description="INVENTORY, TEST_READY, ACTIVATION_READY or RETIRED")]


_SECRETS = {"api_key": "0" * 16}
_SHOWN = CarrierShown(
    id=1,
    name="Simbase",
    kind="simbase",
    url="https://api.simbase.com",
    url_waiting=None,
    is_active=True,
    answers=True,
    last_answer_at="2026-11-02 09:30:00",
    last_failure="",
    lines=1200,
    cycle_day=1,
    read_every=300,
    calls_per_second=10.0,
    calls_per_minute=None,
    calls_per_day=5000,
    calls_left=3120,
    apn="",
    bulk_edits=False,
    device_edits=False,
    words={},
    asks={},
    sms_version="",
    has_former_credentials=False,
    balance=None,
)


def _shown(rows: list[Carrier]) -> list[CarrierShown]:
    health = {one.carrier_id: one for one in health_of(rows)}
    funds = funds_of(rows)
    waiting = dict(AddressChange.objects.filter(carrier__in=rows, is_agreed=None).values_list("carrier", "url"))
    former = set(FormerSecrets.objects.filter(carrier__in=rows).values_list("carrier", flat=True))
    shown = []
    for row in rows:
        now, left = health[row.pk], funds.get(row.pk)
        shown.append(
            CarrierShown(
                id=row.pk,
                name=row.name,
                kind=row.kind,
                url=row.url,
                url_waiting=waiting.get(row.pk),
                is_active=row.is_active,
                answers=now.answers,
                last_answer_at=moment(now.last_answer_at) if now.last_answer_at else None,
                last_failure=now.last_failure,
                lines=Line.objects.filter(carrier=row).count(),
                cycle_day=row.cycle_day,
                read_every=row.read_every,
                calls_per_second=row.calls_per_second,
                calls_per_minute=row.calls_per_minute,
                calls_per_day=row.calls_per_day,
                calls_left=now.calls_left,
                apn=row.apn,
                bulk_edits=row.bulk_edits,
                device_edits=row.device_edits,
                words=row.words,
                asks=row.asks,
                sms_version=row.sms_version,
                has_former_credentials=row.pk in former,
                balance=_balance(left.row, left.warning) if left else None,
            )
        )
    return shown


def _balance(row: CarrierFunds, warning: str) -> Balance:
    return Balance(row.balance, row.currency, moment(row.read_at), row.threshold, row.is_auto, warning)


@endpoint("carriers", right=OFFICE, sample=Carriers([_SHOWN], 1))
def all_carriers(_by: Actor) -> Carriers:
    """All carriers by name"""
    rows = list(Carrier.objects.order_by("name"))
    return Carriers(_shown(rows), len(rows))


@endpoint(
    "carriers",
    "POST",
    right=OFFICE,
    sample=_SHOWN,
    body=NewCarrier("Simbase", "simbase", "https://api.simbase.com", _SECRETS),
)
def new_carrier(by: Actor, asked: NewCarrier) -> CarrierShown:
    """Makes a carrier known, once it has taken the credentials"""
    carriers.checked_secrets(kind=asked.kind, secrets=asked.secrets)
    try_new(kind=asked.kind, url=asked.url, secrets=asked.secrets, by=by)
    made = add_carrier(
        name=asked.name, kind=asked.kind, url=asked.url, secrets=asked.secrets, cycle_day=asked.cycle_day, by=by
    )
    return _shown([made])[0]


@endpoint("carriers/{carrier}", right=OFFICE, sample=_SHOWN)
def one_carrier(_by: Actor, carrier: str) -> CarrierShown:
    """One carrier"""
    return _shown([carrier_asked(carrier)])[0]


@endpoint("carriers/{carrier}", "PUT", right=OFFICE, sample=_SHOWN, body=Changed(read_every=300, calls_per_day=5000))
def tune(by: Actor, carrier: str, asked: Changed) -> CarrierShown:
    """Changes its address, pace, APN, words, and what our account there may do"""
    row = carrier_asked(carrier)
    given: dict[str, Any] = {
        name: value for name in asked.__struct_fields__ if (value := getattr(asked, name)) is not None
    }
    if not given:
        raise Invalid("Nothing is to change; give what is")
    if asked.words is not None:
        checked_words(kind=row.kind, words=asked.words)
        try_words(row, asked.words)
    return _shown([tune_carrier(carrier=row, by=by, **given)])[0]


@endpoint("carriers/{carrier}/test", "POST", right=OFFICE, sample=Tried("Simbase", True), body=Credentials(_SECRETS))
def try_credentials(_by: Actor, carrier: str, asked: Credentials) -> Tried:
    """Tries credentials at the carrier and keeps nothing; those that it does not take are 422"""
    row = carrier_asked(carrier)
    try_secrets(row, asked.secrets)
    return Tried(row.name, True)


@endpoint("carriers/{carrier}/credentials", "PUT", right=OFFICE, sample=_SHOWN, body=Credentials(_SECRETS))
def change_credentials(by: Actor, carrier: str, asked: Credentials) -> CarrierShown:
    """Tries new credentials and keeps them; the present ones are kept for a way back"""
    row = carrier_asked(carrier)
    try_secrets(row, asked.secrets)
    return _shown([carriers.change_secrets(carrier=row, secrets=asked.secrets, by=by)])[0]


@endpoint("carriers/{carrier}/credentials/restore", "POST", right=OFFICE, sample=_SHOWN)
def restore_credentials(by: Actor, carrier: str) -> CarrierShown:
    """Puts the former credentials back; the present ones become the former"""
    return _shown([carriers.restore_secrets(carrier=carrier_asked(carrier), by=by)])[0]


@endpoint("carriers/{carrier}/pause", "POST", right=OFFICE, sample=_SHOWN)
def pause(by: Actor, carrier: str) -> CarrierShown:
    """Reads and asks nothing more; what is wanted waits"""
    return _shown([carriers.pause_carrier(carrier=carrier_asked(carrier), paused=True, by=by)])[0]


@endpoint("carriers/{carrier}/resume", "POST", right=OFFICE, sample=_SHOWN)
def resume(by: Actor, carrier: str) -> CarrierShown:
    """Reads and asks again"""
    return _shown([carriers.pause_carrier(carrier=carrier_asked(carrier), paused=False, by=by)])[0]


@endpoint("carriers/{carrier}", "DELETE", right=OFFICE, sample=Ack())
def remove(by: Actor, carrier: str) -> Ack:
    """Forgets a carrier on which nothing hangs"""
    carriers.remove_carrier(carrier=carrier_asked(carrier), by=by)
    return Ack()


@endpoint("sims/{iccid}/state", "PUT", right=OFFICE, sample=Ack(), body=ToState("INVENTORY"))
def state_of_sim(by: Actor, iccid: str, asked: ToState) -> Ack:
    """Asks the carrier for one of its own states of a SIM that is not in use, until it confirms"""
    line = Line.objects.select_related("carrier").filter(iccid__in=spellings(iccid)).first()
    if line is None:
        raise NotFound(f"There is no line {iccid}")
    ask_state(line=line, state=asked.state, by=by)
    return Ack()


ENDPOINTS = (
    all_carriers,
    new_carrier,
    one_carrier,
    tune,
    try_credentials,
    change_credentials,
    restore_credentials,
    pause,
    resume,
    remove,
    state_of_sim,
    *office_webhooks.ENDPOINTS,
)
