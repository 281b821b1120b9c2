"""How often rules change a line: the one place that counts it, and says when they may again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from django.db import connection
from kit import clock
from kit.sql import array

from accounts.commands import Happened, record_many
from accounts.policy import SYSTEM, Actor
from automation import policy
from automation.models import FollowUp, LineGuard, RuleFire
from automation.policy import Act, Changes, FollowState, Outcome
from billing.commands.notices import tell
from billing.policy.notices import Kind
from billing.words import Told
from lines.commands.holds import plan_returns
from lines.models import Line

COUNT = """
INSERT INTO automation_lineguard AS g (line_id, day, times, last_at)
SELECT line_id, %(day)s, 1, %(now)s FROM unnest(%(lines)s::bigint[]) AS line_id ORDER BY line_id
ON CONFLICT (line_id) DO UPDATE
   SET times = CASE WHEN g.day = excluded.day THEN g.times + 1 ELSE 1 END,
       day = excluded.day, last_at = excluded.last_at
"""


class Guard:
    """What rules did to these lines. Their states must be locked as long as it is used."""

    def __init__(self, *, line_ids: Collection[int], now: dt.datetime) -> None:
        self.now = now
        rows = LineGuard.objects.in_bulk(line_ids)
        self._changes = {
            pk: Changes(row.last_at, row.times if row.day == now.date() else 0) for pk, row in rows.items()
        }

    def changes(self, line_id: int) -> Changes:
        return self._changes.get(line_id, Changes())

    def keeps(self, line_id: int) -> Outcome | None:
        """Why rules may not change the line now; None: they may."""
        return policy.restraint(self.changes(line_id), self.now)

    def free_from(self, line_id: int) -> dt.datetime:
        return policy.free_from(self.changes(line_id), self.now)

    def count(self, line_ids: Sequence[int]) -> None:
        """Rules changed these lines just now, each once."""
        if not line_ids:
            return
        now = clock.now()
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {"day": now.date(), "now": now, "lines": array(line_ids)})
        for pk in line_ids:
            self._changes[pk] = Changes(now, self.changes(pk).today + 1)

    def let(self, planned: Sequence[FollowUp]) -> list[FollowUp]:
        """Those of these follow-ups, one for a line, that may be done now; the others are put off until they may.

        Where that is the next day the line is flagged and told about.
        """
        kept = {one.pk: why for one in planned if (why := self.keeps(one.line_id))}
        put_off = [one for one in planned if one.pk in kept]
        for one in put_off:
            one.due_at = self.free_from(one.line_id)
        FollowUp.objects.bulk_update(put_off, ["due_at"], batch_size=2000)
        plan_returns(returns={one.line_id: one.due_at for one in put_off if one.act == Act.ACTIVATE})
        self.leave_alone([one.line_id for one in put_off if kept[one.pk] == Outcome.LEFT])
        return [one for one in planned if one.pk not in kept]

    def leave_alone(self, line_ids: Sequence[int]) -> None:
        """Rules changed these lines too often today: they are flagged, and their owner is told, once a day."""
        if not line_ids:
            return
        today = self.now.date()
        fresh = LineGuard.objects.filter(pk__in=line_ids).exclude(left_on=today)
        lines = list(Line.objects.filter(pk__in=fresh.values("pk")).order_by("pk"))
        LineGuard.objects.filter(pk__in=[line.pk for line in lines]).update(left_on=today)
        record_many(
            by=SYSTEM,
            verb="line.left_alone",
            things=[Happened(line.account_id, f"line:{line.iccid}", {}) for line in lines],
        )
        for line in lines:
            told = Told(
                f"Rules leave line {line.iccid} alone today",
                f"Rules changed line {line.iccid} {policy.MOST_CHANGES} times on {today:%-d %B %Y}. So that it does"
                " not go back and forth without end they leave it as it is until midnight UTC. Rule Activity says what"
                " they did.",
            )
            if line.payer_id:
                key, page = f"left-alone:{line.iccid}:{today}", f"/lines/{line.iccid}/"
                tell(account_id=line.payer_id, key=key, told=told, page=page, kind=Kind.RULES)


def wait(*, planned: Sequence[FollowUp]) -> None:
    """What fires may not do yet is done at its time; one that waits already waits until then."""
    FollowUp.objects.bulk_create(
        planned, update_conflicts=True, unique_fields=["fire", "act"], update_fields=["due_at"], batch_size=2000
    )


def put_off(*, planned: Sequence[FollowUp], now: dt.datetime) -> None:
    """Their accounts may do no more of it on this day: tomorrow."""
    for one in planned:
        one.due_at = policy.midnight(now.date() + dt.timedelta(days=1))
    FollowUp.objects.bulk_update(planned, ["due_at"], batch_size=2000)
    plan_returns(returns={one.line_id: one.due_at for one in planned if one.act == Act.ACTIVATE})


ENDS = {
    Outcome.DROPPED: FollowState.CHANGED,
    Outcome.LEFT: FollowState.LEFT,
    Outcome.REFUSED: FollowState.REFUSED,
}


def waited(*, planned: Sequence[FollowUp], now: dt.datetime, by: Actor | None = None) -> None:
    """Their fires have outcomes: what does not wait once more has ended, by its time or by this person."""
    RuleFire.objects.bulk_update([one.fire for one in planned], ["outcome", "acted_at"], batch_size=2000)
    for one in planned:
        if one.fire.outcome != Outcome.WAITS:
            one.end(ENDS.get(Outcome(one.fire.outcome), FollowState.DONE), now, by=by)
