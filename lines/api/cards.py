"""The API's list of lines and what is done with one (observed API: iot_sim_cards, sim_card/...)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from kit import clock
from kit.endpoints import Ack, Input, Linked, endpoint, megabytes, moment
from kit.errors import Invalid, NotFound, Refusal
from kit.paging import SIZE, CursorText, Offset, Page, PageNumber, PerPage, keyed

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import (
    ICCID,
    CustomFields,
    Narrowed,
    StatusId,
    day_of,
    fields_shown,
    line_of,
    sought_of,
)
from lines.commands import wishes
from lines.policy import Status
from lines.queries import cards as lists
from lines.queries.fields import fields_of_line
from lines.queries.listing import plans_of, subaccounts_of
from lines.queries.mirror import Mirrored, mirrored
from lines.queries.shown import line_of as one_line
from lines.queries.sought import ORDERS, order_of, orders_of
from lines.sentences import explain

GROUP = "Lines"
Midnight = Annotated[
    str,
    msgspec.Meta(max_length=40, description="A day, UTC: 2026-12-01; of a time of day the day is taken"),
]


Unset = msgspec.UnsetType
Fields = Annotated[
    str, msgspec.Meta(max_length=100, description="Of imei,msisdn,country,carrier,tags,custom_fields,last_seen,read_at")
]


class More(msgspec.Struct, omit_defaults=True):
    """What `fields` asks for of a line."""

    imei: str | Unset = msgspec.UNSET
    msisdn: str | Unset = msgspec.UNSET
    country: Annotated[str, msgspec.Meta(description="Two letters; empty: not reported by its carrier")] | Unset = (
        msgspec.UNSET
    )
    carrier: str | Unset | None = msgspec.UNSET
    tags: list[str] | Unset | None = msgspec.UNSET
    custom_fields: CustomFields | Unset = msgspec.UNSET
    last_seen: str | Unset | None = msgspec.UNSET
    read_at: str | Unset | None = msgspec.UNSET


class SimCard(Linked):
    """A line. Usage is of today and of the current cycle, in MB of 1,048,576 bytes."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "self": "sim_card/{iccid}",
    }

    status: str
    status_id: StatusId
    iccid: str
    account_name: str
    rate_plan: str
    billing_cycle: str
    daily_usage_mb: Decimal
    monthly_usage_mb: Decimal
    count_of_sessions: Annotated[int | None, msgspec.Meta(description="Of the cycle; null: its carrier tells none")]
    sms_sent: Annotated[int | None, msgspec.Meta(description="From the device; null: its carrier tells none")]
    notes: str
    deactivation_date: str | None
    more: Annotated[More, msgspec.Meta(description="What `fields` asked for")] | Unset = msgspec.UNSET


SORTS = [f"{way}{name}" for name in ORDERS for way in ("", "-")]


class Cards(Narrowed, kw_only=True):
    """Which lines, and which page. `seen_from`, `seen_before`: last seen then; `read_...`: usage read."""

    offset: Offset = None
    page: PageNumber = None
    cursor: CursorText = None
    per_page: PerPage = SIZE
    sort: Annotated[
        str,
        msgspec.Meta(
            description="By what, `field.` and a custom field's name too; with - before it the last first. Lines"
            " without a value come before the others. A mirror goes by iccid, which does not change",
            extra_json_schema={"anyOf": [{"enum": SORTS}, {"type": "string", "pattern": "^-?field[.].{1,40}$"}]},
        ),
    ] = "iccid"
    fields: Fields = ""


def card_of(caller: Caller, iccid: str) -> SimCard:
    """One of the caller's lines. Raises NotFound."""
    card = lists.card_of(caller, iccid, today=clock.today())
    if card is None:
        raise NotFound(NOT_YOURS)
    return card_shown(card, caller)


NOT_YOURS = "No such line is yours; iot_sim_cards lists those that are"


def card_shown(card: lists.Card, caller: Caller) -> SimCard:
    return SimCard(
        status=card.status.word,
        status_id=int(card.status),
        iccid=card.iccid,
        account_name=card.holder or caller.account.name,
        rate_plan=card.plan,
        billing_cycle=f"{card.cycle_start:%Y-%m}",
        daily_usage_mb=megabytes(card.today_bytes),
        monthly_usage_mb=megabytes(card.month_bytes),
        count_of_sessions=card.sessions,
        sms_sent=card.sms_sent,
        notes=card.notes,
        deactivation_date=moment(card.deactivation_date) if card.deactivation_date else None,
    )


_SAMPLE_CARDS = [
    SimCard(
        status="Activated",
        status_id=1,
        iccid=ICCID,
        account_name="Sample account",
        rate_plan="Sample plan",
        billing_cycle="2026-11",
        daily_usage_mb=Decimal("1.500000"),
        monthly_usage_mb=Decimal("34.250000"),
        count_of_sessions=None,
        sms_sent=2,
        notes="Sample tracker 1",
        deactivation_date=None,
    ),
    SimCard(
        status="Deactivated",
        status_id=2,
        iccid="8944500000000000025",
        account_name="Sample account",
        rate_plan="Sample plan",
        billing_cycle="2026-11",
        daily_usage_mb=Decimal("0.000000"),
        monthly_usage_mb=Decimal("0.000000"),
        count_of_sessions=None,
        sms_sent=0,
        notes="Sample tracker 2",
        deactivation_date=None,
    ),
]
SAMPLE_CARD = _SAMPLE_CARDS[0]


