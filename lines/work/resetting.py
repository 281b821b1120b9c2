"""Making a line's device connect anew, for who waits: one call, and what became of it in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from kit.errors import Refusal

from accounts.commands import record
from accounts.policy import Actor
from lines.carriers import CLIENTS
from lines.carriers.base import CarrierFailure, OutcomeUnknown, Refused
from lines.commands.budget import take_ask
from lines.commands.daily import or_turn_away
from lines.commands.sms import LineNotActive, is_active
from lines.models import Line
from lines.policy.budget import Costly
from lines.work.clients import client_for
from lines.work.devices import PATIENCE, TIMEOUT
from lines.work.reading import attempt


class CannotReset(Refusal):
    """The line's connection was not reset; the message says why."""


@dataclass(frozen=True, slots=True)
class Reset:
    """What came of it; `is_confirmed`: the carrier took it, otherwise its answer was lost."""

    is_confirmed: bool
    says: str


def reset_connection(*, line: Line, by: Actor) -> Reset:
    """Asks the carrier to end the running session; says what came of it. Twice is harmless: the device connects again.
    Belongs in no transaction: the carrier is waited for, and what was counted stays counted.

    Raises CannotReset, LineNotActive, AskedTooOften, Unconfirmed, DayLimit.
    """
    if not CLIENTS[line.carrier.kind].abilities.resets:
        raise CannotReset("The line’s carrier cannot reset a connection. Restart the device instead.")
    if not line.carrier.is_active:
        raise CannotReset("The line’s carrier is paused. Try again later.")
    if not is_active(state=line.state):
        raise LineNotActive("Only an activated line has a connection. Activate the line first.")
    take_ask(line=line)
    with transaction.atomic():
        or_turn_away(line=line, kind=Costly.SETTING, by=by)
    client = client_for(line.carrier, patience=PATIENCE, timeout=TIMEOUT)
    failure = attempt(lambda: client.reset_connection(line.called))
    if isinstance(failure, CarrierFailure) and not isinstance(failure, OutcomeUnknown):
        why = "The carrier refused." if isinstance(failure, Refused) else "The carrier did not answer."
        raise CannotReset(f"Connection not reset. {why} Try again in a minute.")
    with transaction.atomic():
        record(by=by, verb="line.connection_reset", account_id=line.account_id, subject=f"line:{line.iccid}")
    if failure is not None:
        return Reset(False, "Reset requested. The carrier has not confirmed it. The device may reconnect in a minute.")
    return Reset(True, "Connection reset. The device reconnects in a minute.")
