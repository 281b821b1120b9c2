"""Which lines somebody asks for, and in which order: one meaning for lists, jobs and exports of the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import DateTimeField, DecimalField, F, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from accounts.policy import Right
from accounts.queries import Viewer
from lines.models import Line, LineTag, Sighting
from lines.policy import Status
from lines.policy.fields import MOST_DECIMALS, MOST_DIGITS, FieldKind
from lines.queries.fields import fields_of, having, value_of
from lines.queries.scope import lines_of, of_status
from lines.queries.search import matching

ORDERS = ("iccid", "imei", "msisdn", "country", "carrier", "tags", "last_seen", "read_at")
PAYERS_ORDERS = ("carrier", "tags")  # who pays knows them; a sub-account may not sort by them either
MOMENTS = ("last_seen", "read_at")
OF_FIELD = "field."
LEAST = Decimal(10**MOST_DIGITS)  # with a minus it is before every number that a field holds
NUMBER = DecimalField(max_digits=MOST_DIGITS + MOST_DECIMALS, decimal_places=MOST_DECIMALS)
NEVER = Value(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), output_field=DateTimeField())


@dataclass(frozen=True, slots=True)
class Sought:
    """Which of a viewer's lines; a filter that is None or empty keeps all.

    What a viewer may not know (plan, carrier, tags) finds nothing. Moments: from the first, before the second. Raises
    Invalid for a custom field that there is not.
    """

    status_id: int | None = None
    text: str = ""
    plan_id: int | None = None
    account_uuid: str = ""
    imei: str = ""
    msisdn: str = ""
    country: str = ""
    carrier: str = ""
    tag: str = ""
    fields: tuple[tuple[str, str], ...] = ()  # names and values of custom fields
    seen: tuple[dt.datetime | None, dt.datetime | None] = (None, None)
    read: tuple[dt.datetime | None, dt.datetime | None] = (None, None)

    def kept(self) -> dict[str, Any]:
        """As JSON, of what is asked at all; see `of_kept`."""
        given = {name: value for name, value in asdict(self).items() if value != getattr(EVERYTHING, name)}
        return {name: _texts(value) for name, value in given.items()}

    @classmethod
    def of_kept(cls, kept: Mapping[str, Any]) -> Sought:
        """What was kept."""
        given = dict(kept)
        for name in ("seen", "read"):
            if name in given:
                first, before = (dt.datetime.fromisoformat(one) if one else None for one in given[name])
                given[name] = first, before
        return cls(**given | {"fields": tuple((name, value) for name, value in given.get("fields", ()))})

    def lines(self, viewer: Viewer, *, by_iccid: bool = False) -> QuerySet[Line]:
        lines = lines_of(viewer)
        if self.status_id is not None:
            lines = lines.filter(of_status(Status(self.status_id)))
        if self.plan_id is not None:
            lines = lines.filter(plan_id=self.plan_id) if viewer.may(Right.SEE_MONEY) else lines.none()
        if self.account_uuid:
            lines = lines.filter(account__uuid=self.account_uuid)
        lines = having(self._of_payer(lines, viewer).filter(self._of_device()), viewer, self.fields)
        if self.country:
            seen = Sighting.objects.filter(_theirs(viewer), country=self.country).values("line")
            lines = lines.filter(pk__in=seen).alias(now_in=country_of(viewer)).filter(now_in=self.country)
        return matching(lines, self.text, by_iccid=by_iccid) if self.text else lines

    def _of_payer(self, lines: QuerySet[Line], viewer: Viewer) -> QuerySet[Line]:
        if (self.carrier or self.tag) and viewer.account.is_subaccount:
            return lines.none()
        if self.carrier:
            lines = lines.filter(carrier__name__iexact=self.carrier)
        if self.tag:
            tagged = LineTag.objects.filter(tag__account=viewer.account, tag__name__iexact=self.tag)
            lines = lines.filter(pk__in=tagged.values("line"))
        return lines

    def _of_device(self) -> Q:
        given: dict[str, Any] = {"imei": self.imei, "msisdn": self.msisdn}
        for name, (first, before) in (("last_seen", self.seen), ("read_at", self.read)):
            given |= {f"state__{name}__gte": first, f"state__{name}__lt": before}
        return Q(**{name: value for name, value in given.items() if value})


EVERYTHING = Sought()


def _texts(value: object) -> object:
    if isinstance(value, tuple | list):
        return [_texts(one) for one in value]
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _theirs(viewer: Viewer) -> Q:
    """Sessions of the time in which a line was theirs."""
    return Q(account=viewer.account) if viewer.account.is_subaccount else Q(payer=viewer.account)


def country_of(viewer: Viewer) -> Subquery:
    """Two letters, of a line's last session whose carrier told a country."""
    seen = Sighting.objects.filter(_theirs(viewer), line=OuterRef("pk")).exclude(country="").order_by("-started_at")
    return Subquery(seen.values("country")[:1])


def orders_of(viewer: Viewer) -> tuple[str, ...]:
    """What a viewer may sort by, beside custom fields."""
    return tuple(name for name in ORDERS if name not in PAYERS_ORDERS or not viewer.account.is_subaccount)


@dataclass(frozen=True, slots=True)
class Order:
    """What lines are sorted by: never null, so that a page can begin behind any of them. Lines without it are first."""

    name: str
    place: Combinable
    read: Callable[[str], str | Decimal | dt.datetime]  # a place as a cursor has it; raises ValueError


def order_of(viewer: Viewer, name: str) -> Order | None:
    """By this name, or by `field.` and a custom field's; None where the viewer may not, or there is none."""
    if name.startswith(OF_FIELD):
        field = next((one for one in fields_of(viewer) if one.name.lower() == name[len(OF_FIELD) :].lower()), None)
        if field is None:
            return None
        if field.kind == FieldKind.NUMBER:
            return Order(name, Coalesce(value_of(field, to_sort=True), Value(-LEAST, output_field=NUMBER)), _number)
        return Order(name, Coalesce(value_of(field), Value("")), _plain)
    if name not in orders_of(viewer):
        return None
    if name in MOMENTS:
        return Order(name, Coalesce(F(f"state__{name}"), NEVER), _moment)
    return Order(name, Coalesce(_text(name, viewer), Value("")), _plain)


def _plain(place: str) -> str:
    place.encode()  # raises for half a character
    if "\0" in place:
        raise ValueError(place)
    return place


def _number(place: str) -> Decimal:
    try:
        number = Decimal(place)
    except InvalidOperation:
        raise ValueError(place) from None
    if not number.is_finite() or abs(number) > LEAST or number != round(number, MOST_DECIMALS):
        raise ValueError(place)
    return number


def _moment(place: str) -> dt.datetime:
    at = dt.datetime.fromisoformat(place)
    if at.tzinfo is None:
        raise ValueError(place)
    return at


def _text(name: str, viewer: Viewer) -> Combinable:
    if name == "country":
        return country_of(viewer)
    if name == "tags":  # the first of them by the alphabet
        tags = LineTag.objects.filter(tag__account=viewer.account, line=OuterRef("pk")).order_by()
        return Subquery(tags.values("line").annotate(first=Min("tag__name")).values("first"))
    return F({"carrier": "carrier__name"}.get(name, name))
