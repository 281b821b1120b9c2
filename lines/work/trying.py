"""Trying a carrier's credentials before they are kept: one question, through the carrier's own gate."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kit import crypto
from kit.errors import Invalid

from accounts.policy import Actor
from lines import carriers
from lines.carriers.base import MEANINGS, CarrierFailure, Dialect, Refused
from lines.carriers.wire import Unauthorized
from lines.commands.carriers import checked_secrets
from lines.commands.tuning import api_address, checked_words
from lines.models import Carrier, Line
from lines.work.gate import CallGate

PATIENCE, TIMEOUT = 5.0, 10.0  # seconds
NOBODYS = "8900000000000000000"  # asked about where there is no line yet


def try_secrets(carrier: Carrier, secrets: Mapping[str, str]) -> None:
    """Asks the carrier for the status of one SIM with these credentials. Raises Invalid where it does not take them."""
    given = checked_secrets(kind=carrier.kind, secrets=secrets)
    line = Line.objects.filter(carrier=carrier).order_by("pk").first()
    gate = CallGate(carrier, patience=PATIENCE)
    try:
        client = carriers.open_client(carrier.kind, url=carrier.url, secrets=given, gate=gate, timeout=TIMEOUT)
        try:
            client.get_status(line.called if line else NOBODYS)
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


def try_new(*, kind: str, url: str, secrets: Mapping[str, str], by: Actor) -> None:
    """Asks a carrier that is not known yet for the status of one SIM. Raises Invalid where it does not take these."""
    title = carriers.CLIENTS[kind].title
    given = checked_secrets(kind=kind, secrets=secrets)
    try:
        client = carriers.open_client(kind, url=api_address(url=url, by=by), secrets=given, timeout=TIMEOUT)
        try:
            client.get_status(NOBODYS)
        finally:
            client.close()
    except Unauthorized:
        raise Invalid(f"{title} does not take these credentials. Nothing is kept.") from None
    except Refused:
        return  # it knows who asks, and has no such SIM
    except CarrierFailure as failure:
        raise Invalid(f"The credentials could not be tried: {failure} Nothing is kept.") from None


def try_words(carrier: Carrier, words: Mapping[str, str]) -> list[str]:
    """Asks the carrier about one line for each new word that a line was last said to have; what came of each word.

    Raises Invalid where a word cannot be one, and where the carrier does not answer.
    """
    given = checked_words(kind=carrier.kind, words=words)
    new = {word: meaning for word, meaning in given.items() if carrier.words.get(word) != meaning}
    lines = {word: Line.objects.filter(carrier=carrier, state__reported_word__iexact=word) for word in new}
    asked = {word: lines[word].order_by("pk").first() for word in new}
    said = [f"{word} = {new[word]}: no line has it now" for word, line in asked.items() if line is None]
    some = {word: line for word, line in asked.items() if line is not None}
    if not some:
        return said
    gate = CallGate(carrier, patience=PATIENCE)
    secrets = json.loads(crypto.decrypt(carrier.secrets, row=f"carrier:{carrier.pk}"))
    dialect = Dialect(tuple(sorted(given.items())), carrier.sms_version)
    try:
        client = carriers.open_client(
            carrier.kind, url=carrier.url, secrets=secrets, gate=gate, timeout=TIMEOUT, dialect=dialect
        )
        try:
            for word, line in some.items():
                status = client.get_status(line.called)
                is_so = (status.switch, status.blocked) == MEANINGS[new[word]] and status.word.strip().lower() == word
                now = "says so" if is_so else f"says {status.word} now"
                said.append(f"{word} = {new[word]}: {lines[word].count():,} lines, {line.iccid} {now}")
        finally:
            client.close()
    except CarrierFailure as failure:
        raise Invalid(f"The words could not be tried: {failure}. The present ones stay.") from None
    finally:
        gate.close()
    return said
