"""Three ways to apply the same page: the hot path, the least SQL that could do it, and a plain ORM loop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from django.db import connection, transaction

from bench.fleet import NOW
from billing.models import UsageDay, Wallet
from lines import policy
from lines.carriers.base import Reading, Status, Switch
from lines.commands.readings import apply_readings
from lines.models import Carrier, HolderDay, Line, LineDay, Price

ENABLED = Status(switch=Switch.ON, word="enabled")


@dataclass(slots=True)
class Sim:
    """A line as its carrier knows it."""

    line_id: int
    iccid: str
    payer_id: int
    account_id: int
    price_id: int
    counter: int
    imei: str
    msisdn: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a carrier answers at a moment: every counter has moved by `moved` bytes since the last time."""

    carrier: Carrier
    sims: Sequence[Sim]
    at: dt.datetime
    moved: int

    @property
    def day(self) -> dt.date:
        return self.at.date()

    @property
    def cycle(self) -> dt.date:
        return policy.cycle_start(self.day)

    def readings(self) -> list[Reading]:
        """What an adapter makes of it; decoding is no part of the measurement."""
        return [
            Reading(
                iccid=sim.iccid,
                counter=sim.counter,
                cycle=self.cycle,
                status=ENABLED,
                sms_sent=0,
                last_seen=self.at,
                imei=sim.imei,
                msisdn=sim.msisdn,
            )
            for sim in self.sims
        ]


def by_hot_path(page: Page, readings: list[Reading]) -> None:
    apply_readings(carrier=page.carrier, readings=readings, read_at=page.at, has_finals=True)


# Told everything: which line, whose, at which price, how many bytes it moved. It finds out and decides nothing.
FLOOR = f"""
WITH r AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
                  AS r(line_id, payer_id, account_id, price_id)
), priced AS (
    SELECT r.*, coalesce(d.used, 0) + $5 AS used, coalesce(d.cost, 0) AS cost_before,
           CASE WHEN d.id IS NULL THEN 1 ELSE 0 END AS is_new,
           round((coalesce(d.used, 0) + $5) * p.per_mb * {policy.PER_BYTE}, 6) AS cost
      FROM r
      JOIN lines_price p ON p.id = r.price_id
      LEFT JOIN lines_lineday d ON d.line_id = r.line_id AND d.day = $6 AND d.payer_id = r.payer_id
                               AND d.price_id = r.price_id
), state AS (
    UPDATE lines_linestate st SET counter = counter + $5, read_at = $7, last_seen = $7, confirmed_at = $7, day = $6,
           day_bytes = $5 + CASE WHEN day = $6 THEN day_bytes ELSE 0 END
      FROM r WHERE st.line_id = r.line_id
), days AS (
    INSERT INTO lines_lineday (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)
    SELECT line_id, $6, payer_id, price_id, account_id, $8, used, cost, 0 FROM priced
    ON CONFLICT (line_id, day, payer_id, price_id) DO UPDATE SET used = excluded.used, cost = excluded.cost
), holder_days AS (
    INSERT INTO lines_holderday AS h (payer_id, day, account_id, price_id, days, used, cost)
    SELECT payer_id, $6, account_id, price_id, sum(is_new), sum($5), sum(cost - cost_before) FROM priced
     GROUP BY payer_id, account_id, price_id ORDER BY payer_id, account_id, price_id
    ON CONFLICT (payer_id, day, account_id, price_id)
    DO UPDATE SET days = h.days + excluded.days, used = h.used + excluded.used, cost = h.cost + excluded.cost
), sums AS (
    INSERT INTO billing_usageday AS d (account_id, day, usage, sms, sealed, parts)
    SELECT payer_id, $6, sum(cost - cost_before), 0, 0, 0 FROM priced GROUP BY payer_id ORDER BY payer_id
    ON CONFLICT (account_id, day) DO UPDATE SET usage = d.usage + excluded.usage
)
UPDATE billing_wallet w SET accrued = w.accrued + c.amount
  FROM (SELECT payer_id, sum(cost - cost_before) AS amount FROM priced GROUP BY payer_id) c
 WHERE w.account_id = c.payer_id
"""

# When nothing moved: only when it was read.
FLOOR_UNMOVED = """
UPDATE lines_linestate SET read_at = $2, last_seen = $2, confirmed_at = $2 WHERE line_id = ANY($1::bigint[])
"""


def by_floor(page: Page, _readings: list[Reading]) -> None:
    """One statement, prepared in the server, committed by itself."""
    connection.ensure_connection()
    sims, raw = page.sims, connection.connection
    raw.prepare_threshold = raw.prepare_threshold or 5  # None switches `prepare` off
    with psycopg.RawCursor(raw) as cursor:
        if not page.moved:
            cursor.execute(FLOOR_UNMOVED, [[sim.line_id for sim in sims], page.at], prepare=True)
            return
        arrays = ([getattr(sim, name) for sim in sims] for name in ("line_id", "payer_id", "account_id", "price_id"))
        cursor.execute(FLOOR, [*arrays, page.moved, page.day, page.at, page.cycle], prepare=True)


def by_orm(page: Page, readings: list[Reading]) -> None:
    """What one writes first: a line at a time, get, compute, save."""
    with transaction.atomic():
        for reading in readings:
            _apply_one(page, reading)


def _apply_one(page: Page, reading: Reading) -> None:
    line = Line.objects.select_related("state", "plan").get(iccid=reading.iccid)
    payer_id, account_id = line.payer_id or 0, line.account_id or 0
    price = Price.objects.filter(plan=line.plan, valid_from__lte=page.at).latest("valid_from")
    wallet = Wallet.objects.select_for_update().get(account_id=payer_id)
    state = line.state
    moved = max(0, reading.counter - state.counter)
    day, is_new = LineDay.objects.get_or_create(
        line=line,
        day=page.day,
        payer_id=payer_id,
        price=price,
        defaults={"account_id": account_id, "cycle": page.cycle},
    )
    before = day.cost
    day.used += moved
    day.cost = policy.data_cost(day.used, price.per_mb)
    day.save()
    state.day_bytes = moved + (state.day_bytes if state.day == page.day else 0)
    state.counter, state.day = reading.counter, page.day
    state.read_at = state.last_seen = state.confirmed_at = page.at
    state.save()
    held, _ = HolderDay.objects.get_or_create(
        payer_id=payer_id, account_id=account_id, price=price, day=page.day, defaults={"days": 0, "used": 0, "cost": 0}
    )
    held.days += is_new
    held.used += moved
    held.cost += day.cost - before
    held.save()
    total, _ = UsageDay.objects.get_or_create(account_id=payer_id, day=page.day)
    total.usage += day.cost - before
    total.save()
    wallet.accrued += day.cost - before
    wallet.save()


def sims_of(line_ids: Sequence[int]) -> list[Sim]:
    """These lines, in this order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.id, l.iccid, l.payer_id, l.account_id, p.id, st.counter, l.imei, l.msisdn FROM lines_line l"
            "  JOIN lines_linestate st ON st.line_id = l.id"
            "  JOIN lines_price p ON p.plan_id = l.plan_id AND p.valid_from <= %s WHERE l.id = ANY(%s)",
            [NOW, list(line_ids)],
        )
        found = {row[0]: Sim(*row) for row in cursor.fetchall()}
    return [found[line_id] for line_id in line_ids]
