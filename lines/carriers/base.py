"""What every carrier is to us: readings of usage, a switch for each SIM, and three ways to fail.

A carrier's own words stop at its file; this one knows no carrier and no database.
"""
# ruff: noqa: ARG002 - what a carrier cannot do takes its arguments all the same

from __future__ import annotations

import datetime as dt
import enum
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from .terms import (
    LABELS as LABELS,
)
from .terms import (
    LONGEST_LABEL as LONGEST_LABEL,
)
from .terms import (
    MEANINGS as MEANINGS,
)
from .terms import (
    Abilities as Abilities,
)
from .terms import (
    Billed as Billed,
)
from .terms import (
    Card as Card,
)
from .terms import (
    Device as Device,
)
from .terms import (
    Dialect as Dialect,
)
from .terms import (
    Funds as Funds,
)
from .terms import (
    Location as Location,
)
from .terms import (
    Odd as Odd,
)
from .terms import (
    Page as Page,
)
from .terms import (
    Part as Part,
)
from .terms import (
    Reading as Reading,
)
from .terms import (
    Setting as Setting,
)
from .terms import (
    Sms as Sms,
)
from .terms import (
    SmsFate as SmsFate,
)
from .terms import (
    Status as Status,
)
from .terms import (
    Stock as Stock,
)
from .terms import (
    Switch as Switch,
)
from .terms import (
    tags_text as tags_text,
)

if TYPE_CHECKING:
    from .webhooks import Webhook


class CallKind(enum.StrEnum):
    """What a call is for. Each kind has a breaker of its own, so that trouble with one stops no other."""

    SWITCHING = "switching"
    READING = "reading"
    MESSAGES = "messages"
    SETTINGS = "settings"
    DEVICES = "devices"
    TOTALS = "totals"
    FUNDS = "funds"


class CarrierFailure(Exception):
    """A call did not do what was asked. The message is one sentence for an operator, without secrets.

    `about_one`: the carrier answered, and oddly about one SIM only: no sign that it is not well.
    """

    about_one = False


class Refused(CarrierFailure):
    """The carrier understood and said no, and will again. Nothing was changed."""


class Unreachable(CarrierFailure):
    """No answer that can be used, and nothing was changed: safe to call again, after `retry_after` seconds if given."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(CarrierFailure):
    """It may have acted or not (a time-out, a dropped connection, an unreadable answer): ask before acting again."""


class Malformed(Unreachable):
    """A read was answered with something else than the document promises; `body` is the raw answer, to quarantine."""

    def __init__(self, message: str, *, body: bytes) -> None:
        super().__init__(message)
        self.body = body


class Gate(Protocol):
    """What stands before every call: the carrier's shared budget and a circuit breaker for each kind of call."""

    def enter(self, kind: CallKind) -> None:
        """Waits for a free slot. Raises Unreachable when the kind's breaker is open or the day's calls are used up."""

    def succeeded(self, kind: CallKind) -> None: ...

    def failed(self, kind: CallKind, failure: CarrierFailure) -> None: ...

    def mended(self, route: str, body: bytes) -> None:
        """Keeps the raw body of an answer that was read though it is no strict JSON."""


class OpenGate:
    """No budget and no breaker: for tests and for one call by hand."""

    def enter(self, kind: CallKind) -> None: ...

    def succeeded(self, kind: CallKind) -> None: ...

    def failed(self, kind: CallKind, failure: CarrierFailure) -> None: ...

    def mended(self, route: str, body: bytes) -> None: ...


