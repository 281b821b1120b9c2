"""What is set of a carrier after it is known: its address, pace, cycle day, APN, and what our account there may do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from kit import clock, crypto
from kit.errors import Invalid
from kit.outside import is_listed

from accounts.commands import record
from accounts.policy import Actor, ActorKind
from lines import counting, policy
from lines.carriers import CLIENTS
from lines.carriers.base import MEANINGS
from lines.carriers.fields import LONGEST_WORD
from lines.commands.carriers import ask_address, needs_second_person
from lines.models import Carrier, CycleDay, Line

LONGEST = 100  # characters of an APN, its user and its password
MOST_WORDS = 50
UNTOLD = "apn_password"  # in events


@transaction.atomic
def tune_carrier(
    *,
    carrier: Carrier,
    by: Actor,
    url: str | None = None,
    read_every: int | None = None,
    apn: str | None = None,
    apn_user: str | None = None,
    apn_password: str | None = None,
    bulk_edits: bool | None = None,
    cycle_day: int | None = None,
    calls_per_second: float | None = None,
    calls_per_minute: int | None = None,
    calls_per_day: int | None = None,
    words: Mapping[str, str] | None = None,
    sms_version: str | None = None,
    asks: Mapping[str, str] | None = None,
    device_edits: bool | None = None,
) -> Carrier:
    """Changes what is given, `read_every` in seconds; what is not stays. Of calls a minute and a day, 0 is no limit.

    Another address by a person of the back office waits for a second one. Harmless twice. Raises Invalid.
    """
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    given: dict[str, Any] = {
        "url": None if url is None else api_address(url=url, by=by),
        "read_every": None if read_every is None else _pace(read_every),
        "apn": None if apn is None else checked_apn(text=apn),
        "apn_user": None if apn_user is None else checked_apn_text(text=apn_user),
        "apn_password": None if apn_password is None else checked_apn_text(text=apn_password),
        "bulk_edits": None if bulk_edits is None else _may(carrier, bulk_edits),
        "calls_per_second": None if calls_per_second is None else _a_second(calls_per_second),
        "words": None if words is None else checked_words(kind=carrier.kind, words=words),
        "sms_version": None if sms_version is None else _version(carrier, sms_version),
        "calls_per_minute": None if calls_per_minute is None else _a_minute(calls_per_minute),
        "calls_per_day": None if calls_per_day is None else _a_day(calls_per_day),
        "asks": None if asks is None else checked_asks(kind=carrier.kind, asks=asks),
        "device_edits": None if device_edits is None else _may_edit(carrier, device_edits),
    }
    if cycle_day is not None and cycle_day != carrier.cycle_day:
        _turn_on(carrier, check_cycle_day(kind=carrier.kind, cycle_day=cycle_day), by)
    now = {name: getattr(carrier, name) for name in given} | {UNTOLD: carrier.opened_apn_password}
    after = {name: value for name, value in given.items() if value is not None and value != now[name]}
    for name, calls in (("calls_per_minute", calls_per_minute), ("calls_per_day", calls_per_day)):
        if calls == 0 and now[name] is not None:
            after[name] = None
    if "url" in after and needs_second_person(by=by):
        ask_address(carrier=carrier, url=after.pop("url"), by=by)
    if not after:
        return carrier
    told = [name for name in after if name != UNTOLD]
    before = {name: now[name] for name in told}
    for name, value in after.items():
        setattr(carrier, name, value)
    if after.get(UNTOLD):
        carrier.apn_password = crypto.encrypt(after[UNTOLD], row=f"carrier:{carrier.pk}")
    carrier.save(update_fields=list(after))
    record(
        by=by,
        verb="carrier.changed",
        subject=f"carrier:{carrier.name}",
        detail={"before": before, "after": {name: after[name] for name in told}},
    )
    return carrier


@dataclass(frozen=True, slots=True)
class CycleChange:
    """What another cycle day means: the cycle that is open now, when the next one begins instead, and whose it is."""

    open_since: dt.date
    was_until: dt.date
    is_until: dt.date
    lines: int

    @property
    def says(self) -> str:
        return (
            f"The cycle of {self.open_since:%-d %b %Y} stays open until {self.is_until:%-d %b %Y} instead of"
            f" {self.was_until:%-d %b %Y}, for {self.lines:,} lines. Nothing that is charged changes."
        )


def cycle_change(*, carrier: Carrier, cycle_day: int, today: dt.date, lines: int | None = None) -> CycleChange:
    """What would change; `lines`, where they are counted already. Raises Invalid."""
    check_cycle_day(kind=carrier.kind, cycle_day=cycle_day)
    around = counting.cycles_around(today, carrier.turns)
    following = policy.cycle_end(policy.cycle_start(today, cycle_day)) + dt.timedelta(days=1)
    lines = Line.objects.filter(carrier=carrier, payer__isnull=False).count() if lines is None else lines
    return CycleChange(around.running, around.following, following, lines)


def check_cycle_day(*, kind: str, cycle_day: int) -> int:
    """Raises Invalid."""
    client = CLIENTS[kind]
    if not 1 <= cycle_day <= 28:
        raise Invalid("A cycle begins on a day from 1 to 28: every month has those")
    if cycle_day != 1 and client.abilities.tells_cycle:
        raise Invalid(f"{client.title} says itself which month a counter is of; its cycles begin on the 1st")
    return cycle_day


def _turn_on(carrier: Carrier, cycle_day: int, by: Actor) -> None:
    """The cycle that is open goes on until the new day comes: no counter is read anew."""
    change = cycle_change(carrier=carrier, cycle_day=cycle_day, today=clock.today())
    before = carrier.cycle_day
    carrier.cycle_day, carrier.cycle_since, carrier.cycle_before = cycle_day, change.is_until, change.open_since
    carrier.save(update_fields=["cycle_day", "cycle_since", "cycle_before"])
    CycleDay.objects.create(carrier=carrier, cycle_day=cycle_day, decided_at=clock.now(), since=change.is_until)
    record(
        by=by,
        verb="carrier.cycle_day_changed",
        subject=f"carrier:{carrier.name}",
        detail={"before": before, "after": cycle_day, "from": change.is_until.isoformat()},
    )


def api_address(*, url: str, by: Actor) -> str:
    """An API's root as it is kept: at a host that the installation calls, since our credentials are sent there. Without
    a list of hosts the operator's own commands name them, and the back office takes those that are in use and those
    where the carriers that it knows have their APIs.

    Raises Invalid.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"{url!r} is no address of an API; write it like https://api.example.com")
    if parts.scheme == "http" and settings.ONLY_ENCRYPTED:
        raise Invalid("A carrier is called over HTTPS. Write the address with https://")
    hosts, host = settings.CARRIER_HOSTS, parts.hostname
    if not is_listed(host, hosts) and (hosts or by.kind is ActorKind.BACK_OFFICE):
        used = {urlsplit(one).hostname for one in Carrier.objects.values_list("url", flat=True)}
        used |= {urlsplit(client.address).hostname for client in CLIENTS.values()}
        if hosts or host not in used:
            raise Invalid(
                f"{host} is not a host that this installation calls. Your administrator adds it to CARRIER_HOSTS."
            )
    return url.rstrip("/")


