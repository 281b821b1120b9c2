"""Switching many lines by one call, at carriers where our account may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.conf import settings
from django.urls import reverse

from lines import policy
from lines.carriers.base import CarrierClient, CarrierFailure, OutcomeUnknown, Unreachable
from lines.commands import bulk
from lines.models import BulkEdit, Carrier, Line
from lines.work.reading import attempt
from lines.work.spending import switching


def order_switches(carrier: Carrier, client: CarrierClient, *, stop: Callable[[], bool]) -> list[str]:
    """Hands lines that are due to the carrier, many a call, until they are too few; says what went wrong.

    Without an address of ours that it could call back there is no such call, and lines are driven one by one.
    """
    if not (carrier.bulk_edits and client.abilities.switches_many and settings.CONSOLE_URL):
        return []
    errors: list[str] = []
    for on in (True, False):
        while not errors and not stop() and (edit := bulk.begin(carrier=carrier, on=on)):
            if error := _order(client, edit):
                errors.append(error)
    return errors


def _order(client: CarrierClient, edit: BulkEdit) -> str:
    """One call. What it says of the lines is for later: they are read back."""
    iccids = [line.called for line in Line.objects.filter(pk__in=edit.lines).order_by("pk")]
    name, address = edit.uuid.hex, callback_address(edit)
    with switching(on=edit.on):
        failure = attempt(lambda: client.set_switches(iccids, on=edit.on, name=name, callback=address))
    if isinstance(failure, CarrierFailure) and not isinstance(failure, OutcomeUnknown):
        bulk.not_done(edit=edit, error=str(failure), wait=_wait(failure))
        return str(failure)
    bulk.taken(edit=edit, doubt="" if failure is None else str(failure))
    return "" if failure is None else str(failure)


def _wait(failure: CarrierFailure) -> dt.timedelta | None:
    if not isinstance(failure, Unreachable):
        return None
    return max(policy.retry_after(1), dt.timedelta(seconds=failure.retry_after or 0))


def callback_address(edit: BulkEdit) -> str:
    """Where the carrier says that it is done."""
    return settings.CONSOLE_URL + reverse("carrier-called-back", args=[bulk.token_of(edit=edit)])
