"""Whether there is work for a sweep: asked by whoever rings, so that a bell is not rung for nothing."""

from __future__ import annotations

from lines.policy import CLEARING, JobState
from lines.policy.costs import Compared

SOON = "({0}.due_at IS NULL OR {0}.due_at <= %(now)s)"
# A pause longer than an hour was written by a clock that stood wrong (lines.commands.leases).
NOW_OR_PUT_OFF = "({0}.due_at IS NULL OR {0}.due_at <= %(now)s OR {0}.due_at > %(now)s + interval '1 hour')"

# By task, a condition that holds whenever the task would do something. It may hold where nothing comes of it: what
# another worker holds is due here, too.
WORK = {
    "lines.tasks.plan_passes": "EXISTS (SELECT FROM lines_carrier c WHERE c.is_active AND NOT EXISTS"
    " (SELECT FROM lines_readingpass p WHERE p.carrier_id = c.id AND p.started_at <= %(now)s"
    "     AND p.started_at > %(now)s - c.read_every * interval '1 second'))",
    "lines.tasks.read_usage": "EXISTS (SELECT FROM lines_chunk c JOIN lines_readingpass p ON p.id = c.reading_pass_id"
    f" WHERE p.finished_at IS NULL AND {NOW_OR_PUT_OFF.format('c')})"
    f" OR EXISTS (SELECT FROM lines_finaltotal f WHERE f.done_at IS NULL AND {SOON.format('f')})"
    f" OR EXISTS (SELECT FROM lines_carriercost k WHERE k.state = '{Compared.WAITS}' AND {SOON.format('k')})",
    "lines.tasks.read_told_lines": f"EXISTS (SELECT FROM lines_toldline t WHERE t.is_due AND {SOON.format('t')})",
    "lines.tasks.drive_lines": f"EXISTS (SELECT FROM lines_drive d WHERE {NOW_OR_PUT_OFF.format('d')})"
    f" OR EXISTS (SELECT FROM lines_linesetting s WHERE s.is_open AND {SOON.format('s')})",
    "lines.tasks.handle_messages": f"EXISTS (SELECT FROM lines_smsmessage m WHERE m.is_open AND {SOON.format('m')})"
    f" OR EXISTS (SELECT FROM lines_smslook k WHERE k.is_due AND {SOON.format('k')})",
    "lines.tasks.write_statements": "EXISTS (SELECT FROM billing_statement s"
    " WHERE s.done_at IS NULL AND s.failed = '')",
    "lines.tasks.write_usage_exports": "EXISTS (SELECT FROM lines_usageexport x"
    " WHERE x.done_at IS NULL AND x.failed = '')",
    "lines.tasks.move_lines": f"EXISTS (SELECT FROM lines_move m WHERE {SOON.format('m')}"
    f" AND (m.confirmed_at IS NULL OR m.began_at > %(now)s - interval '{CLEARING.days} days'))",
    "lines.tasks.work_jobs": f"EXISTS (SELECT FROM lines_job j WHERE j.state = '{JobState.RUNNING}')",
}
