"""What carriers say that lines cost the operator, beside what our own plans make of it; differences are settled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from kit import clock
from kit.errors import Invalid
from kit.money import currency
from kit.months import month_after
from kit.sql import array

from accounts.commands import record
from accounts.policy import Actor
from lines import policy
from lines.carriers import CLIENTS
from lines.carriers.base import Billed, Part
from lines.commands import leases
from lines.models import Carrier, CarrierCost, CarrierFunds, CarrierHealth
from lines.policy import PER_BYTE
from lines.policy.costs import Compared, compare

AFTER = dt.timedelta(hours=72)  # after a month's end: its statement is closed then

_Ours = tuple[int, Mapping[Part, Decimal] | None]

PLAN = """
INSERT INTO lines_carriercost (line_id, carrier_id, month, due_at, state, currency, note, settled_by, attempts,
                               last_error)
SELECT l.id, l.carrier_id, %(month)s, %(due)s, %(waits)s, '', '', '', 0, '' FROM lines_line l
 WHERE l.carrier_id = %(carrier)s
   AND (l.payer_id IS NOT NULL OR EXISTS (SELECT FROM lines_lineday d
         WHERE d.line_id = l.id AND d.day >= %(month)s AND d.day < %(after)s))
ON CONFLICT (line_id, month) DO NOTHING
"""

# A month's usage is that of the carrier's cycle, whatever the zone of its payer's days. A day's cost counts once,
# however many prices it had; a message counts at the price of its line's plan. Null where a plan has no costs.
OURS = f"""
WITH d AS (
    SELECT d.line_id, d.day, d.used, c.cost_per_mb, c.cost_per_day,
           row_number() OVER (PARTITION BY d.line_id, d.day ORDER BY c.cost_per_day DESC NULLS LAST) AS nth
      FROM lines_lineday d JOIN lines_price c ON c.id = d.price_id
     WHERE d.line_id = ANY(%(lines)s::bigint[]) AND d.cycle = %(month)s
       AND d.day >= %(month)s::date - 1 AND d.day <= %(after)s
), used AS (
    SELECT line_id, sum(used)::bigint AS used, bool_and(cost_per_mb IS NOT NULL) AS is_known,
           coalesce(sum(used * cost_per_mb * {PER_BYTE}), 0) AS data,
           coalesce(sum(cost_per_day) FILTER (WHERE nth = 1), 0) AS days
      FROM d GROUP BY line_id
), sent AS (
    SELECT m.line_id, bool_and(pr.cost_per_sms IS NOT NULL) AS is_known, coalesce(sum(pr.cost_per_sms), 0) AS sms
      FROM lines_smsmessage m JOIN lines_line l ON l.id = m.line_id
      JOIN LATERAL (
          SELECT cost_per_sms FROM lines_price
           WHERE plan_id = l.plan_id AND country = '' AND (valid_from IS NULL OR valid_from <= m.accepted_at)
           ORDER BY valid_from DESC NULLS LAST LIMIT 1
      ) pr ON true
     WHERE m.line_id = ANY(%(lines)s::bigint[]) AND m.to_device
       AND m.accepted_at >= %(month)s AND m.accepted_at < %(after)s
     GROUP BY m.line_id
)
SELECT l.id, coalesce(u.used, 0), coalesce(u.is_known, true) AND coalesce(s.is_known, true),
       coalesce(u.data, 0), coalesce(s.sms, 0), coalesce(u.days, 0)
  FROM unnest(%(lines)s::bigint[]) AS l(id) LEFT JOIN used u ON u.line_id = l.id LEFT JOIN sent s ON s.line_id = l.id
