"""The API's calls about accounts (observed API: accounts)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import msgspec
from kit.endpoints import Input, Linked, endpoint, moment
from kit.errors import Invalid
from kit.paging import LARGEST, SIZE, Page, Paging, listed

from accounts import audit
from accounts.models import Account
from accounts.policy import Right
from accounts.queries import Caller

GROUP = "Accounts and audit"
Day = Annotated[str, msgspec.Meta(pattern="^20[0-9]{2}-[0-9]{2}-[0-9]{2}$", extra_json_schema={"format": "date"})]
ActorWord = Literal["person", "key", "rule", "carrier", "operator", "system", "back office"]


class SubAccount(Linked):
    """An account that holds lines which its parent pays for."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "self": "accounts/{uuid}",
        "lines": "iot_sim_cards?account_uuid={uuid}",
    }

    number: int
    uuid: str
    name: str
    is_active: bool
    created_at: str


@endpoint(
    "accounts",
    right=Right.SEE_LINES,
    is_observed=True,
    sample=[SubAccount(2, "0" * 32, "Sample sub-account", True, "2026-01-15 09:30:00")],
)
def accounts(caller: Caller, asked: Paging) -> Page[SubAccount]:
    """The account's sub-accounts, the oldest first; a sub-account has none"""
    rows = Account.objects.filter(parent=caller.account).order_by("pk")
    return listed(
        asked, [SubAccount(row.pk, row.uuid.hex, row.name, row.is_active, moment(row.created_at)) for row in rows]
    )


class Told(msgspec.Struct):
    """Something that was done."""

    id: int
    at: str
    who: str
    what: str
    about: str
    sub_account: Annotated[str, msgspec.Meta(description="Its name, where it is one's")]
    changes: list[Change]


class Change(msgspec.Struct):
    """A value before and after."""

    name: str
    before: str
    after: str


class Audited(Input, kw_only=True):
    """What is asked of the audit log; days are UTC and both count. The next page is that before this one's last id."""

    q: Annotated[str, msgspec.Meta(max_length=200, description="An ICCID, or a part of who, what or about")] = ""
    by: Annotated[ActorWord | None, msgspec.Meta(description="Whose doings")] = None
    start_date: Day | None = None
    end_date: Day | None = None
    before_id: Annotated[int, msgspec.Meta(ge=1, le=2**62)] | None = None
    per_page: Annotated[int, msgspec.Meta(ge=1, le=LARGEST)] = SIZE


_TOLD = Told(
    81, "2026-11-02 09:30:00", "ann@example.com", "Line: notes edited", "8944500000000000017", "",
    [Change("", "Van 6", "Van 7")],
)  # fmt: skip


@endpoint("audit_log", right=Right.SEE_AUDIT, sample=[_TOLD])
def audit_log(caller: Caller, asked: Audited) -> list[Told]:
    """What was done on the account and its sub-accounts, by whom, the latest first"""
    sought = audit.Asked(
        q=asked.q.strip(),
        kind=asked.by or "",
        start=_day(asked.start_date),
        end=_day(asked.end_date),
        before=asked.before_id,
    )
    return [
        Told(one.id, moment(one.at), one.who, one.what, one.about, one.account, [Change(*row) for row in one.changes])
        for one in audit.find(caller.account, sought, limit=asked.per_page)
    ]


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(f"{text} is not a day of the calendar; write it like 2026-12-01") from None


ENDPOINTS = (accounts, audit_log)
