"""Lines, their cycles and their costs as the API lists them: by key, so that any page is as fast as the first."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, Sum
from kit.identifiers import asked
from kit.kept import Kept
from kit.paging import SIZE
from kit.sql import array, prepared

from accounts.models import Account
from accounts.policy import Right
from accounts.queries import Viewer
from lines.models import Line, Price, RatePlan
from lines.policy import Status, Wanted, status
from lines.queries.listing import plans_of
from lines.queries.scope import lines_of
from lines.queries.shown import JOINED, MONTH, SESSIONS, TODAY, LineShown, figures, whose
from lines.queries.sought import Order, Sought
from lines.queries.usage import days_of, imported_in, imported_of
from lines.rules import has_status_sql, is_confirmed_on


@dataclass(frozen=True, slots=True)
class Card:
    """A line in a list of the API. What is not for a sub-account to know is empty: plan and holder."""

    iccid: str
    status: Status
    holder: str  # the sub-account that holds it, empty for the account's own
    plan: str
    cycle_start: dt.date
    today_bytes: int
    month_bytes: int
    sessions: int | None  # of the cycle; None: its carrier tells none
    sms_sent: int | None  # None: not reported
    notes: str
    deactivation_date: dt.date | None


# One statement, planned once a session: Django takes longer to put together rows of seven tables than to read them.
CARD = f"""
    SELECT l.iccid::text, s.wanted, s.reported, s.blocked, coalesce(a.name, '')::text, p.name::text, cycle.start,
           {TODAY}, {MONTH}, {SESSIONS}, s.sms_sent, l.notes, l.deactivation_date
      FROM {{asked}} {JOINED}
     ORDER BY asked.nth
"""
CARDS = CARD.format(asked="unnest(%(ids)s::bigint[]) WITH ORDINALITY AS asked (id, nth)")
# A page of all lines, or of those of a status, which most calls ask for. Its length and the status are part of the
# text: a plan for any would be one for many.
PLAIN_PAGE = CARD.format(
    asked=f"""(SELECT ours.id, row_number() OVER (ORDER BY ours.iccid {{way}}) AS nth
              FROM lines_line ours {{joined}}
             WHERE ours.{{whose}} = %(viewer)s {{behind}} {{having}}
             ORDER BY ours.iccid {{way}} LIMIT {SIZE + 1}) asked"""
)
PLAIN_COUNT = "SELECT count(*) FROM lines_line ours {joined} WHERE ours.{whose} = %(viewer)s {having}"


@dataclass(frozen=True, slots=True)
class PlacedCard:
    """A line of a list, and the key of its place in it."""

    card: Card
    key: str


def cards_by_key(
    viewer: Viewer,
    sought: Sought,
    key: str | None,
    back: bool,
    offset: int,
    limit: int,
    *,
    today: dt.date,
    order: Order | None = None,
    last_first: bool = False,
) -> list[PlacedCard]:
    """Lines behind this key, or, back, before it in the opposite order: the ids first, then all about those few.

    By ICCID, or by this order. Raises ValueError for a key of another one.
    """
    down, by_iccid = last_first != back, order is None or order.name == "iccid"
    if key is not None and by_iccid and not key.isalnum():
        raise ValueError(key)
    if by_iccid and _is_plain(sought) and not offset and limit == SIZE + 1:
        page = _plain_page(viewer, key, today, down=down, status_id=sought.status_id)
        return [PlacedCard(card, card.iccid) for card in page]
    lines = sought.lines(viewer, by_iccid=by_iccid)
    if order is None or by_iccid:
        if key is not None:
            lines = lines.filter(iccid__lt=key) if down else lines.filter(iccid__gt=key)
        found = lines.order_by("-iccid" if down else "iccid").values_list("pk", flat=True)[offset : offset + limit]
        return [PlacedCard(card, card.iccid) for card in cards_by_id(viewer, found, today)]
    placed: QuerySet[Any] = lines.annotate(place=order.place)
    if key is not None:
        placed = placed.filter(_behind(key, order, down=down))
    columns = ("-place", "-iccid") if down else ("place", "iccid")
    rows = list(placed.order_by(*columns).values_list("pk", "iccid", "place")[offset : offset + limit])
    keys = {iccid: json.dumps([str(place), iccid]) for _, iccid, place in rows}
    return [PlacedCard(card, keys[card.iccid]) for card in cards_by_id(viewer, [pk for pk, _, _ in rows], today)]


def _behind(key: str, order: Order, *, down: bool) -> Q:
    try:
        place, iccid = json.loads(key)
    except TypeError:
        raise ValueError(key) from None
    if not (isinstance(iccid, str) and isinstance(place, str) and iccid.isalnum() and iccid.isascii()):
        raise ValueError(key)
    at, way = order.read(place), "lt" if down else "gt"
    return Q(**{f"place__{way}": at}) | Q(**{"place": at, f"iccid__{way}": iccid})


def card_of(viewer: Viewer, iccid: str, *, today: dt.date) -> Card | None:
    """One line, or None where it is unknown or not this viewer's."""
    found = cards_by_id(viewer, lines_of(viewer).filter(iccid__in=asked(iccid)).values_list("pk", flat=True), today)
    return found[0] if found else None


