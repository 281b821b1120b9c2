"""Keeping what carriers count beside data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection
from kit.sql import array

from lines.carriers.base import Reading

# A figure that is not told this time stays while its cycle lasts; a page that was asked for earlier changes nothing.
KEEP = """
INSERT INTO lines_linecount AS c (line_id, cycle, sms, voice, sessions, told_at)
SELECT st.line_id, st.cycle, r.sms, r.voice, r.sessions, r.at
  FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::timestamptz[]) AS r(line_id, sms, voice, sessions, at)
  JOIN lines_linestate st ON st.line_id = r.line_id
 WHERE st.cycle IS NOT NULL
 ORDER BY st.line_id
ON CONFLICT (line_id) DO UPDATE SET cycle = excluded.cycle, told_at = excluded.told_at,
       sms = CASE WHEN c.cycle = excluded.cycle THEN coalesce(excluded.sms, c.sms) ELSE excluded.sms END,
       voice = CASE WHEN c.cycle = excluded.cycle THEN coalesce(excluded.voice, c.voice) ELSE excluded.voice END,
       sessions = CASE WHEN c.cycle = excluded.cycle THEN coalesce(excluded.sessions, c.sessions)
                       ELSE excluded.sessions END
 WHERE c.told_at <= excluded.told_at
   AND (c.cycle, c.sms, c.voice, c.sessions)
       IS DISTINCT FROM (excluded.cycle, coalesce(excluded.sms, c.sms), coalesce(excluded.voice, c.voice),
                         coalesce(excluded.sessions, c.sessions))
"""


def keep_counts(*, told: Sequence[tuple[int, Reading]], read_at: dt.datetime) -> None:
    """Keeps the figures of these lines' readings. Their states must be locked; harmless twice."""
    rows = [(line_id, one) for line_id, one in told if (one.sms_usage, one.voice_usage, one.sessions) != (None,) * 3]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            KEEP,
            [
                array(line_id for line_id, _ in rows),
                array(one.sms_usage for _, one in rows),
                array(one.voice_usage for _, one in rows),
                array(one.sessions for _, one in rows),
                array((one.asked_at or read_at).isoformat() for _, one in rows),
            ],
        )
