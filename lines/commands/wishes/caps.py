"""Lines that full caps hold off: by statements for many at once, under their payer's lock."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import connection
from kit import clock

from lines.commands.wishes.changing import change_wishes
from lines.policy.precedence import Standing
from lines.queries.caps import CAP_IS_FULL, OVER
from lines.rules import NOT_MOVING

# Of the full caps over a line the one that lasts longest.
NOTE = """
INSERT INTO lines_caphold (line_id, cap_id)
SELECT l.id, (SELECT c.id FROM lines_cap c WHERE c.full_until > %(today)s::date AND {over}
               ORDER BY c.full_until DESC, c.id LIMIT 1)
  FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id WHERE {which} AND st.why = '{cap}'
 ORDER BY l.id
ON CONFLICT (line_id) DO UPDATE SET cap_id = excluded.cap_id
"""


def let_run(*, which: str, ids: Sequence[int], to: Standing, instead_of: Collection[Standing]) -> dict[int, int]:
    """Brings lines where nothing else holds them; those under a full cap are held by it instead of running. Says of
    how many, by payer."""
    if to is Standing.ON:
        capped = f"{which} AND {CAP_IS_FULL}"
        if change_wishes(which=capped, ids=ids, to=Standing.CAP, instead_of=instead_of):
            note_caps(which=which, ids=ids)
    return change_wishes(which=which, ids=ids, to=to, instead_of=instead_of)


def stop_under_caps(*, which: str, ids: Sequence[int], running: Collection[Standing]) -> int:
    """Of these lines those that run under a full cap are stopped by it; says how many."""
    capped = f"{which} AND {CAP_IS_FULL} AND {NOT_MOVING}"
    stopped = change_wishes(which=capped, ids=ids, to=Standing.CAP, instead_of=running)
    if stopped:
        note_caps(which=which, ids=ids)
    return sum(stopped.values())


def note_caps(*, which: str, ids: Sequence[int]) -> None:
    """Which cap holds each of these lines that one holds."""
    with connection.cursor() as cursor:
        sql = NOTE.format(over=OVER, which=which, cap=Standing.CAP)
        cursor.execute(sql, {"ids": list(ids), "today": clock.today()})
