"""When a webhook is sent again, and for how long its messages are kept."""

from __future__ import annotations

import datetime as dt

# Seconds after a delivery failed until it is tried again; the last try is within three days of the first.
BACK_OFF = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 72_000)


KEPT = dt.timedelta(days=31)  # a message that has ended


def retry_at(tries: int, now: dt.datetime, asked: dt.timedelta = dt.timedelta(0)) -> dt.datetime | None:
    """When a webhook that failed so many times is sent again, not before the receiver `asked`; None: no more."""
    if not 1 <= tries <= len(BACK_OFF):
        return None
    return now + max(dt.timedelta(seconds=BACK_OFF[tries - 1]), asked)
