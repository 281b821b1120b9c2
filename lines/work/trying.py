"""Trying a carrier's credentials before they are kept: one question, through the carrier's own gate."""

from __future__ import annotations

from collections.abc import Mapping

from kit.errors import Invalid

from lines import carriers
from lines.carriers.base import CarrierFailure, Refused
from lines.carriers.wire import Unauthorized
from lines.commands.carriers import checked_secrets
from lines.models import Carrier, Line
from lines.work.gate import CallGate

PATIENCE, TIMEOUT = 5.0, 10.0  # seconds
NOBODYS = "8900000000000000000"  # asked about where there is no line yet


def try_secrets(carrier: Carrier, secrets: Mapping[str, str]) -> None:
    """Asks the carrier for the status of one SIM with these credentials. Raises Invalid where it does not take them."""
    given = checked_secrets(kind=carrier.kind, secrets=secrets)
    iccid = Line.objects.filter(carrier=carrier).order_by("pk").values_list("iccid", flat=True).first() or NOBODYS
    gate = CallGate(carrier, patience=PATIENCE)
    try:
        client = carriers.open_client(carrier.kind, url=carrier.url, secrets=given, gate=gate, timeout=TIMEOUT)
        try:
            client.get_status(iccid)
        finally:
            client.close()
    except Unauthorized:
        raise Invalid(f"{carrier.name} does not take these credentials. The present ones stay.") from None
    except Refused:
        return  # it knows who asks, and has no such SIM
    except CarrierFailure as failure:
        raise Invalid(f"The credentials could not be tried: {failure}. The present ones stay.") from None
    finally:
        gate.close()