def _pace(seconds: int) -> int:
    if not 5 <= seconds <= 86_400:
        raise Invalid("There are 5 to 86,400 seconds between two readings")
    return seconds


def _a_second(calls: float) -> float:
    if not 0.01 <= calls <= 1_000:
        raise Invalid("A carrier is called 0.01 to 1,000 times a second")
    return float(calls)


def _a_minute(calls: int) -> int | None:
    if not 0 <= calls <= 1_000_000:
        raise Invalid("Calls a minute are 1 to 1,000,000, or 0 for no limit")
    return calls or None


def _a_day(calls: int) -> int | None:
    if not 0 <= calls <= 1_000_000_000:
        raise Invalid("Calls a day are 1 to 1,000,000,000, or 0 for no limit")
    return calls or None


def checked_apn(*, text: str) -> str:
    """As networks allow it (3GPP TS 23.003, 9.1): labels of letters, digits and hyphens and dots. Raises Invalid."""
    text = text.strip()
    if text and (len(text) > LONGEST or not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text)):
        raise Invalid(f"An APN has up to {LONGEST} letters, digits, hyphens and dots, such as internet.example")
    return text


def checked_apn_text(*, text: str) -> str:
    """An APN's user or password. Raises Invalid."""
    text = text.strip()
    if len(text) > LONGEST or not text.isprintable():
        raise Invalid(f"An APN's user and password have up to {LONGEST} printable characters")
    return text


