"""What is left of what an account may do on a day (UTC)."""

from __future__ import annotations

from django.conf import settings
from kit import clock

from lines.models import DoneOfDay, Line
from lines.policy.budget import Costly, allowed_a_day


def done_today(*, payer_id: int, kind: Costly) -> int:
    rows = DoneOfDay.objects.filter(account=payer_id, kind=kind, day=clock.today())
    return rows.values_list("done", flat=True).first() or 0


def may_do(*, payer_id: int, kind: Costly, wanted: int, done: int) -> int:
    """How many of these may be done on this day, of which so many are done."""
    a_line: int = settings.COSTLY_A_LINE_AND_DAY[kind]
    allowed = allowed_a_day(a_line, lines=1)
    if done + wanted > allowed:  # a million lines are counted where it matters only
        allowed = allowed_a_day(a_line, lines=Line.objects.filter(payer=payer_id).order_by().count())
    return max(0, min(wanted, allowed - done))
