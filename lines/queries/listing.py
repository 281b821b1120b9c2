"""The list of lines: filtered, sorted, a page at a time, fast at a million."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import CharField, Func, Q, QuerySet
from kit import identifiers

from accounts.models import Account
from accounts.policy import Right
from accounts.queries import Viewer
from lines.models import Carrier, IccidList, Line, LineTag, NotesLeft, RatePlan, Tag
from lines.policy import Status
from lines.queries.fields import having_text
from lines.queries.order import large_order, sorted_ids
from lines.queries.plans import plans_for
from lines.queries.scope import STOPPED, lines_of, of_status
from lines.queries.search import matching
from lines.queries.shown import LineShown, lines_by_id

COUNTED = 10_000  # matches are counted up to here, and this deep one may page
SIZES = (25, 50, 100)
WAITING = "waiting"  # a filter beside the statuses: the carrier has not confirmed what we want
STOPPED_STATUS = "stopped"  # and another: wanted on, and the carrier stops it
OWN = "own"  # a filter beside the sub-accounts: lines that the account holds itself


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the list a person asked for; everything that is in its address."""

    q: str = ""
    status: str = ""  # a Status' name in small letters with dashes, WAITING or STOPPED_STATUS
    why: str = ""  # a reason to be off
    subaccount: str = ""  # a UUID's 32 hex, or OWN
    plan: str = ""  # a rate plan's id
    carrier: str = ""  # a carrier's id
    tag: str = ""  # a tag's id
    field: str = ""  # a custom field's id, which `value` is asked of
    value: str = ""
    list: str = ""  # a pasted list's UUID, 32 hex
    sort: str = "iccid"  # a column of SORTS, with a minus before it for the largest first
    page: int = 1
    per: int = SIZES[0]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list. `total` stops at COUNTED, and `is_more` says that there is more."""

    rows: list[LineShown]
    total: int
    is_more: bool
    has_next: bool


def _asked_for(viewer: Viewer, asked: Asked, *, on_the_way: bool = False) -> QuerySet[Line]:
    """The lines that match; `on_the_way` for who takes only the first ones, in any order or by ICCID."""
    lines = lines_of(viewer)
    if asked.status == WAITING:
        lines = lines.filter(drive__isnull=False)
    elif asked.status == STOPPED_STATUS:
        lines = lines.filter(STOPPED)
    elif asked.status:
        lines = lines.filter(of_status(Status[asked.status.replace("-", "_").upper()]))
    if asked.why:
        lines = lines.filter(state__why=asked.why)
    if asked.subaccount == OWN:
        lines = lines.filter(account=viewer.account)
    elif asked.subaccount:
        lines = lines.filter(account__uuid=asked.subaccount)
    if asked.plan:
        lines = lines.filter(plan_id=int(asked.plan))
    if asked.carrier:
        lines = lines.filter(carrier_id=int(asked.carrier))
    if asked.tag:
        lines = lines.filter(pk__in=LineTag.objects.filter(tag=int(asked.tag)).values("line"))
    if asked.field and asked.value:
        lines = having_text(lines, viewer, int(asked.field), asked.value)
    if asked.list:
        lines = lines.filter(iccid__in=_listed(viewer, asked.list))
    return matching(lines, asked.q, by_iccid=on_the_way) if asked.q else lines


def _listed(viewer: Viewer, key: str) -> QuerySet[IccidList, Any]:
    lists = IccidList.objects.filter(account=viewer.account, uuid=key)
    return lists.values_list(Func("iccids", function="unnest", output_field=CharField()), flat=True)


@dataclass(frozen=True, slots=True)
class Pasted:
    """A pasted list beside the lines that a person sees: how many of its ICCIDs are theirs, and some that are not."""

    total: int
    found: int
    missing: list[str]


def pasted(viewer: Viewer, key: str, *, some: int = 20) -> Pasted | None:
    """None where there is no such list."""
    kept = IccidList.objects.filter(account=viewer.account, uuid=key).values("total").first()
    if kept is None:
        return None
    theirs = lines_of(viewer).filter(iccid__in=_listed(viewer, key))
    found = theirs.order_by().count()
    missing: list[str] = []
    if found < kept["total"]:
        known = set(map(identifiers.sim_key, theirs.values_list("iccid", flat=True)))
        listed = dict.fromkeys(map(identifiers.sim_key, _listed(viewer, key)))
        missing = [iccid for iccid in listed if iccid not in known][:some]
    return Pasted(kept["total"], found, missing)


def chosen_lines(viewer: Viewer, asked: Asked) -> QuerySet[Line]:
    """All the lines that match, for what is done with all of them."""
    return _asked_for(viewer, asked)


def list_lines(viewer: Viewer, asked: Asked, *, today: dt.date) -> Listing:
    """One page: the ids first, in order, then everything about those few."""
    lines = _asked_for(viewer, asked, on_the_way=asked.sort.lstrip("-") == "iccid")
    total = lines.order_by().values("pk")[: COUNTED + 1].count()
    first = (asked.page - 1) * asked.per
    last = min(first + asked.per + 1, COUNTED)
    ids = _page(viewer, asked, lines, total, today, first, last) if first < last else []
    return Listing(
        rows=lines_by_id(viewer, ids[: asked.per], today=today),
        total=min(total, COUNTED),
        is_more=total > COUNTED,
        has_next=len(ids) > asked.per,
    )


def _page(
    viewer: Viewer, asked: Asked, lines: QuerySet[Line], total: int, today: dt.date, first: int, last: int
) -> list[int]:
    if total <= COUNTED or asked.sort.lstrip("-") == "iccid":
        return sorted_ids(lines, asked.sort, viewer, today=today, first=first, last=last)
    about = viewer.account.pk, replace(asked, sort="", page=1, per=SIZES[0])
    return list(large_order(lines, asked.sort, viewer, today=today, most=COUNTED, about=about)[first:last])


def count_lines(viewer: Viewer, asked: Asked) -> int:
    """How many match, up to one more than COUNTED; a frequent word is met on the way."""
    return _asked_for(viewer, asked, on_the_way=True).order_by().values("pk")[: COUNTED + 1].count()


def subaccounts_of(viewer: Viewer) -> list[Account]:
    """The sub-accounts that a list may be filtered by; none for a sub-account's people."""
    if viewer.account.is_subaccount:
        return []
    return list(Account.objects.filter(parent=viewer.account).order_by("name", "pk"))


