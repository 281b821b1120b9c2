"""The API's calls about caps."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec
from kit.endpoints import Ack, Input, Linked, endpoint, moment
from kit.errors import Invalid, NotFound
from kit.paging import Page, Paging, listed

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import ICCID, Hex, IccidText, Id, holder_of, known_plan_of, line_of
from lines.caps_words import in_unit
from lines.commands import caps as commands
from lines.commands.tags import LONGEST_TAG
from lines.models import Cap, Tag
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit
from lines.queries import caps as queries
from lines.queries.caps import CapShown

GROUP = "Automation"
Limit = Annotated[Decimal, msgspec.Meta(description="MB of 1,048,576 bytes, or USD")]
TagName = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TAG)]
When = Annotated[Literal["stop", "notify"], msgspec.Meta(description="When it is full")]


class CapDraft(Input):
    """How much lines may use together. The whole account’s where nothing else is named; name one thing at most."""

    limit: Limit
    unit: Literal["mb", "usd"] = "mb"
    period: Annotated[Literal["day", "month"], msgspec.Meta(description="Of UTC")] = "month"
    action: When = "stop"
    account_uuid: Annotated[Hex | None, msgspec.Meta(description="A sub-account")] = None
    tag: Annotated[TagName | None, msgspec.Meta(description="Lines with this tag")] = None
    rate_plan_id: Annotated[Id | None, msgspec.Meta(description="Lines on this plan")] = None
    iccid: IccidText | None = None

    def draft(self, caller: Caller) -> commands.Draft:
        """Raises NotFound, Invalid."""
        given = {
            CapKind.SUBACCOUNT: self.account_uuid,
            CapKind.TAG: self.tag,
            CapKind.PLAN: self.rate_plan_id,
            CapKind.LINE: self.iccid,
        }
        named = [kind for kind, value in given.items() if value is not None]
        if len(named) > 1:
            raise Invalid("A cap is about one of account_uuid, tag, rate_plan_id and iccid")
        return commands.Draft(
            kind=named[0] if named else CapKind.ACCOUNT,
            unit=CapUnit(self.unit),
            period=CapPeriod(self.period),
            limit=self.limit,
            action=CapAction(self.action),
            holder=holder_of(caller, self.account_uuid) if self.account_uuid is not None else None,
            tag=_tag(caller, self.tag) if self.tag is not None else None,
            plan=known_plan_of(caller, self.rate_plan_id) if self.rate_plan_id is not None else None,
            line=line_of(caller, self.iccid) if self.iccid is not None else None,
        )


def _tag(caller: Caller, name: str) -> Tag:
    found = Tag.objects.filter(account=caller.account, name__iexact=" ".join(name.split())).first()
    if found is None:
        raise NotFound("No line of yours has this tag")
    return found


class CapState(Linked):
    """A cap and how full it is, as counted last. A sub-account’s key reads the caps over its own lines, and no USD."""

    LINKS: ClassVar[Mapping[str, str]] = {"self": "caps/{uuid}"}

    uuid: str
    of: Literal["account", "subaccount", "tag", "plan", "line"]
    name: Annotated[str, msgspec.Meta(description="Of the sub-account, tag or plan, or the ICCID")]
    unit: Literal["mb", "usd"]
    period: Literal["day", "month"]
    action: Literal["stop", "notify"]
    limit: Annotated[Decimal | None, msgspec.Meta(description="null: USD, for a sub-account’s key")]
    used: Annotated[Decimal | None, msgspec.Meta(description="Since the period began; null as limit is")]
    percent: int
    is_full: bool
    lines_stopped: int
    ends: Annotated[str, msgspec.Meta(description="The first day of the next period")]
    counted_at: str | None
    read_at: Annotated[str | None, msgspec.Meta(description="The carrier furthest behind was read then")]


_SAMPLE = CapState(
    "0" * 32,
    "line",
    ICCID,
    "mb",
    "month",
    "stop",
    Decimal(5120),
    Decimal("4198.400000"),
    82,
    False,
    0,
    "2026-12-01",
    "2026-11-20 09:30:00",
    "2026-11-20 09:29:00",
)
_DRAFT = CapDraft(Decimal(5120))


def _state(row: CapShown, caller: Caller) -> CapState:
    cap, unit = row.cap, CapUnit(row.cap.unit)
    hidden = caller.account.is_subaccount and unit is CapUnit.USD
    return CapState(
        uuid=cap.uuid.hex,
        of=cap.kind,  # type: ignore[arg-type]
        name=row.name,
        unit=cap.unit,  # type: ignore[arg-type]
        period=cap.period,  # type: ignore[arg-type]
        action=cap.action,  # type: ignore[arg-type]
        limit=None if hidden else cap.limit,
        used=None if hidden else in_unit(row.sums.amount(unit), unit),
        percent=row.percent,
        is_full=row.is_full,
        lines_stopped=row.stopped,
        ends=row.ends.isoformat(),
        counted_at=moment(cap.counted_at) if cap.counted_at else None,
        read_at=moment(row.read_at) if row.read_at else None,
    )


def _own(caller: Caller, uuid: str) -> CapShown:
    found = queries.cap_shown(caller.account, uuid)
    if found is None:
        raise NotFound("No such cap is yours; caps lists them")
    return found


@endpoint("caps", right=Right.SEE_LINES, sample=[_SAMPLE])
def caps(caller: Caller, asked: Paging) -> Page[CapState]:
    """The account's caps, the fullest first"""
    return listed(asked, [_state(row, caller) for row in queries.caps_of(caller.account)])


@endpoint("caps", "POST", right=Right.MANAGE_LINES, sample=_SAMPLE, body=_DRAFT)
def add_cap(caller: Caller, asked: CapDraft) -> CapState:
    """Adds a cap and counts it at once; one that is full already stops its lines"""
    made = commands.add_cap(account=caller.account, draft=asked.draft(caller), by=caller.actor)
    return _state(_own(caller, made.uuid.hex), caller)


@endpoint("caps/{cap}", right=Right.SEE_LINES, sample=_SAMPLE)
def cap(caller: Caller, cap: str) -> CapState:
    """One cap"""
    return _state(_own(caller, cap), caller)


class CapChange(Input):
    """What is left out stays."""

    limit: Limit | None = None
    action: When | None = None


@endpoint("caps/{cap}", "PATCH", right=Right.MANAGE_LINES, sample=_SAMPLE, body=CapChange(Decimal(10240)))
def change_cap(caller: Caller, cap: str, asked: CapChange) -> CapState:
    """Changes a cap's limit or what it does; one that is raised lets its lines go at once"""
    found: Cap = _own(caller, cap).cap
    limit = found.limit if asked.limit is None else asked.limit
    action = CapAction(found.action if asked.action is None else asked.action)
    commands.change_cap(cap=found, limit=limit, action=action, by=caller.actor)
    return _state(_own(caller, cap), caller)


@endpoint("caps/{cap}", "DELETE", right=Right.MANAGE_LINES, sample=Ack())
def delete_cap(caller: Caller, cap: str) -> Ack:
    """Deletes a cap; the lines that it alone held off start again"""
    commands.delete_cap(cap=_own(caller, cap).cap, by=caller.actor)
    return Ack()


ENDPOINTS = (caps, add_cap, cap, change_cap, delete_cap)
