"""Counts caps whose lines have used something, tells of levels that they reach, and stops and lets go their lines.

Sums come from day rows that are booked, outside the statement that charges readings, and only where something changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import groupby

from django.db import connection, transaction
from kit import clock
from kit.sweeps import each

from accounts.commands import Happened, record, record_many
from accounts.models import Account, Membership
from accounts.policy import SYSTEM
from billing.commands import lock_wallets
from billing.commands.notices import tell
from billing.policy.notices import Kind
from billing.words import Told
from lines import caps_words as words
from lines.commands.wishes.caps import let_run, note_caps
from lines.commands.wishes.changing import BY_IDS, change_wishes
from lines.commands.wishes.standings import ready_standing
from lines.models import Cap, CapHold, LineState
from lines.policy import Wanted
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit, Counted, day_after, to_tell
from lines.policy.precedence import Request, Result, Standing, leads_to
from lines.queries.caps import CAP_IS_FULL, OVER, Due, count, counted, due_caps, percent_of, used_of
from lines.rules import NOT_MOVING

RUNNING = f"""
SELECT l.id, l.account_id, l.iccid FROM lines_cap c JOIN lines_line l ON {OVER}
  JOIN lines_linestate st ON st.line_id = l.id
 WHERE c.id = %(cap)s AND st.wanted = {Wanted.ACTIVE:d} AND {NOT_MOVING} ORDER BY l.id
"""
# Lines that a cap holds and no full one is over any more: its period is over, it was raised or deleted, or the line has
# another holder, plan or tag. `is_held` is false where something else has become the reason meanwhile.
FREE = f"""
SELECT h.line_id, l.payer_id, st.why = '{Standing.CAP}' AS is_held
  FROM lines_caphold h JOIN lines_line l ON l.id = h.line_id JOIN lines_linestate st ON st.line_id = l.id
 WHERE st.why <> '{Standing.CAP}' OR NOT {CAP_IS_FULL}
 ORDER BY l.payer_id, h.line_id LIMIT 50000
