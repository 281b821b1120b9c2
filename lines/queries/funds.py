"""What the operator still has with its carriers, and whether that needs looking to."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from kit import clock

from lines.models import Carrier, CarrierFunds
from lines.policy.funds import WEEK, Left, lasts, warning


@dataclass(frozen=True, slots=True)
class FundsShown:
    """The last reading, how long it lasts at the last week's pace, and a warning, empty for none."""

    row: CarrierFunds
    lasts: dt.timedelta | None
    warning: str

    @property
    def says(self) -> str:
        row = self.row
        parts = [f"{row.balance:,.2f} {row.currency}, read {row.read_at:%-d %b %Y, %H:%M}"]
        if row.threshold is not None:
            up = "no automatic top-up" if not row.is_auto else "topped up automatically"
            to = f" to {row.amount:,.2f}" if row.is_auto and row.amount is not None else ""
            parts.append(f"threshold {row.threshold:,.2f}, {up}{to}")
        if self.lasts is not None:
            days = round(self.lasts.total_seconds() / 86_400)
            parts.append(f"at last week’s pace about {days:,} days left" if days else "less than a day left")
        return "; ".join(([self.warning.capitalize()] if self.warning else []) + parts)


def funds_of(carriers: list[Carrier]) -> dict[int, FundsShown]:
    """By carrier; those that tell nothing are missing."""
    now = clock.now()
    rows: dict[int, list[CarrierFunds]] = defaultdict(list)
    known = CarrierFunds.objects.filter(carrier__in=carriers, read_at__gt=now - 2 * WEEK, read_at__lte=now)
    for row in known.order_by("read_at"):
        rows[row.carrier_id].append(row)
    shown = {}
    for carrier_id, read in rows.items():
        left = [Left(one.read_at, one.balance, one.threshold, one.is_auto) for one in read]
        shown[carrier_id] = FundsShown(read[-1], lasts(left), warning(left, now=now))
    return shown


def running_dry() -> list[int]:
    """The carriers in use whose balance needs looking to."""
    carriers = list(Carrier.objects.filter(is_active=True))
    return [carrier_id for carrier_id, funds in funds_of(carriers).items() if funds.warning]
