"""Wishes as rows: many lines go from one to another by one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from django.db import connection
from kit import clock

from lines.carriers.base import Switch
from lines.policy import Wanted
from lines.policy.precedence import Standing, wish_of

# A line's standing (policy.precedence.standing_of).
STANDING = f"CASE WHEN st.wanted = {Wanted.ACTIVE:d} THEN '{Standing.ON}' ELSE st.why END"


BY_IDS = "l.id = ANY(%(ids)s::bigint[])"

# Lines go from one wish to another; those whose carrier disagrees are to be driven, those that it fits already are not.
# Their times on are written for all at once, as the trigger of states does line by line for whoever else turns one.
WISH = """
WITH changed AS (
    UPDATE lines_linestate st
       SET wanted = %(wanted)s, wanted_at = greatest(%(at)s, least(st.wanted_at, %(now)s)),
           why = %(why)s, why_who = %(who)s
      FROM lines_line l
     WHERE l.id = st.line_id AND {which} AND {standing} = ANY(%(instead_of)s)
    RETURNING st.line_id, l.carrier_id, l.payer_id, l.plan_id, st.wanted_at,
              greatest(st.wanted_at, st.confirmed_at) AS on_at,
              st.reported IS NOT DISTINCT FROM %(switch)s AS agreed,
              coalesce(st.reported, 0) = {on:d} AND NOT st.blocked AS is_on
), off AS (
    UPDATE lines_onspan s
       SET ended_at = greatest(s.started_at, c.wanted_at,
                               (s.due_day - 1)::timestamp AT TIME ZONE 'UTC' + interval '1 microsecond')
      FROM changed c WHERE s.line_id = c.line_id AND s.ended_at IS NULL AND %(wanted)s <> {active:d}
), on_again AS (
    INSERT INTO lines_onspan (line_id, payer_id, plan_id, started_at, due_day)
    SELECT line_id, payer_id, plan_id, on_at, (on_at AT TIME ZONE 'UTC')::date FROM changed c
     WHERE %(wanted)s = {active:d} AND is_on AND payer_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM lines_onspan s WHERE s.line_id = c.line_id AND s.ended_at IS NULL)
), to_drive AS (
    INSERT INTO lines_drive AS d (line_id, carrier_id, since, ask_first, attempts, last_error)
    SELECT line_id, carrier_id, %(now)s, false, 0, '' FROM changed WHERE NOT agreed
    ON CONFLICT (line_id) DO UPDATE SET since = excluded.since, due_at = NULL, attempts = 0, last_error = ''
), settled AS (
    DELETE FROM lines_drive d USING changed c WHERE d.line_id = c.line_id AND c.agreed AND d.leased_until IS NULL
      AND d.bulk_id IS NULL
)
SELECT payer_id, count(*) FROM changed GROUP BY payer_id
"""


def change_wishes(
    *,
    which: str,
    ids: Sequence[int],
    to: Standing,
    instead_of: Collection[Standing],
    who: str = "",
    at: dt.datetime | None = None,
) -> dict[int, int]:
    """Changes the wish of these lines and says of how many, by payer. Wallets and states must be locked.

    It holds from `at` on, now or a moment that was named before.

    By index alone: a table that was empty when it was last analysed, as that of drives is before a mass suspension,
    would be scanned whole for each line.
    """
    now = clock.now()
    wanted, why = wish_of(to)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL linekeeper.times_on = 'written'")
        cursor.execute(
            WISH.format(which=which, standing=STANDING, on=Switch.ON, active=Wanted.ACTIVE),
            {
                "ids": list(ids),
                "wanted": int(wanted),
                "instead_of": [other.value for other in instead_of],
                "why": why.value if why else "",
                "who": who,
                "now": now,
                "at": at or now,
                "today": clock.today(),  # for conditions about caps
                "switch": int(Switch.ON if wanted is Wanted.ACTIVE else Switch.OFF),
            },
        )
        counts = dict(cursor.fetchall())
        cursor.execute("SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL linekeeper.times_on TO DEFAULT")
    return counts
