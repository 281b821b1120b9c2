"""Lines that leave who paid for them: back into stock, or straight to another account."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from django.db import connection, transaction
from kit import clock
from kit.errors import Invalid
from kit.sql import array

from accounts.commands import Happened, record_many
from accounts.models import Account
from accounts.policy import Actor
from billing.commands import lock_wallets
from lines.commands.holdercuts import CUTS
from lines.commands.wishes import change_wishes, lock_lines
from lines.commands.wishes.changing import BY_IDS
from lines.models import LineState, MoveLine, RatePlan
from lines.policy.precedence import Standing
from lines.queries.plans import plans_for

# What the line used in the cycle that is open stays with who paid for it, as a finished cycle does. What this payer
# wrote, proved and planned about the line goes, and nothing that is found later about its cycles is asked for.
CLOSE = f"""
WITH leaving AS (
    SELECT l.id, l.payer_id, l.account_id, l.plan_id, l.notes, l.added_at, st.cycle, st.counter, st.baseline, st.read_at
      FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id WHERE l.id = ANY(%(lines)s::bigint[])
), cycles AS (
    INSERT INTO lines_linecycle AS c (line_id, cycle, payer_id, plan_id, counter, used, read_at)
    SELECT id, cycle, payer_id, plan_id, counter, counter - baseline, read_at FROM leaving WHERE cycle IS NOT NULL
    ON CONFLICT (line_id, cycle, payer_id)
    DO UPDATE SET counter = excluded.counter, used = c.used + excluded.used, read_at = excluded.read_at
), held AS (  -- what answers that came late have charged of it is not charged again when a person decides
    UPDATE lines_heldmovement h SET counter_before = greatest(h.counter_before, c.counter)
      FROM (SELECT id, payer_id, added_at, cycle, counter FROM leaving
             UNION ALL
            SELECT l.id, l.payer_id, l.added_at, c.cycle, c.counter
              FROM leaving l
              JOIN lines_linecycle c ON c.line_id = l.id AND c.payer_id = l.payer_id AND c.cycle < l.cycle) c
     WHERE h.state = 'held' AND h.line_id = c.id AND h.payer_id = c.payer_id AND h.cycle = c.cycle
       AND h.asked_at >= c.added_at
), {CUTS.format(lines="leaving")}, notes AS (
    INSERT INTO lines_notesleft (line_id, account_id, notes, at)
    SELECT id, account_id, notes, %(now)s FROM leaving
    ON CONFLICT (line_id, account_id) DO UPDATE SET notes = excluded.notes, at = excluded.at
), boundary AS (
    DELETE FROM lines_boundaryuse WHERE line_id = ANY(%(lines)s::bigint[])
), finals AS (
    DELETE FROM lines_finaltotal WHERE line_id = ANY(%(lines)s::bigint[]) AND done_at IS NULL
), tags AS (
    DELETE FROM lines_linetag WHERE line_id = ANY(%(lines)s::bigint[])
), fields AS (
    DELETE FROM lines_fieldvalue WHERE line_id = ANY(%(lines)s::bigint[])
), proofs AS (
    DELETE FROM lines_lineproof WHERE line_id = ANY(%(lines)s::bigint[])
), codes AS (  -- the former payer knows the code that was printed with the card
    DELETE FROM lines_claimcode WHERE line_id = ANY(%(lines)s::bigint[])
), holds AS (
    DELETE FROM lines_rulehold WHERE line_id = ANY(%(lines)s::bigint[])
), counts AS (
    DELETE FROM lines_linecount WHERE line_id = ANY(%(lines)s::bigint[])
), state AS (
    UPDATE lines_linestate SET cycle = NULL, counter = 0, baseline = 0, since_cycle = NULL, baseline_at = NULL,
           shown_lower = NULL, held_bytes = 0, boundary_bytes = 0, lower_at = NULL, lower_counter = NULL,
           day = NULL, day_bytes = 0
     WHERE line_id = ANY(%(lines)s::bigint[])
)
UPDATE lines_line SET account_id = %(payer)s::bigint, payer_id = %(payer)s::bigint, notes = '', held_since = NULL,
       deactivation_date = NULL, deactivation_by = '',
       added_at = greatest(%(now)s, added_at + interval '1 microsecond')
 WHERE id = ANY(%(lines)s::bigint[])
"""


@transaction.atomic
def release_lines(*, line_ids: Sequence[int], to: Account | None, by: Actor) -> int:
    """Takes lines from their payers into stock, or to another account that then pays; says how many. Harmless twice.

    They are deactivated. What they used until now stays where it is charged; the next reading is a baseline.
    Raises Invalid for an account that does not pay, or may not have a line's rate plan.
    """
    if to is not None and to.payer_id != to.pk:
        raise Invalid("A sub-account doesn’t pay for lines. Move them to the account, then assign them.")
    if to is not None:
        lock_wallets(account_ids=sorted({to.pk, *_payers(line_ids)}))
    states = [state for state in lock_lines(line_ids=line_ids) if to is None or state.line.payer_id != to.pk]
    if not states:
        return 0
    if to is not None:
        _check_plans(states, to)
    ids = [state.pk for state in states]
    _deactivate(states)
    MoveLine.objects.filter(line__in=ids).update(is_held=False)
    with connection.cursor() as cursor:
        given = {"lines": array(ids), "payer": to.pk if to else None, "now": clock.now(), "today": clock.today()}
        cursor.execute(CLOSE, given)
    things = [Happened(state.line.payer_id, f"line:{state.line.iccid}", {}) for state in states]
    record_many(by=by, verb="line.released", things=things)
    if to is not None:
        things = [Happened(to.pk, f"line:{state.line.iccid}", {}) for state in states]
        record_many(by=by, verb="line.added", things=things)
    return len(ids)


def _deactivate(states: Sequence[LineState]) -> None:
    """Now, or from 00:00 of a deactivation date that has come, whenever a worker would have come to it."""
    today, by_date = clock.today(), defaultdict[dt.date | None, list[int]](list)
    for state in states:
        date = state.line.deactivation_date
        by_date[date if date is not None and date <= today else None].append(state.pk)
    for date, ids in by_date.items():
        at = None if date is None else dt.datetime.combine(date, dt.time(), dt.UTC)
        change_wishes(which=BY_IDS, ids=ids, to=Standing.NEW, instead_of=list(Standing), at=at)


def _payers(line_ids: Sequence[int]) -> set[int]:
    rows = LineState.objects.filter(pk__in=line_ids, line__payer__isnull=False)
    return {payer for payer in rows.order_by().values_list("line__payer_id", flat=True) if payer is not None}


def _check_plans(states: Sequence[LineState], to: Account) -> None:
    has = {state.line.plan_id for state in states}
    refused = RatePlan.objects.filter(pk__in=has).exclude(pk__in=plans_for(to)).values_list("name", flat=True)
    if names := ", ".join(sorted(refused)):
        raise Invalid(f"Rate plan {names} is not offered to {to.name}. Offer it to the account first.")