def card_in(line: LineShown) -> Card:
    """What a list of the API says of a line."""
    return Card(
        iccid=line.iccid,
        status=line.status,
        holder=line.holder,
        plan=line.plan,
        cycle_start=line.cycle_start,
        today_bytes=line.today_bytes,
        month_bytes=line.month_bytes,
        sessions=line.counts.sessions,
        sms_sent=line.sms_sent,
        notes=line.notes,
        deactivation_date=line.deactivation_date,
    )


def cards_by_id(viewer: Viewer, ids: Iterable[int], today: dt.date) -> list[Card]:
    """In the order of the ids, which must be the viewer's."""
    return _cards(CARDS, {"ids": array(ids)}, viewer, today)


def _plain_page(viewer: Viewer, key: str | None, today: dt.date, *, down: bool, status_id: int | None) -> list[Card]:
    sql = PLAIN_PAGE.format(
        **_plain(viewer, status_id),
        behind="" if key is None else f"AND ours.iccid {'<' if down else '>'} %(key)s",
        way="DESC" if down else "ASC",
    )
    return _cards(sql, {} if key is None else {"key": key}, viewer, today)


def _plain_count(viewer: Viewer, status_id: int | None) -> int:
    ((count,),) = prepared(PLAIN_COUNT.format(**_plain(viewer, status_id)), {"viewer": viewer.account.pk})
    return int(count)


def _is_plain(sought: Sought) -> bool:
    return replace(sought, status_id=None) == EVERY_LINE


def _plain(viewer: Viewer, status_id: int | None) -> dict[str, str]:
    return {
        "whose": whose(viewer),
        "joined": "" if status_id is None else "JOIN lines_linestate theirs ON theirs.line_id = ours.id",
        "having": "" if status_id is None else f"AND {has_status_sql(Status(status_id), 'theirs')}",
    }


def _cards(sql: str, which: dict[str, str], viewer: Viewer, today: dt.date) -> list[Card]:
    outsider = viewer.account.is_subaccount
    rows = prepared(sql, figures(viewer, today) | which)
    return [
        Card(
            iccid,
            status(Wanted(wanted), confirmed_on=is_confirmed_on(reported, blocked=blocked)),
            "" if outsider else holder,
            "" if outsider else plan,
            cycle,
            *rest,
        )
        for iccid, wanted, reported, blocked, holder, plan, cycle, *rest in rows
    ]


EVERY_LINE = Sought()
LARGE = 10_000  # lines
_counts: Kept[int] = Kept(seconds=60, most=1_000, worth=lambda count: count > LARGE)


def count_lines(viewer: Viewer, sought: Sought) -> int:
    """All that match: clients page until they have as many, so this count has no cap. A large one is remembered for a
    minute, as a hundred thousand lines take longer to count than a page of them to find."""
    key = (viewer.account.pk, viewer.may(Right.SEE_MONEY), sought)
    if _is_plain(sought):
        return _counts.get(key, partial(_plain_count, viewer, sought.status_id))
    return _counts.get(key, sought.lines(viewer).order_by().count)


def days_in_cycle(viewer: Viewer, line: Line, cycle: dt.date) -> dict[dt.date, int]:
    """Bytes of each day of a cycle on which the line moved while it was this viewer's."""
    rows = days_of(viewer, line.iccid).filter(cycle=cycle)
    used = dict(rows.order_by("day").values_list("day").annotate(bytes=Sum("used")))
    for day, count in imported_in(viewer, line.iccid, cycle).items():
        used[day] = used.get(day, 0) + count
    return used


