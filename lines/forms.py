"""What a person asked of the list of lines, out of its address; what makes no sense is left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from accounts.models import Account
from accounts.policy import Right
from accounts.queries import Viewer
from lines import queries
from lines.models import Carrier, CustomField, RatePlan, Tag
from lines.policy import Status, Why
from lines.policy.fields import LONGEST_VALUE, plain
from lines.queries import COUNTED, OWN, SIZES, SORTS, STOPPED_STATUS, WAITING, Asked
from lines.queries.fields import column_of, fields_of

STATUSES = [(status.name.lower().replace("_", "-"), status.word) for status in Status] + [
    (WAITING, "Waiting for the carrier"),
    (STOPPED_STATUS, "Stopped by the carrier"),
]
WHYS = {
    Why.BALANCE.value: "off for the balance",
    Why.WALLET.value: "off for their sub-account’s balance",
    Why.PERSON.value: "switched off by a person",
    Why.RULE.value: "switched off by a rule",
    Why.CAP.value: "off for a full cap",
    Why.SUBACCOUNT.value: "off with their sub-account",
    Why.CARRIER.value: "switched off by the IMEI lock",
    Why.NEW.value: "never activated",
}
WHYS_OUTSIDE = WHYS | {  # for a sub-account's people, who know no balance and no rules of the account
    Why.BALANCE.value: "suspended by your provider",
    Why.WALLET.value: "off for your balance",
    Why.RULE.value: "switched off by your provider",
}
OF_PROVIDER = {"plan", "carrier"}  # columns that tell something even by the order that they make
LONGEST_SEARCH = 100
DEFAULT = Asked()
FILTERS = ("q", "status", "why", "subaccount", "plan", "carrier", "tag", "field", "value", "list")
SHOWN_AS = ("sort", "page", "per")  # what an address says beside them


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person may filter by, and sort by."""

    subaccounts: list[Account]
    plans: list[RatePlan]
    carriers: list[Carrier]
    tags: list[Tag]
    fields: list[CustomField]
    whys: dict[str, str]
    sorts: tuple[str, ...]


def choices_for(viewer: Viewer) -> Choices:
    fields = fields_of(viewer)
    return Choices(
        queries.subaccounts_of(viewer),
        queries.plans_of(viewer),
        queries.carriers_of(viewer),
        queries.tags_of(viewer),
        fields,
        WHYS_OUTSIDE if viewer.account.is_subaccount else WHYS,
        (
            *(name for name in SORTS if viewer.may(Right.SEE_MONEY) or name not in OF_PROVIDER),
            *(column_of(field) for field in fields),
        ),
    )


def asked_from(data: QueryDict, choices: Choices) -> Asked:
    """Only what may be asked survives: a filter by somebody else's sub-account is none."""
    sort = data.get("sort", "")
    per = _whole(data.get("per"), DEFAULT.per)
    per = per if per in SIZES else DEFAULT.per
    holders = [OWN, *(one.uuid.hex for one in choices.subaccounts)] if choices.subaccounts else []
    key = data.get("list", "")
    field = _one_of(data.get("field"), [str(one.pk) for one in choices.fields])
    return Asked(
        q=" ".join(data.get("q", "").replace("\0", "").split())[:LONGEST_SEARCH],
        status=_one_of(data.get("status"), [value for value, _ in STATUSES]),
        why=_one_of(data.get("why"), list(choices.whys)),
        subaccount=_one_of(data.get("subaccount"), holders),
        plan=_one_of(data.get("plan"), [str(plan.pk) for plan in choices.plans]),
        carrier=_one_of(data.get("carrier"), [str(carrier.pk) for carrier in choices.carriers]),
        tag=_one_of(data.get("tag"), [str(tag.pk) for tag in choices.tags]),
        field=field,
        value=plain(data.get("value", ""))[:LONGEST_VALUE] if field else "",
        list=key if re.fullmatch(r"[0-9a-f]{32}", key) else "",
        sort=sort if sort.removeprefix("-") in choices.sorts else DEFAULT.sort,
        page=min(max(1, _whole(data.get("page"), 1)), COUNTED // per),
        per=per,
    )


def filters(asked: Asked) -> dict[str, object]:
    """What was read of each filter, by its name in the address; see accounts.doors.misread."""
    return {name: getattr(asked, name) for name in FILTERS}


def said(asked: Asked, choices: Choices) -> str:
    """The filters in words."""
    words = [
        f"search “{asked.q}”" if asked.q else "",
        dict(STATUSES).get(asked.status, ""),
        choices.whys.get(asked.why, ""),
        "our own" if asked.subaccount == OWN else "",
        *(one.name for one in choices.subaccounts if one.uuid.hex == asked.subaccount),
        *(f"plan {plan.name}" for plan in choices.plans if str(plan.pk) == asked.plan),
        *(f"carrier {carrier.name}" for carrier in choices.carriers if str(carrier.pk) == asked.carrier),
        *(f"tag {tag.name}" for tag in choices.tags if str(tag.pk) == asked.tag),
        *(f"{one.name} “{asked.value}”" for one in choices.fields if str(one.pk) == asked.field and asked.value),
        "a list of ICCIDs" if asked.list else "",
    ]
    return ", ".join(filter(None, words)) or "all lines"


def address(asked: Asked, *, to: str = "lines", **changes: str | int) -> str:
    """The list's address for this, without what is as usual. A change of anything but the page goes to the first.

    `to` is another page about the same lines.
    """
    values: dict[str, str | int] = {
        "q": asked.q,
        "status": asked.status,
        "why": asked.why,
        "subaccount": asked.subaccount,
        "plan": asked.plan,
        "carrier": asked.carrier,
        "tag": asked.tag,
        "field": asked.field,
        "value": asked.value,
        "list": asked.list,
        "sort": asked.sort,
        "per": asked.per,
        "page": 1 if changes else asked.page,
    }
    values |= changes
    usual = {"sort": DEFAULT.sort, "per": DEFAULT.per, "page": 1}
    unusual = {name: value for name, value in values.items() if value and usual.get(name) != value}
    return reverse(to) + (f"?{urlencode(unusual)}" if unusual else "")


def _one_of(value: str | None, allowed: Sequence[str]) -> str:
    return value if value and value in allowed else ""


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else otherwise
