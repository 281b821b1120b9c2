"""What several of the API's calls about lines are asked: which line, which day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, cast

import msgspec
from django.db.models import Q
from kit import clock, identifiers
from kit.endpoints import Input
from kit.errors import Invalid, NotFound
from kit.paging import FARTHEST

from accounts.models import Account
from accounts.queries import Caller
from lines.models import Carrier, CustomField, Line, RatePlan
from lines.policy.fields import LONGEST_NAME, LONGEST_VALUE, MOST_FIELDS
from lines.queries.fields import fields_of
from lines.queries.plans import plans_for, plans_known_to
from lines.queries.scope import lines_of
from lines.queries.sought import Sought

ICCID = "8944500000000000017"  # the samples'
OFFICE = "back office"  # the right that its calls need
IccidText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=60, description="18 to 22 digits, as the carrier prints them")
]
StatusId = Annotated[int, msgspec.Meta(ge=1, le=4)]
Id = Annotated[int, msgspec.Meta(ge=1, le=FARTHEST)]
Month = Annotated[  # the lengths keep a line's end out, which `$` lets pass
    str,
    msgspec.Meta(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$", max_length=7, description="Year and month: 2026-11"),
]
Day = Annotated[
    str,
    msgspec.Meta(
        pattern="^20[0-9]{2}-[0-9]{2}-[0-9]{2}$",
        description="A day, UTC: 2026-11-20",
        extra_json_schema={"format": "date"},
    ),
]
Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", max_length=32)]


def carrier_asked(carrier: str) -> Carrier:
    """A carrier by the id in the path of a call of the back office. Raises NotFound."""
    found = Carrier.objects.filter(pk=int(carrier)).first()
    if found is None:
        raise NotFound("There is no such carrier; carriers lists them")
    return found


def line_of(caller: Caller, iccid: str) -> Line:
    """The caller's line. Raises NotFound where it is unknown or not theirs."""
    line = lines_of(caller).select_related("carrier").filter(iccid__in=identifiers.asked(iccid)).first()
    if line is None:
        raise NotFound("No such line is yours; iot_sim_cards lists those that are")
    return line


def holder_of(caller: Caller, uuid: str) -> Account:
    """The caller's account or a sub-account of it. Raises NotFound."""
    own = Q(pk=caller.account.pk) | Q(parent=caller.account)
    found = Account.objects.filter(own, uuid=uuid).first()
    if found is None:
        raise NotFound("No such account is yours; accounts lists your sub-accounts")
    return found


def field_named(caller: Caller, name: str) -> CustomField:
    """A custom field of the caller's. Raises NotFound."""
    found = next((one for one in fields_of(caller) if one.name.lower() == name.strip().lower()), None)
    if found is None:
        raise NotFound("There is no such custom field; custom_fields lists them")
    return found


def plan_of(caller: Caller, plan_id: int) -> RatePlan:
    """A rate plan that is offered to the caller. Raises NotFound."""
    plan = plans_for(caller.account).filter(pk=plan_id).first()
    if plan is None:
        raise NotFound("There is no such rate plan; rate_plans lists them")
    return plan


def known_plan_of(caller: Caller, plan_id: int) -> RatePlan:
    """The same, or one that lines of the caller are on. Raises NotFound."""
    plan = plans_known_to(caller.account).filter(pk=plan_id).first()
    if plan is None:
        raise NotFound("There is no such rate plan; rate_plans lists them")
    return plan


def cycle_of(line: Line, month: str | None) -> dt.date:
    """The first day of the line's cycle that begins in this month; of the current one where none is given."""
    if month is None:
        return line.carrier.cycle_of(clock.today())
    return dt.date.fromisoformat(f"{month}-{line.carrier.cycle_day:02}")


Moment = Annotated[
    str,
    msgspec.Meta(
        pattern="^20[0-9]{2}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?$",
        max_length=19,
        description="UTC: 2026-11-02 09:30:00, or a day for its beginning",
    ),
]
Imei = Annotated[str, msgspec.Meta(max_length=17, description="Exactly this one")]
Msisdn = Annotated[str, msgspec.Meta(max_length=20, description="Exactly this one, as the list writes it")]
CountryCode = Annotated[
    str, msgspec.Meta(pattern="^([A-Z]{2})?$", max_length=2, description="ISO 3166-1 alpha-2, of the last session")
]
CarrierName = Annotated[str, msgspec.Meta(max_length=100, description="Its name, in capitals or not")]
TagName = Annotated[str, msgspec.Meta(max_length=40, description="A tag that the line has, in capitals or not")]


CustomFields = Annotated[
    dict[str, str | int | float],
    msgspec.Meta(description="What the line has in the account's own fields, by their names; days are YYYY-MM-DD"),
]


def fields_shown(values: Mapping[str, str | int | Decimal]) -> CustomFields:
    """Decimals are written as numbers, or as texts where a caller asks for that; a type of both does not exist."""
    return cast("CustomFields", values)


GivenFields = Annotated[
    dict[str, str | int | float | None],
    msgspec.Meta(
        max_length=MOST_FIELDS,
        description="By the fields' names; days are YYYY-MM-DD, null or an empty text takes a value away",
    ),
]
WantedFields = Annotated[
    dict[
        Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)],
        Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_VALUE)],
    ],
    msgspec.Meta(max_length=5, description="Values of custom fields, by their names: all must be so"),
]


class Narrowed(Input, kw_only=True):
    """What lists, jobs and exports are narrowed by: all that is given must hold."""

    status_id: Annotated[StatusId | None, msgspec.Meta(description="One of sim_card_filter_data's statuses")] = None
    common_filter: Annotated[str, msgspec.Meta(max_length=200, description="A part of the ICCID or of the notes")] = ""
    rate_plan_id: Id | None = None
    account_uuid: Hex | None = None
    imei: Imei = ""
    msisdn: Msisdn = ""
    country: CountryCode = ""
    carrier: CarrierName = ""
    tag: TagName = ""
    custom_fields: WantedFields = {}
    seen_from: Moment | None = None
    seen_before: Moment | None = None
    read_from: Moment | None = None
    read_before: Moment | None = None


def sought_of(asked: Narrowed) -> Sought:
    """Raises Invalid."""
    return Sought(
        status_id=asked.status_id,
        text=asked.common_filter.strip(),
        plan_id=asked.rate_plan_id,
        account_uuid=asked.account_uuid or "",
        imei=asked.imei.strip(),
        msisdn=asked.msisdn.strip(),
        country=asked.country,
        carrier=asked.carrier.strip(),
        tag=asked.tag.strip(),
        fields=tuple(asked.custom_fields.items()),
        seen=(moment_of(asked.seen_from, "seen_from"), moment_of(asked.seen_before, "seen_before")),
        read=(moment_of(asked.read_from, "read_from"), moment_of(asked.read_before, "read_before")),
    )


def moment_of(text: str | None, field: str) -> dt.datetime | None:
    """Raises Invalid."""
    if text is None:
        return None
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    except ValueError:
        raise Invalid(f"{text!r} is no moment; write it like 2026-11-02 09:30:00", field=field) from None


TIME_OF_DAY = re.compile(
    r"([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)? *(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?", re.ASCII
)


def day_of(text: str) -> dt.date:
    """The day that a text names, with or without a time of day. Raises Invalid."""
    try:
        day = dt.date.fromisoformat(text.strip()[:10])
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year < 2100 or not TIME_OF_DAY.fullmatch(text.strip()[10:]):
        raise Invalid(f"{text[:40]} is not a day of the calendar; write it like 2026-12-01")
    return day
