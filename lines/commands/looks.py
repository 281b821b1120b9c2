"""Which lines carriers are to be asked about."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

WANT = (
    "INSERT INTO lines_linedevice (line_id, carrier_id, is_due, facts, counter, attempts, last_error)"
    " SELECT id, %s, true, '{}', 0, 0, '' FROM unnest(%s::bigint[]) AS d(id) ORDER BY id"
    " ON CONFLICT (line_id) DO UPDATE SET is_due = true, due_at = NULL, attempts = 0"
)


def want_looks(*, carrier_id: int, line_ids: Sequence[int]) -> None:
    """These lines of a carrier are to be asked about."""
    if line_ids:
        with connection.cursor() as cursor:
            cursor.execute(WANT, [carrier_id, list(line_ids)])