"""


@transaction.atomic
def plan_costs(*, carrier: Carrier) -> None:
    """Once a month: what each line cost in the last one is to be asked for. Harmless twice."""
    after = clock.today().replace(day=1)
    month = month_after(after, -1)
    health = CarrierHealth.objects.select_for_update().get(pk=carrier.pk)
    if health.costs_planned_for == month:
        return
    due = dt.datetime.combine(after, dt.time(), dt.UTC) + AFTER
    with connection.cursor() as cursor:
        given: dict[str, Any] = {
            "carrier": carrier.pk,
            "month": month,
            "after": after,
            "due": due,
            "waits": Compared.WAITS,
        }
        cursor.execute(PLAN, given)
    health.costs_planned_for = month
    health.save(update_fields=["costs_planned_for"])


def claim_costs(*, carrier: Carrier, limit: int) -> list[CarrierCost]:
    """Takes costs that are to be asked for, with their lines."""
    where, waits = "carrier_id = %s AND state = %s", Compared.WAITS
    ids = leases.claim(model=CarrierCost, limit=limit, where=where, parameters=[carrier.pk, waits])
    return list(CarrierCost.objects.filter(pk__in=ids).select_related("line").order_by("pk"))


@transaction.atomic
def keep_costs(*, carrier: Carrier, told: Sequence[tuple[CarrierCost, Billed]]) -> None:
    """What the carrier said of these, beside ours. Harmless twice."""
    money_there = _money_of(carrier)
    for month in sorted({row.month for row, _ in told}):
        some = [(row, billed) for row, billed in told if row.month == month]
        ours = _ours([row.line_id for row, _ in some], month)
        for row, billed in some:
            _keep(row, billed, ours[row.line_id], billed.currency or money_there)


def _keep(row: CarrierCost, billed: Billed, ours: _Ours, money: str) -> None:
    used, parts = ours
    theirs = sum(billed.parts.values(), Decimal(0))
    own = None if parts is None else sum((parts[part] for part in billed.parts), Decimal(0)).quantize(policy.PLACES)
    CarrierCost.objects.filter(pk=row.pk, state=Compared.WAITS).update(
        theirs=theirs,
        ours=own,
        currency=money,
        used_there=billed.used,
        used_here=used,
        told_at=clock.now(),
        state=compare(theirs=theirs, ours=own, currency=money, kept=currency().code),
        leased_until=None,
        last_error="",
    )


def _ours(line_ids: Sequence[int], month: dt.date) -> dict[int, _Ours]:
    """By line: bytes, and the cost of each part; no parts where a plan has no costs."""
    given: dict[str, Any] = {"lines": array(line_ids), "month": month, "after": month_after(month, 1)}
    with connection.cursor() as cursor:
        cursor.execute(OURS, given)
        return {
            line: (used, {Part.DATA: data, Part.SMS: sms, Part.DAYS: days} if is_known else None)
            for line, used, is_known, data, sms, days in cursor.fetchall()
        }


def _money_of(carrier: Carrier) -> str:
    """The currency of our account there, where the carrier tells its balance; empty: nobody knows it."""
    last = CarrierFunds.objects.filter(carrier=carrier).order_by("-read_at").first()
    return last.currency if last else ""


def cost_failed(*, row: CarrierCost, error: str, give_up: bool, wait: float | None = None) -> None:
    """It is asked for again later; or never, where the carrier refuses."""
    pause = max(policy.retry_after(row.attempts), dt.timedelta(seconds=wait or 0))
    CarrierCost.objects.filter(pk=row.pk, state=Compared.WAITS).update(
        due_at=clock.now() + pause,
        state=Compared.NOT if give_up else Compared.WAITS,
        leased_until=None,
        last_error=error[:300],
    )


@transaction.atomic
def ask_cost_again(*, cost_id: int, by: Actor) -> CarrierCost:
    """The carrier is asked once more, and both are compared anew. Raises Invalid."""
    row = _locked(cost_id)
    if not CLIENTS[row.carrier.kind].abilities.tells_costs:
        raise Invalid(f"{CLIENTS[row.carrier.kind].title} tells no costs.")
    row.state, row.due_at, row.attempts, row.leased_until = Compared.WAITS, None, 0, None
    row.save(update_fields=["state", "due_at", "attempts", "leased_until"])
    record(by=by, verb="cost.asked_again", subject=f"line:{row.line.iccid}", detail={"month": f"{row.month:%Y-%m}"})
    return row


@transaction.atomic
def settle_cost(*, cost_id: int, note: str, by: Actor) -> CarrierCost:
    """A person says what a difference was; no money moves by it. Raises Invalid."""
    row, said = _locked(cost_id), note.strip()[:300]
    if row.state not in (Compared.DIFFERS, Compared.NOT):
        raise Invalid("Nothing is to settle here.")
    if not said:
        raise Invalid("Say what it was. The note is kept.")
    row.state, row.note, row.settled_by, row.settled_at = Compared.SETTLED, said, by.name, clock.now()
    row.save(update_fields=["state", "note", "settled_by", "settled_at"])
    detail = {"month": f"{row.month:%Y-%m}", "note": said}
    record(by=by, verb="cost.settled", subject=f"line:{row.line.iccid}", detail=detail)
    return row


def _locked(cost_id: int) -> CarrierCost:
    """Raises Invalid where somebody settled it."""
    row = CarrierCost.objects.select_for_update(of=("self",)).select_related("line", "carrier").get(pk=cost_id)
    if row.state == Compared.SETTLED:
        raise Invalid(f"{row.settled_by} settled it already.")
    return row
