"""Which rows about lines may go when they are old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from kit.retention import Kind, forget, refuse_unknown

from accounts.commands import retention as accounts
from billing.commands import retention as billings
from lines.models.sms import KEPT

REMOVED = "(removed)"

# Day rows and histories are not here: the books need every one of them.
KINDS = (
    Kind(
        "sessions",
        "lines_sighting",
        13,
        "t.seen_at",
        "t.seen_at < %(limit)s",
        may_go="t.ended_at IS NOT NULL",
        by_month="sighting",
    ),
    # A message that was charged is proved against its ledger row; what it said is nobody's business any more.
    Kind(
        "messages",
        "lines_smsmessage",
        24,
        "t.at",
        "t.at < %(limit)s",
        may_go=f"NOT t.is_open AND t.doubt = '' AND (t.text <> '{REMOVED}' OR t.month > '{KEPT}')",
        redacted="t.accepted_at IS NOT NULL AND t.price > 0",
        overwritten=f"text = '{REMOVED}', salt = '', by = '', seen_by = '', month = '{KEPT}'",
        by_month="smsmessage",
    ),
    Kind(
        "job items",
        "lines_jobitem",
        13,
        "(SELECT j.ended_at FROM lines_job j WHERE j.id = t.job_id)",
        "t.job_id IN (SELECT j.id FROM lines_job j WHERE j.ended_at < %(limit)s)",
        by_month="jobitem",
    ),
    Kind("set aside", "lines_setaside", 6, "t.at", "t.at < %(limit)s", least=1, by_month="setaside"),
    # The newest whole one of a carrier tells how it is.
    Kind(
        "reading passes",
        "lines_readingpass",
        13,
        "t.started_at",
        "t.started_at < %(limit)s",
        may_go="t.finished_at IS NOT NULL AND EXISTS (SELECT FROM lines_readingpass n"
        " WHERE n.carrier_id = t.carrier_id AND n.started_at > t.started_at AND n.finished_at IS NOT NULL)",
    ),
)


def kinds() -> tuple[Kind, ...]:
    """Ours, and those of the apps below."""
    return (*KINDS, *billings.KINDS, *accounts.KINDS)


def forget_old(*, today: dt.date, stop: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """Rows of each kind that went. Harmless twice."""
    refuse_unknown(kinds())
    return {kind.name: forget(kind, today=today, stop=stop) for kind in kinds()}