def carriers_of(viewer: Viewer) -> list[Carrier]:
    """The carriers of the lines that a person sees; none for a sub-account's people."""
    if not viewer.may(Right.SEE_MONEY):
        return []
    return [
        carrier
        for carrier in Carrier.objects.order_by("name")
        if lines_of(viewer).filter(carrier=carrier).order_by().exists()
    ]


def tags_of(viewer: Viewer) -> list[Tag]:
    """The tags of an account; none for a sub-account's people."""
    return [] if viewer.account.is_subaccount else list(Tag.objects.filter(account=viewer.account).order_by("name"))


def plans_beside(viewer: Viewer, iccid: str) -> list[RatePlan]:
    """The rate plans that a line may have: those of its carrier that are offered, and the one that it has; none for
    who may not see prices."""
    if not viewer.may(Right.SEE_MONEY):
        return []
    line = lines_of(viewer).filter(iccid=iccid)
    offered = Q(pk__in=plans_for(viewer.account).values("pk"), carrier__in=line.values("carrier"))
    return list(RatePlan.objects.filter(offered | Q(pk__in=line.values("plan"))).order_by("name"))


def notes_left(viewer: Viewer, iccid: str) -> str:
    """What the viewer's account wrote about a line before somebody else came to hold it; empty where it holds it."""
    found = NotesLeft.objects.filter(account=viewer.account, line__in=lines_of(viewer).filter(iccid=iccid))
    return found.exclude(line__account=viewer.account).values_list("notes", flat=True).first() or ""


def plans_of(viewer: Viewer) -> list[RatePlan]:
    """The rate plans of the lines that a person sees; none for a sub-account's people."""
    if not viewer.may(Right.SEE_MONEY):
        return []
    return [
        plan for plan in RatePlan.objects.order_by("name") if lines_of(viewer).filter(plan=plan).order_by().exists()
    ]
