"""Which lines somebody asks for, and in which order: one meaning for lists, jobs and exports of the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import DateTimeField, F, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from accounts.policy import Right
from accounts.queries import Viewer
from lines.models import Line, LineTag, Sighting
from lines.policy import Status
from lines.queries.fields import having
from lines.queries.scope import lines_of, of_status
from lines.queries.search import matching

ORDERS = ("iccid", "imei", "msisdn", "country", "carrier", "tags", "last_seen", "read_at")
PAYERS_ORDERS = ("carrier", "tags")  # who pays knows them; a sub-account may not sort by them either
MOMENTS = ("last_seen", "read_at")
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
    """What a viewer may sort by."""
    return tuple(name for name in ORDERS if name not in PAYERS_ORDERS or not viewer.account.is_subaccount)


def placed(lines: QuerySet[Line], name: str, viewer: Viewer) -> QuerySet[Any]:
    """The same with `place`, what they are sorted by: never null, so that a page can begin behind any of them."""
    if name in MOMENTS:
        return lines.annotate(place=Coalesce(F(f"state__{name}"), NEVER))
    return lines.annotate(place=Coalesce(_text(name, viewer), Value("")))


def _text(name: str, viewer: Viewer) -> Combinable:
    if name == "country":
        return country_of(viewer)
    if name == "tags":  # the first of them by the alphabet
        tags = LineTag.objects.filter(tag__account=viewer.account, line=OuterRef("pk")).order_by()
        return Subquery(tags.values("line").annotate(first=Min("tag__name")).values("first"))
    return F({"carrier": "carrier__name"}.get(name, name))
