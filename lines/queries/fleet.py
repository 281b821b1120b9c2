"""All the lines that a person sees, in sums."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, F, Max, Min, Sum
from kit.kept import Kept

from accounts.models import Membership
from lines.policy import Status, Why
from lines.queries.scope import RETURNS, STATUS, STOPPED, lines_of, month_bytes, today_bytes
from lines.queries.shown import LineShown, lines_by_id

LARGE = 100_000  # lines; from here on their sums take the better part of a second


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one status for one reason."""

    status: Status
    why: str
    who: list[str]  # people or rules, by name
    count: int
    since: dt.datetime  # the earliest of them
    returning: int = 0  # by what rules have planned


@dataclass(frozen=True, slots=True)
class Fleet:
    """All the lines that a person sees, in sums."""

    groups: list[Group]
    waiting: int
    waiting_since: dt.datetime | None
    today_bytes: int
    month_bytes: int
    read_at: dt.datetime | None  # the latest reading
    stopped: int = 0  # wanted on, and the carrier stops them
    stopped_since: dt.datetime | None = None

    @property
    def total(self) -> int:
        return sum(group.count for group in self.groups)

    @property
    def is_large(self) -> bool:
        return self.total >= LARGE

    @property
    def by_status(self) -> dict[Status, int]:
        return {
            one: count for one in Status if (count := sum(group.count for group in self.groups if group.status is one))
        }

    @property
    def off(self) -> list[Group]:
        """Lines that are off for a reason other than never having been on, the largest group first."""
        off = [group for group in self.groups if group.why and group.why != Why.NEW]
        return sorted(off, key=lambda group: -group.count)

    @property
    def never_on(self) -> int:
        return sum(group.count for group in self.groups if group.why == Why.NEW)


_large: Kept[Fleet] = Kept(seconds=30, most=100, worth=lambda fleet: fleet.is_large)
_tops: Kept[list[int]] = Kept(seconds=30, most=100)


def fleet_of(membership: Membership, *, today: dt.date) -> Fleet:
    """One pass over the states of a person's lines; of very many, what it found a moment ago."""
    return _large.get((membership.account.pk, today), lambda: _count(membership, today))


def _count(membership: Membership, today: dt.date) -> Fleet:
    found = (
        lines_of(membership)
        .order_by()
        .values(status_id=STATUS, reason=F("state__why"), reason_who=F("state__why_who"))
        .annotate(
            lines=Count("pk"),
            since=Min("state__wanted_at"),
            waits=Count("drive"),
            returning=Count("pk", filter=RETURNS),
            stopped=Count("pk", filter=STOPPED),
            stopped_since=Min("state__reported_at", filter=STOPPED),
            waits_since=Min("drive__since"),
            day=Sum(today_bytes(today, membership)),
            month=Sum(month_bytes(today, membership)),
            read=Max("state__read_at"),
        )
    )
    rows = list(found)
    groups: dict[tuple[Status, str], Group] = {}
    for row in rows:
        key = (Status(row["status_id"]), row["reason"])
        before = groups.get(key) or Group(*key, who=[], count=0, since=row["since"])
        names = [row["reason_who"]] if row["reason_who"] and not membership.account.is_subaccount else []
        groups[key] = Group(
            *key,
            who=sorted({*before.who, *names}),
            count=before.count + row["lines"],
            since=min(before.since, row["since"]),
            returning=before.returning + row["returning"],
        )
    return Fleet(
        groups=list(groups.values()),
        waiting=sum(row["waits"] for row in rows),
        waiting_since=min((row["waits_since"] for row in rows if row["waits_since"]), default=None),
        today_bytes=sum(row["day"] for row in rows),
        month_bytes=sum(row["month"] for row in rows),
        read_at=max((row["read"] for row in rows if row["read"]), default=None),
        stopped=sum(row["stopped"] for row in rows),
        stopped_since=min((row["stopped_since"] for row in rows if row["stopped_since"]), default=None),
    )


def top_lines(membership: Membership, *, today: dt.date, is_large: bool = False, count: int = 5) -> list[LineShown]:
    """The lines that used most in the current month; of a large fleet, those that did a moment ago."""

    def find() -> list[int]:
        return _top_ids(membership, today, count)

    ids = _tops.get((membership.account.pk, today, count), find) if is_large else find()
    return lines_by_id(membership, ids, today=today)


def _top_ids(membership: Membership, today: dt.date, count: int) -> list[int]:
    lines = lines_of(membership).alias(month=month_bytes(today, membership)).filter(month__gt=0)
    return list(lines.order_by("-month", "iccid").values_list("pk", flat=True)[:count])
