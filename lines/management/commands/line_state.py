"""line_state ICCID STATE: a carrier's own state of a SIM that is not in use, such as INVENTORY or RETIRED."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.errors import NotFound
from kit.identifiers import asked
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.naming import STATES, ask_state
from lines.models import Line


class Command(OperatorCommand):
    help = "Ask a line's carrier for one of its own states. The line must be off; a worker asks until it is confirmed."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("iccid", metavar="ICCID")
        parser.add_argument("state", metavar="STATE", help=", ".join(STATES))

    def answer(self, **options: Any) -> dict[str, Any]:
        found = Line.objects.select_related("carrier", "state").filter(iccid__in=asked(options["iccid"])).first()
        if found is None:
            raise NotFound(f"There is no line {options['iccid']}")
        ask_state(line=found, state=options["state"], by=OPERATOR)
        return {"iccid": found.iccid, "asked": options["state"].upper(), "carrier_says": found.state.reported_word}
