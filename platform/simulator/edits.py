"""What may be changed on an IoT Portal SIM."""

from typing import Any

import msgspec

from .answers import Refusal
from .history import History
from .sim import Sim
from .world import with_status

STATUSES = frozenset(
    {"INVENTORY", "TEST_READY", "ACTIVATION_READY", "ACTIVATED", "DEACTIVATED", "RETIRED", "PURGED", "REPLACED"}
)
EDITABLE = frozenset({"status", "simNotes", "deviceID", "modemID", "endConsumerId", "ratePlan", "communicationPlan"})


def checked_status(wanted: dict[str, Any]) -> str:
    """The status that is asked for, or a 400."""
    word = wanted.get("status")
    if not isinstance(word, str) or word not in STATUSES:
        raise Refusal(400, "status is not one of " + ", ".join(sorted(STATUSES)))
    return word


def checked_edit(wanted: object) -> dict[str, Any]:
    """The fields of an edit, or a 400."""
    if not isinstance(wanted, dict) or not wanted or not wanted.keys() <= EDITABLE:
        raise Refusal(400, "an edit has some of " + ", ".join(sorted(EDITABLE)))
    if "status" in wanted:
        checked_status(wanted)
    if not all(isinstance(value, str) or value is None for value in wanted.values()):
        raise Refusal(400, "the fields of an edit are texts")
    return wanted


def edited(sim: Sim, wanted: dict[str, Any], at: int) -> History:
    """A SIM's history after an edit."""
    edits = {name: value for name, value in wanted.items() if name != "status"}
    changed = msgspec.structs.replace(sim.history, edits={**sim.history.edits, **edits})
    if "status" not in wanted:
        return changed
    return with_status(Sim(sim.card, changed, sim.settings), wanted["status"], at)