def checked_words(*, kind: str, words: Mapping[str, str]) -> dict[str, str]:
    """A network's words in small letters, each with what it means. Raises Invalid."""
    client = CLIENTS[kind]
    if words and not client.abilities.other_words:
        raise Invalid(f"{client.title}’s document lists all its words")
    if len(words) > MOST_WORDS:
        raise Invalid(f"A network has up to {MOST_WORDS} words of its own")
    found: dict[str, str] = {}
    for text, meaning in words.items():
        word = text.strip().lower()
        if not word or len(word) > LONGEST_WORD or not word.isprintable():
            raise Invalid(f"A network’s word has 1 to {LONGEST_WORD} printable characters")
        if meaning not in MEANINGS:
            raise Invalid(f"{text.strip()} can mean {', '.join(MEANINGS)}, not {meaning!r}")
        if word in client.words:
            raise Invalid(f"{text.strip()} is a word of {client.title} itself and keeps its meaning")
        if found.setdefault(word, meaning) != meaning:
            raise Invalid(f"{text.strip()} has two meanings")
    return found


def checked_asks(*, kind: str, asks: Mapping[str, str]) -> dict[str, str]:
    """The word that a network is asked for `on` and for `off`, in its own letters; none: the document's.

    Raises Invalid.
    """
    client = CLIENTS[kind]
    given = {wish.strip().lower(): word.strip() for wish, word in asks.items()}
    found = {wish: word for wish, word in given.items() if word}
    if found and not client.abilities.other_words:
        raise Invalid(f"{client.title}’s document lists all its words")
    if extra := sorted(set(given) - {"on", "off"}):
        raise Invalid(f"A network is asked for on and off, not for {extra[0][:40]!r}")
    for word in found.values():
        if len(word) > LONGEST_WORD or not word.isprintable():
            raise Invalid(f"A network’s word has 1 to {LONGEST_WORD} printable characters")
    return found


def _may_edit(carrier: Carrier, allowed: bool) -> bool:
    client = CLIENTS[carrier.kind]
    if allowed and not client.abilities.edits:
        raise Invalid(f"{client.title} has no call that edits what a SIM is called for some accounts only")
    return allowed


def _version(carrier: Carrier, text: str) -> str:
    """As the last part of an address. Raises Invalid."""
    text, client = text.strip(), CLIENTS[carrier.kind]
    if text and not client.abilities.other_words:
        raise Invalid(f"{client.title}’s messages have no version")
    if text and not re.fullmatch(r"[0-9A-Za-z_-][0-9A-Za-z_.-]{0,31}", text):
        raise Invalid("A version has up to 32 letters, digits, dots, hyphens and underscores, such as v1")
    return text


def _may(carrier: Carrier, allowed: bool) -> bool:
    client = CLIENTS[carrier.kind]
    if allowed and not client.abilities.switches_many:
        raise Invalid(f"{client.title} has no call that switches many SIMs at once")
    return allowed
