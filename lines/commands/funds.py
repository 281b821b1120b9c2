"""The operator's own money with a carrier: read once an hour, kept for forty days."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from kit import clock

from lines.carriers.base import Funds
from lines.models import Carrier, CarrierFunds

KEPT = dt.timedelta(days=40)
EVERY = dt.timedelta(minutes=59)


def is_due(*, carrier: Carrier) -> bool:
    now = clock.now()
    return not CarrierFunds.objects.filter(carrier=carrier, read_at__gt=now - EVERY, read_at__lte=now).exists()


@transaction.atomic
def keep_funds(*, carrier: Carrier, funds: Funds) -> CarrierFunds:
    """Harmless twice: two workers that asked within the hour leave one row each, and the older ones go."""
    now = clock.now()
    CarrierFunds.objects.filter(carrier=carrier, read_at__lt=now - KEPT).delete()
    row, _ = CarrierFunds.objects.update_or_create(
        carrier=carrier,
        read_at=now,
        defaults={
            "balance": funds.balance,
            "currency": funds.currency,
            "threshold": funds.threshold,
            "amount": funds.amount,
            "is_auto": funds.is_auto,
            "carrier_at": funds.at,
        },
    )
    return row
