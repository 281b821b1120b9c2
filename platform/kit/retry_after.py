"""How long a server asks to be left alone."""

from __future__ import annotations

import datetime as dt
import email.utils
import re


def seconds_to_wait(text: str, *, date: str = "", most: float) -> float | None:
    """Seconds, from Retry-After: a number or an HTTP date (RFC 9110, 10.2.3); at most so many. None: it says nothing.

    `date`: the answer's own Date, since the server's clock may differ from ours.
    """
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,30}(\.[0-9]{1,9})?", text):
        return min(float(text), most)
    until = _moment(text)
    if until is None:
        return None
    now = _moment(date) or dt.datetime.now(dt.UTC)  # a difference to another's clock, and never stored
    return min(max((until - now).total_seconds(), 0.0), most)


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
