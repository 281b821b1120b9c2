"""What an account may do in a day (UTC) that costs a carrier's calls: send SMS, activate lines, change settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.db import connection
from django.db.models import F
from kit import clock
from kit.errors import Refusal

from accounts.commands.people import UNCONFIRMED, Unconfirmed
from accounts.policy import ASKING, Actor
from accounts.queries import is_unconfirmed
from lines.models import DoneOfDay, Line
from lines.policy import Verdict
from lines.policy.budget import Costly
from lines.queries.daily import may_do


class DayLimit(Refusal):
    """The account has done this as often as it may on one day."""

    status = 429


# Its row is the account's until the transaction ends: of two who come at once only one takes the last.
OPEN = """
INSERT INTO lines_doneofday AS d (account_id, kind, day, done) VALUES (%(payer)s, %(kind)s, %(day)s, 0)
ON CONFLICT (account_id, kind) DO UPDATE
   SET done = CASE WHEN d.day = excluded.day THEN d.done ELSE 0 END, day = excluded.day
RETURNING done
"""


def turned_away(*, payers: Mapping[int, int | None], kind: Costly, by: Actor) -> dict[int, Verdict]:
    """Counts one of this kind for each of these lines (id -> payer), in a transaction that then does it; answers those
    that may not, each with its verdict."""
    if by.kind not in ASKING:
        return {}
    theirs: dict[int, list[int]] = defaultdict(list)
    for line_id, payer_id in payers.items():
        if payer_id is not None:
            theirs[payer_id].append(line_id)
    away: dict[int, Verdict] = {}
    for payer_id, ids in sorted(theirs.items()):
        if is_unconfirmed(payer_id=payer_id):
            away |= dict.fromkeys(ids, Verdict.UNCONFIRMED)
        else:
            away |= dict.fromkeys(ids[_take(payer_id, kind, len(ids)) :], Verdict.OVER_DAY)
    return away


def or_turn_away(*, line: Line, kind: Costly, by: Actor) -> None:
    """The same for one line. Raises Unconfirmed, DayLimit."""
    if verdict := turned_away(payers={line.pk: line.payer_id}, kind=kind, by=by).get(line.pk):
        raise refusal_of(verdict=verdict, kind=kind)


def refusal_of(*, verdict: Verdict, kind: Costly) -> Refusal:
    return Unconfirmed(UNCONFIRMED) if verdict is Verdict.UNCONFIRMED else DayLimit(SAID[kind])


SAID = {
    Costly.SMS: "Daily limit reached. No more SMS can be sent today. Try again after 00:00 UTC.",
    Costly.ACTIVATION: "Daily limit reached. No more lines can be activated today. Try again after 00:00 UTC.",
    Costly.SETTING: "Daily limit reached. No more settings can be changed today. Try again after 00:00 UTC.",
}


def _take(payer_id: int, kind: Costly, wanted: int) -> int:
    """How many of these may be done today, which are counted."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {"payer": payer_id, "kind": kind, "day": clock.today()})
        done: int = cursor.fetchone()[0]
    taken = may_do(payer_id=payer_id, kind=kind, wanted=wanted, done=done)
    if taken:
        DoneOfDay.objects.filter(account=payer_id, kind=kind).update(done=F("done") + taken)
    return taken
