"""What a person of the back office does about a carrier that is left alone: its calls are made again at once."""

from __future__ import annotations

from django.db import connection, transaction

from accounts.commands import record
from accounts.policy import Actor
from lines.carriers.base import CallKind
from lines.models import Breaker, Carrier


@transaction.atomic
def lift(*, carrier: Carrier, by: Actor, kind: CallKind | None = None) -> int:
    """Closes the breakers of a carrier and lifts its pauses, of one kind of call or of all; says how many there were.

    Harmless twice: what still fails opens its breaker again.
    """
    shut = Breaker.objects.select_for_update().filter(carrier=carrier).order_by("pk")
    shut = shut if kind is None else shut.filter(kind=kind)
    lifted = [one for one in shut if one.open_until or one.paused_until or one.failures]
    Breaker.objects.filter(pk__in=[one.pk for one in lifted]).update(failures=0, open_until=None, paused_until=None)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lines_carrierhealth SET next_call_at = least(next_call_at, clock_timestamp())"
            " WHERE carrier_id = %s",
            [carrier.pk],
        )
    if lifted:
        record(
            by=by,
            verb="carrier.lifted",
            subject=f"carrier:{carrier.name}",
            detail={"kinds": sorted(one.kind for one in lifted)},
        )
    return len(lifted)