@endpoint("iot_sim_cards", right=Right.SEE_LINES, is_observed=True, sample=_SAMPLE_CARDS)
def iot_sim_cards(caller: Caller, asked: Cards) -> Page[SimCard]:
    """The account's lines by ICCID, or by what `sort` says; those of its sub-accounts too"""
    sought, today = sought_of(asked), clock.today()
    order = order_of(caller, asked.sort.removeprefix("-"))
    if order is None:
        known = ", ".join(orders_of(caller))
        raise Invalid(f"sort is one of {known}, or field. and a custom field’s name, or - and that", field="sort")

    def fetch(key: str | None, back: bool, offset: int, limit: int) -> list[lists.PlacedCard]:
        try:
            return lists.cards_by_key(
                caller, sought, key, back, offset, limit, today=today, order=order, last_first=asked.sort[0] == "-"
            )
        except ValueError:
            raise Invalid("The cursor is of another order; take it from a page's links", field="cursor") from None

    count = partial(lists.count_lines, caller, sought)
    page = keyed(asked, fetch=fetch, key=lambda row: row.key, count=count)
    cards = [card_shown(row.card, caller) for row in page.data]
    return Page(with_more(caller, cards, asked.fields), page.total, page.links)


def with_more(caller: Caller, cards: list[SimCard], fields: str) -> list[SimCard]:
    """Raises Invalid for a field that there is not."""
    names = [name.strip() for name in fields.split(",") if name.strip()]
    if unknown := next((name for name in names if name not in More.__struct_fields__), None):
        known = ", ".join(More.__struct_fields__)
        raise Invalid(f"{unknown[:40]!r} is no field of fields; use some of {known}", field="fields")
    if not names:
        return cards
    facts = mirrored(caller, [card.iccid for card in cards])
    return [msgspec.structs.replace(card, more=_more(facts[card.iccid], names)) for card in cards]


def _more(facts: Mirrored, names: list[str]) -> More:
    found = {name: getattr(facts, name) for name in names}
    told: dict[str, Any] = {name: moment(at) if isinstance(at, dt.datetime) else at for name, at in found.items()}
    return More(**told)


class LineInFull(Linked):
    """A line with its device, its state in words, and when all this was read."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "self": "sim_card/{iccid}",
        "device": "sim_card/{iccid}/device",
        "settings": "sim_card/{iccid}/settings",
        "sessions": "sim_card/{iccid}/sessions",
        "destination_log": "sim_card/{iccid}/destination_log",
        "daily_statistics": "sim_card/{iccid}/daily_statistics",
        "usage_summary": "sim_card/{iccid}/usage_summary",
        "bill_cycle_list": "sim_card/{iccid}/bill_cycle_list",
        "imei_history": "sim_card/{iccid}/imei_history",
        "sms": "sim_card/{iccid}/sms",
        "tags": "sim_card/{iccid}/tags",
        "custom_fields": "sim_card/{iccid}/custom_fields",
        "rule_activity": "rule_activity?iccid={iccid}",
    }

    card: SimCard
    imei: str
    msisdn: str
    why: Annotated[str, msgspec.Meta(description="Why it is as it is, and what changes it")]
    since: str | None
    reported: Annotated[
        Literal["on", "off", "blocked", "unknown"] | None,
        msgspec.Meta(description="What its carrier says; blocked: it stops the line; null: nothing yet"),
    ]
    reported_word: Annotated[str, msgspec.Meta(description="The carrier's own word")]
    sms_usage: Annotated[int | None, msgspec.Meta(description="Messages of the cycle that its carrier counts")]
    voice_usage: Annotated[int | None, msgspec.Meta(description="Of the cycle, in its carrier's own unit")]
    added_at: str
    last_seen: str | None
    read_at: Annotated[str | None, msgspec.Meta(description="When its usage was last read")]
    custom_fields: CustomFields

    @property
    def iccid(self) -> str:
        return self.card.iccid


@endpoint(
    "sim_card/{iccid}",
    right=Right.SEE_LINES,
    sample=LineInFull(
        card=SAMPLE_CARD,
        imei="356938035643809",
        msisdn="4915112345678",
        why="On: confirmed by Sample carrier",
        since="2026-11-02 09:30:00",
        reported="on",
        reported_word="enabled",
        sms_usage=4,
        voice_usage=None,
        added_at="2026-10-01 08:00:00",
        last_seen="2026-11-02 09:30:00",
        read_at="2026-11-02 09:35:00",
        custom_fields={"Depot": "Berlin", "Installed": "2026-10-02", "Seats": 49},
    ),
)
def sim_card(caller: Caller, iccid: str) -> LineInFull:
    """One line in full, with why it is as it is"""
    line = one_line(caller, iccid, today=clock.today())
    if line is None:
        raise NotFound(NOT_YOURS)
    said = explain(line, outside=caller.account.is_subaccount)
    return LineInFull(
        card=card_shown(lists.card_in(line), caller),
        imei=line.imei,
        msisdn=line.msisdn,
        why=f"{said.what}. {said.lifts}".strip(),
        reported=line.says,  # type: ignore[arg-type]
        reported_word=line.reported_word,
        sms_usage=line.counts.sms,
        voice_usage=line.counts.voice,
        added_at=moment(line.added_at),
        since=moment(said.since) if said.since else None,
        last_seen=moment(line.last_seen) if line.last_seen else None,
        read_at=moment(line.read_at) if line.read_at else None,
        custom_fields=fields_shown(fields_of_line(caller, line.iccid)),
    )


class Choice(msgspec.Struct):
    id: int
    name: str


class AccountChoice(msgspec.Struct):
    uuid: str
    name: str


class FilterData(msgspec.Struct):
    """What iot_sim_cards may be filtered by: status_id, rate_plan_id, account_uuid."""

    statuses: list[Choice]
    rate_plans: list[Choice]
    accounts: list[AccountChoice]


_STATUSES = [Choice(int(status), status.word) for status in Status]


@endpoint(
    "sim_card_filter_data",
    right=Right.SEE_LINES,
    is_observed=True,
    sample=FilterData(_STATUSES, [Choice(1, "Sample plan")], [AccountChoice("0" * 32, "Sample account")]),
)
def sim_card_filter_data(caller: Caller) -> FilterData:
    """The choices of the lists' filters"""
    return FilterData(
        statuses=_STATUSES,
        rate_plans=[Choice(plan.pk, plan.name) for plan in plans_of(caller)],
        accounts=[
            AccountChoice(account.uuid.hex, account.name) for account in [caller.account, *subaccounts_of(caller)]
        ],
    )