def cycles_of(viewer: Viewer, line: Line, *, today: dt.date) -> list[dt.date]:
    """The first days of the cycles in which the line moved while it was this viewer's, and of the current; latest
    first."""
    current = line.carrier.cycle_of(today)
    moved = days_of(viewer, line.iccid).values_list("cycle", flat=True).distinct()
    before = {line.carrier.cycle_of(day) for day in imported_of(viewer, line.iccid).values_list("day", flat=True)}
    return sorted({current, *moved, *before}, reverse=True)


def prices_of(viewer: Viewer, *, now: dt.datetime) -> list[tuple[RatePlan, Price]]:
    """What is in force for each rate plan of the viewer's lines, and what is announced for later; in each country."""
    found: list[tuple[RatePlan, Price]] = []
    for plan in plans_of(viewer):
        rows = sorted(plan.prices.select_related("zone"), key=_by_moment)
        past = [price for price in rows if price.valid_from is None or price.valid_from <= now]
        in_force = [price for price in past if price.valid_from == past[-1].valid_from]
        found += [(plan, price) for price in [*in_force, *rows[len(past) :]]]
    return found


def _by_moment(price: Price) -> tuple[float, str]:
    """The plan's default price before those of countries."""
    return (price.valid_from.timestamp() if price.valid_from else 0), price.country


@dataclass(frozen=True, slots=True)
class LineCharge:
    """What a line used on a day at one price; the fee is the day's. USD. `included`: bytes of a bundle or a pool."""

    pk: int
    day: dt.date
    iccid: str
    holder: str
    plan: str
    used: int
    per_mb: Decimal
    cost: Decimal
    fee: Decimal
    country: str | None  # in which it was; None: nobody told
    zone: str | None  # whose price it is; None: the plan's default one
    included: int

    @property
    def key(self) -> str:
        return f"{self.day.isoformat()}:{self.pk}"


CHARGES = """
    SELECT d.id, d.day, l.iccid, a.name, p.name, d.used, coalesce(pr.per_mb_beyond, pr.per_mb),
           d.cost + coalesce(o.cost, 0), d.fee,
           CASE WHEN d.used > 0 THEN coalesce(nullif(pr.country, ''), w.country) END, z.name,
           CASE WHEN pr.included_mb IS NOT NULL THEN d.used - coalesce(o.used, 0) ELSE 0 END
      FROM (SELECT * FROM lines_lineday
             WHERE payer_id = %(payer)s AND day >= %(first)s AND day <= %(last)s {which}
             ORDER BY day {order}, id {order} OFFSET %(offset)s LIMIT %(limit)s) d
      JOIN lines_line l ON l.id = d.line_id
      JOIN accounts_account a ON a.id = d.account_id
      JOIN lines_price pr ON pr.id = d.price_id
      JOIN lines_rateplan p ON p.id = pr.plan_id
      LEFT JOIN lines_zone z ON z.id = pr.zone_id
      LEFT JOIN lines_overage o ON o.line_id = d.line_id AND o.day = d.day AND o.payer_id = d.payer_id
                               AND o.price_id = d.price_id
      LEFT JOIN LATERAL (  -- at the default price: where it was by the end of the day, unless that has its own row
          SELECT w.country FROM lines_linecountry w
           WHERE w.line_id = d.line_id AND w.payer_id = d.payer_id
             AND w.since < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
           ORDER BY w.since DESC, w.id DESC LIMIT 1) w
             ON NOT EXISTS (SELECT FROM lines_price o WHERE o.plan_id = pr.plan_id AND o.country = w.country
                                                        AND o.valid_from IS NOT DISTINCT FROM pr.valid_from)
     ORDER BY d.day {order}, d.id {order}
"""


def charges_by_key(
    payer: Account, first: dt.date, last: dt.date, key: tuple[dt.date, int] | None, back: bool, offset: int, limit: int
) -> list[LineCharge]:
    """What a payer's lines cost from a day to another, latest day first; behind the key, or, back, before it."""
    which = "" if key is None else f"AND (day, id) {'>' if back else '<'} (%(day)s, %(id)s)"
    values: dict[str, int | dt.date] = {
        "payer": payer.pk,
        "first": first,
        "last": last,
        "offset": offset,
        "limit": limit,
    }
    if key is not None:
        values |= {"day": key[0], "id": key[1]}
    with connection.cursor() as cursor:
        cursor.execute(CHARGES.format(which=which, order="ASC" if back else "DESC"), values)
        return [LineCharge(*row) for row in cursor.fetchall()]


def count_charges(payer: Account, first: dt.date, last: dt.date) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM lines_lineday WHERE payer_id = %s AND day >= %s AND day <= %s",
            [payer.pk, first, last],
        )
        return int(cursor.fetchone()[0])