"""
FREE_NOW = f"SELECT * FROM ({FREE}) f WHERE %(payer)s::bigint IS NULL OR payer_id = %(payer)s"


def check_caps(*, today: dt.date, payer_id: int | None = None) -> int:
    """Counts every cap of which something has changed, of one account or of all; says how many lines turned. Harmless
    twice. One account whose caps cannot be counted stops no other."""
    its_own = None if payer_id is None else list(Cap.objects.filter(account=payer_id).values_list("pk", flat=True))
    found = due_caps(today=today, cap_ids=its_own)
    by_payer = [(payer, list(its)) for payer, its in groupby(found, lambda one: one.account_id)]
    counted = sum(each(by_payer, lambda one: count_caps(payer_id=one[0], due=one[1], today=today)))
    return counted + _let_go(today, payer_id)


@transaction.atomic
def count_caps(*, payer_id: int, due: Sequence[Due], today: dt.date) -> int:
    """The same for these caps of one account; lines that they held before are let go apart (see `check_caps`)."""
    sums = count(due, today=today)
    lock_wallets(account_ids=[payer_id])
    caps = Cap.objects.select_related("account", "holder", "tag", "plan", "line").select_for_update(of=("self",))
    known = {one.cap_id: one for one in due}
    stopped = 0
    for cap in caps.filter(pk__in=known).order_by("pk"):
        stopped += _count_one(cap, known[cap.pk], sums[cap.pk])
    return stopped


def _count_one(cap: Cap, due: Due, sums: Counted) -> int:
    if cap.begins is not None and cap.begins > due.first:  # somebody was here after midnight already
        return 0
    if cap.begins != due.first:
        cap.begins, cap.told = due.first, 0
    cap.used, cap.cost, cap.sms = sums.used, sums.cost, sums.sms
    cap.held_used, cap.held_cost = sums.held_used, sums.held_cost
    cap.seen, cap.counted_at = due.digest, clock.now()
    filled = percent_of(cap)
    is_stopping = cap.action == CapAction.STOP and filled >= 100
    cap.full_until = day_after(CapPeriod(cap.period), due.first) if is_stopping else None
    level = to_tell(filled, told=cap.told)
    cap.told = max(cap.told, level)
    cap.save()
    stopped = _stop(cap) if is_stopping else 0
    if level:
        _tell(cap, level, stopped)
    return stopped


def _stop(cap: Cap) -> int:
    """Lines under a full cap that run are off now."""
    with connection.cursor() as cursor:
        cursor.execute(RUNNING, {"cap": cap.pk})
        found = cursor.fetchall()
    if not found:
        return 0
    ids = [line_id for line_id, _, _ in found]
    change_wishes(which=BY_IDS, ids=ids, to=Standing.CAP, instead_of=leads_to(Request.CAP_FULL, Result.CAP))
    note_caps(which=BY_IDS, ids=ids)
    _record_lines("line.deactivated", ((holder, iccid) for _, holder, iccid in found), Wanted.ACTIVE)
    return len(ids)


def _record_lines(verb: str, lines: Iterable[tuple[int, str]], before: Wanted) -> None:
    after = Wanted.DEACTIVATED if before is Wanted.ACTIVE else Wanted.ACTIVE
    detail = {"before": before.name, "after": after.name}
    record_many(by=SYSTEM, verb=verb, things=[Happened(holder, f"line:{iccid}", detail) for holder, iccid in lines])


def _tell(cap: Cap, level: int, stopped: int) -> None:
    """One event for the level, one more where the cap is full, and one email for each turn."""
    subject, detail = f"cap:{cap.uuid.hex}", used_of(cap)
    record(by=SYSTEM, verb="usage.threshold", account_id=cap.account_id, subject=subject, detail=detail | {"at": level})
    if level == 100:
        more = {"action": cap.action, "lines_stopped": stopped}
        record(by=SYSTEM, verb="cap.reached", account_id=cap.account_id, subject=subject, detail=detail | more)
    key = f"cap:{cap.uuid.hex}:{cap.begins}:{words.exact(cap.limit)}:{level}"
    page, about = "/automation/caps/", f"cap:{cap.uuid.hex}"
    tell(account_id=cap.account_id, key=key, told=_told(cap, level, stopped), page=page, about=about, kind=Kind.RULES)
    if cap.kind == CapKind.SUBACCOUNT and cap.holder is not None and cap.unit == CapUnit.MB:
        places = Membership.objects.filter(account=cap.holder, is_active=True).order_by("pk")
        if people := list(places.values_list("user__email", flat=True)):
            told = _told(cap, level, stopped, outside=True)
            tell(
                account_id=cap.holder.pk,
                key=f"{key}:own",
                told=told,
                to=people,
                page=page,
                about=about,
                kind=Kind.RULES,
            )


def _told(cap: Cap, level: int, stopped: int, *, outside: bool = False) -> Told:
    whose = f"{words.of_what(cap, outside=outside)}, {words.rule(cap)}"
    used = words.amount(counted(cap).amount(CapUnit(cap.unit)), CapUnit(cap.unit))
    since = f" since {words.day(cap.begins)}" if cap.begins else ""
    said = f"The cap of {whose}, is at {percent_of(cap)} %: {used}{since}."
    if level < 100:
        return Told(f"{level} % of the cap of {whose}, is used", said)
    if cap.action == CapAction.NOTIFY:
        return Told(f"The cap of {whose}, is full", f"{said} It only notifies. Its lines keep running.")
    ends = day_after(CapPeriod(cap.period), cap.begins or clock.today())
    lines = f"{stopped:,} line{'' if stopped == 1 else 's'} stopped."
    back = f"They start again at 00:00 UTC on {ends:%-d %B %Y}, or when the cap is raised."
    return Told(f"The cap of {whose}, is full. {lines}", f"{said} {lines} {back}")


def _let_go(today: dt.date, payer_id: int | None) -> int:
    """Lines that no full cap is over any more run again, as far as all else lets them; says how many."""
    with connection.cursor() as cursor:
        cursor.execute(FREE_NOW, {"today": today, "payer": payer_id})
        found = cursor.fetchall()
    by_payer = [(payer, [row[0] for row in rows]) for payer, rows in groupby(found, lambda row: row[1])]
    return sum(each(by_payer, lambda one: let_go(payer_id=one[0], line_ids=one[1], today=today)))


@transaction.atomic
def let_go(*, payer_id: int | None, line_ids: Sequence[int], today: dt.date) -> int:
    """Of these lines of one payer those that a cap holds and no full one is over run again, and no others."""
    if payer_id is None:  # in stock
        CapHold.objects.filter(line__in=line_ids).delete()
        return 0
    lock_wallets(account_ids=[payer_id])
    with connection.cursor() as cursor:
        held = f"SELECT line_id FROM ({FREE}) f WHERE is_held AND payer_id = %(payer)s AND line_id = ANY(%(lines)s)"
        cursor.execute(held, {"today": today, "payer": payer_id, "lines": list(line_ids)})
        free = [row[0] for row in cursor.fetchall()]
    states = LineState.objects.filter(pk__in=free, line__payer=payer_id).select_related("line")
    lines = [(state.line.account_id, state.pk, state.line.iccid) for state in states.order_by("line__account_id", "pk")]
    back = 0
    for holder_id, rows in groupby(lines, lambda row: row[0]):
        its = [(pk, iccid) for _, pk, iccid in rows]
        to = ready_standing(holder=Account.objects.get(pk=holder_id))
        ids, waiting = [pk for pk, _ in its], leads_to(Request.CAP_OPENS, Result.ON)
        turned = sum(let_run(which=BY_IDS, ids=ids, to=to, instead_of=waiting).values())
        if to is Standing.ON and turned:
            back += turned
            _record_lines("line.activated", ((holder_id, iccid) for _, iccid in its), Wanted.DEACTIVATED)
    _record_cleared(payer_id, free)
    CapHold.objects.filter(line__in=line_ids).exclude(line__state__why=Standing.CAP.value).delete()
    return back


def _record_cleared(payer_id: int, line_ids: Sequence[int]) -> None:
    """One event for each cap that let lines go."""
    by_cap: dict[Cap, int] = {}
    for hold in CapHold.objects.filter(line__in=line_ids, cap__isnull=False).select_related("cap"):
        if hold.cap is not None:
            by_cap[hold.cap] = by_cap.get(hold.cap, 0) + 1
    for cap, lines in by_cap.items():
        detail = used_of(cap) | {"lines_released": lines}
        record(by=SYSTEM, verb="cap.cleared", account_id=payer_id, subject=f"cap:{cap.uuid.hex}", detail=detail)
