"""Which events may go when they are old."""

from __future__ import annotations

from kit.retention import Kind

# For ever, unless the installation says otherwise. The database keeps what the proof of the others needs of a month
# that goes (docs/decisions/0272); none goes alone.
KINDS = (Kind("events", "accounts_event", 0, "t.at", "t.at < %(limit)s", least=13, by_month="event", is_whole=True),)
