"""Asking carriers what the operator still has with them."""

from __future__ import annotations

import logging

from lines.carriers import CLIENTS
from lines.carriers.base import CarrierFailure
from lines.commands.funds import is_due, keep_funds
from lines.models import Carrier
from lines.work.clients import client_for

log = logging.getLogger(__name__)


def read_funds(carrier: Carrier, *, patience: float) -> bool:
    """Asks once an hour, and at the next bell where there was no answer; whether it was read."""
    if not CLIENTS[carrier.kind].abilities.tells_funds or not is_due(carrier=carrier):
        return False
    try:
        funds = client_for(carrier, patience=patience).get_funds()
    except CarrierFailure as failure:
        log.warning("the balance with %s was not read: %s", carrier.name, failure)
        return False
    keep_funds(carrier=carrier, funds=funds)
    return True