class Activated(Ack):
    """The line is wanted on."""

    deactivation_date_removed: Annotated[
        str | msgspec.UnsetType, msgspec.Meta(description="The deactivation date that the line had until now, if any")
    ] = msgspec.UNSET


@endpoint("sim_card/{iccid}/activation_ready", "POST", right=Right.ACTIVATE_LINES, is_observed=True, sample=Activated())
def activation_ready(caller: Caller, iccid: str) -> Activated:
    """Activates a line at once, and removes its deactivation date; needs an available balance of the minimum or more"""
    line = line_of(caller, iccid)
    had = line.deactivation_date
    try:
        wishes.activate(line=line, by=caller.actor, by_holder=caller.account.is_subaccount)
    except wishes.InsufficientBalance:
        if caller.may(Right.SEE_MONEY):
            raise
        raise Refusal("Your provider does not allow this line to be activated now; ask there") from None
    line.refresh_from_db()
    return Activated(deactivation_date_removed=moment(had) if had and line.deactivation_date is None else msgspec.UNSET)


@endpoint("sim_card/{iccid}/deactivate", "POST", right=Right.STOP_LINES, is_observed=True, sample=Ack())
def deactivate(caller: Caller, iccid: str) -> Ack:
    """Deactivates a line at once"""
    wishes.deactivate(line=line_of(caller, iccid), by=caller.actor)
    return Ack()


class DeactivationDate(Input):
    """When a line is to be deactivated: at 00:00 UTC of this day; null takes the date away."""

    deactivation_date: Midnight | None


@endpoint(
    "sim_card/{iccid}/deactivation_date",
    "PUT",
    "POST",
    right=Right.MANAGE_LINES,
    is_observed=True,
    sample=Ack(),
    body=DeactivationDate("2099-12-01"),
)
def deactivation_date(caller: Caller, iccid: str, asked: DeactivationDate) -> Ack:
    """Sets the day at whose beginning a line is deactivated, or takes it away"""
    line = line_of(caller, iccid)
    if asked.deactivation_date is None:
        wishes.keep_active(line=line, by=caller.actor)
    else:
        wishes.deactivate_on(line=line, date=day_of(asked.deactivation_date), by=caller.actor)
    return Ack()


class Notes(Input):
    notes: Annotated[str, msgspec.Meta(max_length=wishes.LONGEST_NOTES)]


@endpoint("sim_card/{iccid}/notes", "PUT", "POST", right=Right.EDIT_NOTES, sample=Ack(), body=Notes("Van 7, Berlin"))
def notes(caller: Caller, iccid: str, asked: Notes) -> Ack:
    """Changes a line's notes"""
    wishes.edit_notes(line=line_of(caller, iccid), notes=asked.notes, by=caller.actor)
    return Ack()


ENDPOINTS = (iot_sim_cards, sim_card_filter_data, sim_card, activation_ready, deactivate, deactivation_date, notes)
