"""What a person asked of the list of lines, out of its address; what makes no sense is left out."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from accounts.models import Account
from lines.models import RatePlan
from lines.policy import Status, Why
from lines.queries import COUNTED, OWN, SIZES, SORTS, WAITING, Asked

STATUSES = [(status.name.lower().replace("_", "-"), status.word) for status in Status] + [
    (WAITING, "Waiting for the carrier")
]
WHYS = {
    Why.BALANCE.value: "off for the balance",
    Why.PERSON.value: "switched off by a person",
    Why.RULE.value: "switched off by a rule",
    Why.SUBACCOUNT.value: "off with their sub-account",
    Why.CARRIER.value: "switched off by the IMEI lock",
    Why.NEW.value: "never activated",
}
LONGEST_SEARCH = 100
DEFAULT = Asked()


def asked_from(data: QueryDict, *, subaccounts: Sequence[Account], plans: Sequence[RatePlan]) -> Asked:
    """Only what may be asked survives: a filter by somebody else's sub-account is none."""
    sort = data.get("sort", "")
    per = _whole(data.get("per"), DEFAULT.per)
    per = per if per in SIZES else DEFAULT.per
    return Asked(
        q=" ".join(data.get("q", "").replace("\0", "").split())[:LONGEST_SEARCH],
        status=_one_of(data.get("status"), [value for value, _ in STATUSES]),
        subaccount=_one_of(
            data.get("subaccount"), [OWN, *(one.uuid.hex for one in subaccounts)] if subaccounts else []
        ),
        plan=_one_of(data.get("plan"), [str(plan.pk) for plan in plans]),
        sort=sort if sort.removeprefix("-") in SORTS else DEFAULT.sort,
        page=min(max(1, _whole(data.get("page"), 1)), COUNTED // per),
        per=per,
    )


def address(asked: Asked, **changes: str | int) -> str:
    """The list's address for this, without what is as usual. A change of anything but the page goes to the first."""
    values: dict[str, str | int] = {
        "q": asked.q,
        "status": asked.status,
        "why": asked.why,
        "subaccount": asked.subaccount,
        "plan": asked.plan,
        "sort": asked.sort,
        "per": asked.per,
        "page": 1 if changes else asked.page,
    }
    values |= changes
    usual = {"sort": DEFAULT.sort, "per": DEFAULT.per, "page": 1}
    said = {name: value for name, value in values.items() if value and usual.get(name) != value}
    return reverse("lines") + (f"?{urlencode(said)}" if said else "")


def _one_of(value: str | None, allowed: Sequence[str]) -> str:
    return value if value and value in allowed else ""


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else otherwise
