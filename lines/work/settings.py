"""Setting things on SIMs: the carrier is asked until it confirms; the same twice is once, so no outcome is feared."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lines.carriers.base import CarrierFailure, Refused, Unreachable
from lines.carriers.wire import Unauthorized
from lines.commands import naming, settings
from lines.models import Carrier
from lines.work.clients import client_for
from lines.work.reading import attempt

AT_ONCE = 8


def set_due(carrier: Carrier, *, patience: float, stop: Callable[[], bool]) -> int:
    """Sets what is due at a carrier until nothing is or it is time to stop; says how many it confirmed."""
    client = client_for(carrier, patience=patience)
    naming.drop_states(carrier=carrier)
    confirmed = 0
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="set") as pool:
        while not stop():
            claimed = settings.claim_settings(carrier=carrier, limit=AT_ONCE)
            if not claimed:
                break
            answers = pool.map(
                lambda one: attempt(lambda: client.set_setting(one.iccid, one.setting, one.value)), claimed
            )
            for one, answer in zip(claimed, answers, strict=True):
                if isinstance(answer, CarrierFailure):
                    settings.setting_failed(
                        setting_id=one.pk,
                        value=one.value,
                        error=str(answer),
                        give_up=isinstance(answer, Refused) and not isinstance(answer, Unauthorized),
                        wait=answer.retry_after if isinstance(answer, Unreachable) else None,
                    )
                else:
                    settings.setting_confirmed(setting_id=one.pk, value=answer)
                    confirmed += 1
    return confirmed
