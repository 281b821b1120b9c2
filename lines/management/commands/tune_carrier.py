"""tune_carrier NAME [--url URL] [--read-every N] [--apn APN] [--apn-user U] [--apn-password P] [--bulk-edits yes|no]
[--word WORD=MEANING]... [--ask on|off=WORD]... [--device-edits yes|no] [--sms-version V]
[--cycle-day N [--only-look]]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit import clock
from kit.errors import Invalid, NotFound
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.carriers import pause_carrier
from lines.commands.tuning import cycle_change, tune_carrier
from lines.models import Carrier
from lines.work.trying import try_words


class Command(OperatorCommand):
    help = "Change a carrier's address, pace, APN, or what our account there may do. What is not given stays."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--url", metavar="URL", help="the API's root")
        parser.add_argument("--read-every", type=int, metavar="SECONDS", help="between two readings of all its lines")
        parser.add_argument("--calls-per-second", type=float, metavar="N")
        parser.add_argument("--calls-per-minute", type=int, metavar="N", help="0 for no limit")
        parser.add_argument("--calls-per-day", type=int, metavar="N", help="0 for no limit")
        state = parser.add_mutually_exclusive_group()
        state.add_argument("--pause", action="store_true", help="nothing more is read or asked; what is wanted waits")
        state.add_argument("--resume", action="store_true")
        parser.add_argument("--apn", metavar="APN", help="of 2G, 3G and LTE, where the carrier says none; '' for none")
        parser.add_argument("--apn-user", metavar="USER")
        parser.add_argument("--apn-password", metavar="PASSWORD")
        parser.add_argument(
            "--bulk-edits", choices=["yes", "no"], help="our account may switch many SIMs by one call (BulkEditDevice)"
        )
        parser.add_argument(
            "--word",
            action="append",
            metavar="WORD=MEANING",
            help="a network's own word for a SIM's state, with on, off, ready or ended; an empty MEANING forgets it",
        )
        parser.add_argument(
            "--ask",
            action="append",
            metavar="on|off=WORD",
            help="the word that the network is asked for on or off; an empty WORD for the usual one",
        )
        parser.add_argument(
            "--device-edits", choices=["yes", "no"], help="our account may edit what SIMs are called (EditDevice)"
        )
        parser.add_argument(
            "--sms-version", metavar="V", help="the last part of SendSMS's address; '' for the usual one"
        )
        parser.add_argument(
            "--cycle-day", type=int, metavar="N", help="day of the month on which its counters begin anew (1 to 28)"
        )
        parser.add_argument(
            "--only-look", action="store_true", help="say what another cycle day would change; change nothing"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        carrier = Carrier.objects.filter(name=options["name"]).first()
        if carrier is None:
            raise NotFound(f"There is no carrier named {options['name']!r}")
        day = options["cycle_day"]
        change = None if day is None else cycle_change(carrier=carrier, cycle_day=day, today=clock.today()).says
        if options["only_look"]:
            return {"carrier": carrier.name, "cycle_day": carrier.cycle_day, "would": change}
        bulk = options["bulk_edits"]
        words, tried = self._words(carrier, options["word"])
        names = (
            "url",
            "read_every",
            "apn",
            "apn_user",
            "apn_password",
            "calls_per_second",
            "calls_per_minute",
            "calls_per_day",
            "sms_version",
        )
        given = {name: options[name] for name in names}
        if given["apn_password"] is not None:
            given["apn_password"] = self.secret(given["apn_password"])
        carrier = tune_carrier(
            carrier=carrier,
            by=OPERATOR,
            cycle_day=day,
            bulk_edits=None if bulk is None else bulk == "yes",
            words=words,
            asks=self._asks(carrier, options["ask"]),
            device_edits=None if options["device_edits"] is None else options["device_edits"] == "yes",
            **given,
        )
        if options["pause"] or options["resume"]:
            carrier = pause_carrier(carrier=carrier, paused=options["pause"], by=OPERATOR)
        shown = {name: getattr(carrier, name) for name in names if name != "apn_password"}
        told: dict[str, Any] = {
            "bulk_edits": carrier.bulk_edits,
            "cycle_day": carrier.cycle_day,
            "paused": not carrier.is_active,
        }
        told |= {"asks": carrier.asks, "device_edits": carrier.device_edits, "words": carrier.words}
        told |= {"words_tried": tried} if tried else {}
        return {"carrier": carrier.name, **shown, **told} | ({"changed": change} if change else {})

    def _asks(self, carrier: Carrier, given: list[str] | None) -> dict[str, str] | None:
        if not given:
            return None
        asks = dict(carrier.asks)
        for one in given:
            wish, separator, word = one.partition("=")
            if not separator:
                raise Invalid(f"--ask {one} has no word; write it as on=WORD or off=WORD")
            asks[wish.strip().lower()] = word.strip()
        return asks

    def _words(self, carrier: Carrier, given: list[str] | None) -> tuple[dict[str, str] | None, list[str]]:
        """The table with what is given, and what came of trying it."""
        if not given:
            return None, []
        words = dict(carrier.words)
        for one in given:
            word, separator, meaning = one.rpartition("=")
            if not separator:
                raise Invalid(f"--word {one} has no meaning; write it as WORD=on, off, ready or ended")
            words.pop(word.strip().lower(), None)
            if meaning.strip():
                words[word.strip().lower()] = meaning.strip().lower()
        return words, try_words(carrier, words)
