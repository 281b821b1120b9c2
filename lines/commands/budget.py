"""An account's share of a carrier's calls: taken before each question that somebody asks."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from kit import clock
from kit.errors import Refusal
from kit.kept import Kept

from lines.models import AskedOfDay, CallsOfDay, Carrier, Line
from lines.policy.budget import ASKED_A_MINUTE, share_of_asking

KEPT_DAYS = 40


class AskedTooOften(Refusal):
    """The account's share of the carrier's calls is used; what is known is shown."""

    status = 429


_sizes: Kept[tuple[int, int]] = Kept(seconds=60, most=100)

TAKE = """
INSERT INTO lines_askedofday AS a (carrier_id, account_id, day, asked, minute, asked_in_minute)
VALUES (%(carrier)s, %(payer)s, %(day)s, 1, %(minute)s, 1)
ON CONFLICT (carrier_id, account_id, day) DO UPDATE
   SET asked = a.asked + 1, minute = excluded.minute,
       asked_in_minute = CASE WHEN a.minute = excluded.minute THEN a.asked_in_minute + 1 ELSE 1 END
 WHERE (%(share)s::int IS NULL OR a.asked < %(share)s)
   AND (a.minute <> excluded.minute OR a.asked_in_minute < %(a_minute)s)
RETURNING 1
"""


@transaction.atomic
def take_ask(*, line: Line) -> None:
    """Counts a question about a line against its payer's share. Raises AskedTooOften."""
    now, carrier = clock.now(), line.carrier
    with connection.cursor() as cursor:
        cursor.execute(
            TAKE,
            {
                "carrier": carrier.pk,
                "payer": line.payer_id,
                "day": now.astimezone(dt.UTC).date(),
                "minute": now.replace(second=0, microsecond=0),
                "share": _share(carrier, line),
                "a_minute": ASKED_A_MINUTE,
            },
        )
        if cursor.fetchone() is None:
            raise AskedTooOften(
                "Your share of questions to the carrier is used for now. Below is what it said before."
                " Lines keep being read by themselves."
            )


def _share(carrier: Carrier, line: Line) -> int | None:
    if carrier.calls_per_day is None:
        return None
    all_lines, accounts = _sizes.get(carrier.pk, lambda: _size(carrier))
    own = Line.objects.filter(carrier=carrier, payer=line.payer_id).count()
    return share_of_asking(carrier.calls_per_day, lines=own, all_lines=all_lines, accounts=accounts)


def _size(carrier: Carrier) -> tuple[int, int]:
    """Lines of a carrier that are somebody's, and how many accounts pay for them."""
    held = Line.objects.filter(carrier=carrier, payer__isnull=False)
    return held.count(), held.values("payer").distinct().count()


def forget_days() -> int:
    """Deletes counts that nobody looks at any more."""
    old = clock.today() - dt.timedelta(days=KEPT_DAYS)
    return CallsOfDay.objects.filter(day__lt=old).delete()[0] + AskedOfDay.objects.filter(day__lt=old).delete()[0]