class CarrierClient(ABC):
    """One carrier's API over HTTP. Safe to use from several threads; keeps its connections alive until `close`."""

    kind: ClassVar[str]
    title: ClassVar[str]  # as people write it
    address: ClassVar[str] = ""  # where its API is, if that is the same for everybody
    calls_per_second: ClassVar[float]  # what its document allows, unless the operator knows better
    calls_per_minute: ClassVar[int | None] = None
    calls_per_day: ClassVar[int | None] = None
    words: ClassVar[Mapping[str, tuple[Switch, bool]]]  # what it says of a SIM, in small letters
    abilities: ClassVar[Abilities]
    secret_names: ClassVar[frozenset[str]]  # the credentials that it needs, by name
    webhook: ClassVar[Webhook | None] = None  # how it calls us when something has happened to a SIM

    @abstractmethod
    def __init__(
        self,
        *,
        url: str,
        secrets: Mapping[str, str],
        gate: Gate | None = None,
        timeout: float = 20.0,
        dialect: Dialect | None = None,
    ) -> None:
        """`timeout` is the whole call's deadline in seconds, redirects, retries and re-login included."""

    @abstractmethod
    def read_page(self, number: int, *, now: dt.datetime) -> Page:
        """A page of up to 250 SIMs, from 1. Raises Refused, Unreachable or Malformed."""

    @abstractmethod
    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        """One SIM's counter and state. Raises Refused (unknown SIM), Unreachable or Malformed."""

    @abstractmethod
    def final_total(self, iccid: str, month: dt.date) -> int:
        """Bytes of a finished month (its first day). Raises Refused, Unreachable or Malformed."""

    @abstractmethod
    def get_status(self, iccid: str) -> Status:
        """Raises Refused, Unreachable or Malformed."""

    @abstractmethod
    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """Turns a SIM on or off. The state that the carrier confirms, or None: accepted, to be read back.

        Raises Refused, Unreachable (nothing was done) or OutcomeUnknown.
        """

    def set_switches(self, iccids: Sequence[str], *, on: bool, name: str, callback: str) -> None:
        """Asks to turn many SIMs on or off; the carrier queues it under `name` and calls `callback` at its end.

        Nothing is promised of any SIM: each is read back. Raises Refused, Unreachable (nothing was done) or
        OutcomeUnknown.
        """
        raise self.cannot("switch many SIMs at once")

    def send_sms(self, iccid: str, text: str) -> Sms:
        """Sends a message to a device; an answer means that the carrier took it.

        Raises Refused, Unreachable (nothing was done) or OutcomeUnknown.
        """
        raise self.cannot("send messages")

    def list_sms(self, iccid: str, *, since: dt.datetime) -> tuple[Sms, ...]:
        """A SIM's messages of both directions from `since` on; older ones may stand among them.

        Raises Refused, Unreachable or Malformed.
        """
        raise self.cannot("list messages")

    def get_sms(self, iccid: str, ref: str) -> Sms:
        """One message, to see what became of it. Raises Refused, Unreachable or Malformed."""
        raise self.cannot("tell what became of a message")

    def get_device(self, iccid: str) -> Device:
        """Everything the carrier knows of a SIM. Raises Refused, Unreachable or Malformed."""
        raise self.cannot("describe a SIM")

    def get_funds(self) -> Funds:
        """What the operator still has with the carrier. Raises Refused, Unreachable or Malformed."""
        raise self.cannot("tell what is left of its balance")

    def get_bill(self, iccid: str, month: dt.date, *, now: dt.datetime) -> Billed:
        """What a SIM cost the operator in a finished month (its first day).

        Raises Refused, Unreachable or Malformed.
        """
        raise self.cannot("tell what a SIM cost")

    def set_setting(self, iccid: str, setting: Setting, value: str) -> str:
        """Sets one thing on a SIM, the same twice is once; the value that the carrier confirms.

        Raises Refused, Unreachable (nothing was done) or OutcomeUnknown.
        """
        raise self.cannot(f"set {setting}")

    def cannot(self, what: str) -> Refused:
        return Refused(f"{self.title} cannot {what}.")

    def read_stock(self, cursor: str = "") -> Stock:
        """A page of the SIMs that the carrier has, from the first. Raises Refused, Unreachable or Malformed."""
        raise self.cannot("list its SIMs")

    def reset_connection(self, iccid: str) -> None:
        """Makes a SIM's device connect anew. Raises Refused, Unreachable (nothing was done) or OutcomeUnknown."""
        raise self.cannot("reset a connection")

    @abstractmethod
    def close(self) -> None: ...
