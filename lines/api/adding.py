"""A line out of stock, and what more lines cost and cover."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Annotated, ClassVar

import msgspec
from kit.endpoints import Input, Linked, endpoint, moment
from kit.errors import Invalid, NotFound
from kit.paging import Page, Paging, listed, newest

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import ICCID, GivenFields, IccidText, Id, plan_of
from lines.api.cards import SAMPLE_CARD, SimCard, card_of
from lines.commands import orders as requests
from lines.commands.adding import NewLine, add_lines
from lines.commands.claims import NOT_HERE, TOO_MANY, TooManyGuesses, note_guesses
from lines.commands.wishes import LONGEST_NOTES
from lines.models import Order
from lines.policy import MOST_ORDERED, STORE_SELLS
from lines.queries import shop

GROUP = "Stock and coverage"


class NewSimCard(Input):
    """A line to take out of stock."""

    iccid: IccidText
    rate_plan_id: Annotated[Id, msgspec.Meta(description="One of rate_plans")]
    activate: Annotated[bool, msgspec.Meta(description="true: at once, or Suspended while the balance is red")]
    notes: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTES)] = ""
    tags: Annotated[list[str], msgspec.Meta(max_length=10)] = []
    custom_fields: GivenFields = {}
    code: Annotated[
        str, msgspec.Meta(max_length=80, description="Printed with the card; not needed where it is reserved for you")
    ] = ""


@endpoint(
    "iot_sim_cards", "POST", right=Right.MANAGE_LINES, sample=SAMPLE_CARD, body=NewSimCard(ICCID, 1, True, "Van 7")
)
def add_sim_card(caller: Caller, asked: NewSimCard) -> SimCard:
    """Adds a line out of stock that is reserved for you, or by its card's code; one that is yours already stays"""
    plan = plan_of(caller, asked.rate_plan_id)
    own = tuple((name, str(value)) for name, value in asked.custom_fields.items() if value not in (None, ""))
    row = NewLine(1, asked.iccid, plan.name, asked.notes, ", ".join(asked.tags), asked.code, own)
    done = add_lines(account=caller.account, rows=[row], active=asked.activate, by=caller.actor, address=caller.address)
    for _, why in done.bad:
        said = why[0].upper() + why[1:]
        kind = {NOT_HERE: NotFound, TOO_MANY: TooManyGuesses}.get(why, Invalid)
        count = partial(note_guesses, account=caller.account, address=caller.address, digests=done.guesses)
        raise kind(said, afterwards=count)
    return card_of(caller, asked.iccid)


class Network(msgspec.Struct):
    """A network of a rate plan in a country."""

    rate_plan_id: int
    country: str
    country_code: str
    network: str
    technologies: str


class Covered(Paging):
    """Where, and on which plan."""

    country_code: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] | None = None
    rate_plan_id: Id | None = None


@endpoint("coverage", right=Right.SEE_MONEY, sample=[Network(1, "Germany", "DE", "Sample network", "2G, 4G")])
def coverage(caller: Caller, asked: Covered) -> Page[Network]:
    """The networks of each rate plan that you may take, by country; their prices are in rate_plans"""
    given = {"code": asked.country_code, "plan_id": asked.rate_plan_id}
    wanted = {name: value for name, value in given.items() if value is not None}
    rows = shop.networks_for(caller.account).filter(**wanted)
    shown = rows.order_by("country", "code", "plan_id", "network")
    return listed(asked, [Network(row.plan_id, row.country, row.code, row.network, row.technologies) for row in shown])


class Asked(Linked):
    """A request for more SIM cards than the store sells at once."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "orders": "orders",
    }

    uuid: str
    quantity: int
    rate_plan_id: int | None
    state: str
    created_at: str
    answer: str
    answered_at: str | None


SAMPLE_ORDER = Asked("0" * 32, 50, 1, "open", "2026-11-02 09:30:00", "", None)


@endpoint("orders", right=Right.MANAGE_LINES, sample=[SAMPLE_ORDER])
def orders(caller: Caller, asked: Paging) -> Page[Asked]:
    """The account's requests for SIM cards, the newest first"""
    page = newest(asked, shop.orders_of(caller.account))
    return Page([_order(row) for row in page.data], page.total, page.links)


class NewOrder(Input):
    """SIM cards to ask for, and who is to be answered."""

    quantity: Annotated[int, msgspec.Meta(gt=STORE_SELLS, le=MOST_ORDERED)]
    contact: Annotated[str, msgspec.Meta(min_length=1, max_length=150)]
    email: Annotated[str, msgspec.Meta(max_length=254, description="The answer is mailed there too")]
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=500, description="Where the cards go")]
    phone: Annotated[str, msgspec.Meta(max_length=40)] = ""
    message: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    rate_plan_id: Annotated[Id | None, msgspec.Meta(description="null: not sure yet")] = None


_NEW_ORDER = NewOrder(50, "Ann Field", "ann@example.com", "1 Quay Street, Port Town", rate_plan_id=1)


@endpoint("orders", "POST", right=Right.MANAGE_LINES, sample=SAMPLE_ORDER, body=_NEW_ORDER)
def place_order(caller: Caller, asked: NewOrder) -> Asked:
    """Asks for SIM cards, more than the store sells at once; with an Idempotency-Key a lost answer asks once"""
    plan = None if asked.rate_plan_id is None else plan_of(caller, asked.rate_plan_id)
    wish = requests.Wish(
        asked.quantity, asked.contact, asked.email, asked.address, asked.phone, asked.message, plan=plan
    )
    return _order(requests.ask_for_cards(account=caller.account, wish=wish, key=uuid.uuid4(), by=caller.actor))


@endpoint("orders/{order}/withdraw", "POST", right=Right.MANAGE_LINES, sample=SAMPLE_ORDER)
def withdraw_order(caller: Caller, order: str) -> Asked:
    """Takes a request back that nobody has answered; twice is once"""
    return _order(requests.withdraw_order(account=caller.account, key=uuid.UUID(order), by=caller.actor))


def _order(row: Order) -> Asked:
    return Asked(
        uuid=row.uuid.hex,
        quantity=row.quantity,
        rate_plan_id=row.plan_id,
        state=str(row.state),
        created_at=moment(row.created_at),
        answer=row.answer,
        answered_at=moment(row.answered_at) if row.answered_at else None,
    )


ENDPOINTS = (add_sim_card, coverage, orders, place_order, withdraw_order)
