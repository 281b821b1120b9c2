"""What adapters have in common: credentials, a wire, a token where there is one, and days that make a counter."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import Any, ClassVar, ParamSpec, TypeVar

import msgspec

from .base import CallKind, Card, CarrierClient, Dialect, Gate, Odd, Page, Reading, Refused, Status
from .deadline import Deadline
from .fields import NoJson, Unreadable, decoded
from .login import Headers as Headers
from .login import Login
from .wire import Call, Heard, Wire, fits_a_header, required

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

MOST_BYTES = 2**53
MEGABYTE = 1_000_000  # of carriers whose figures have six decimals: one of them is a byte


_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
_OPERATIONS = frozenset(
    (
        "read_stock", "read_line", "final_total", "get_status", "set_switch", "reset_connection", "get_device",
        "set_setting", "send_sms", "list_sms", "get_sms", "get_funds", "get_bill",
    )
)  # fmt: skip


def _at_once(operation: Callable[P, T]) -> Callable[P, T]:
    @wraps(operation)
    def within(*given: P.args, **named: P.kwargs) -> T:
        client: Any = given[0]
        token = _deadline.set(_deadline.get() or Deadline(client.timeout))
        try:
            return operation(*given, **named)
        finally:
            _deadline.reset(token)

    return within


class RestClient(CarrierClient):
    """A carrier whose SIMs are read one by one. An adapter says how it signs in and what its calls are."""

    timeout: float
    wire: Wire

    def __init__(
        self,
        *,
        url: str,
        secrets: Mapping[str, str],
        gate: Gate | None = None,
        timeout: float = 20.0,
        dialect: Dialect | None = None,  # noqa: ARG002 - its document leaves nothing open
    ) -> None:
        self.secrets = required(self.title, self.secret_names, secrets)
        for name, value in self.secrets.items():
            if not value.isprintable() or not value.isascii():
                raise Refused(f"{self.title}'s {name} has characters that no credential has.")
        headers = self.signed(self.secrets)
        hidden = [*self.secrets.values(), *(value.split()[-1] for value in headers.values())]
        self.wire = Wire(self.title, url=url, gate=gate, secrets=hidden, headers=headers)
        self.timeout = timeout
        self._login: Login | None = None
        self._door = self.wire
        if self.logs_in:
            if (door := self.login_address(url)) != url:
                self._door = Wire(self.title, url=door, gate=gate, secrets=hidden)
            names = " and ".join(sorted(self.secret_names))
            self._login = Login(
                self.wire, credentials=names, call=self.login_call, decode=self.token_in, door=self._door
            )

    # How it signs in

    logs_in: ClassVar[bool] = False

    def signed(self, secrets: Mapping[str, str]) -> Headers:  # noqa: ARG002 - none, unless the adapter says so
        """The headers that every call has, made of the credentials."""
        return {}

    def login_address(self, url: str) -> str:
        """Where the token is asked for, if that is another host than the API's."""
        return url

    def login_call(self, kind: CallKind) -> Call:
        """The call that asks for a token, where `logs_in`."""
        raise NotImplementedError

    def token_in(self, body: bytes) -> Headers:
        """The headers that calls have from then on. Raises Unreadable."""
        raise NotImplementedError

    def ask(self, call: Call, decode: Callable[[bytes], T], heard: Heard | None = None) -> T:
        """A call and its answer; what goes wrong is told apart by the wire."""
        way = self._login or self.wire
        return way.call(call, _deadline.get() or Deadline(self.timeout), decode, heard)

    def __init_subclass__(cls) -> None:
        """What takes several calls has one deadline for all of them."""
        for name in _OPERATIONS & vars(cls).keys():
            setattr(cls, name, _at_once(getattr(cls, name)))

    # What none of them can do

    def read_page(self, number: int, *, now: dt.datetime) -> Page:  # noqa: ARG002 - the interface
        raise Refused(f"{self.title} has no list of what its SIMs use; each is read by itself.")

    def final_total(self, iccid: str, month: dt.date) -> int:  # noqa: ARG002 - the interface
        raise Refused(f"{self.title} gives no totals of finished months.")

    def close(self) -> None:
        self.wire.close()
        self._door.close()


def basic(name: str, word: str) -> Headers:
    """HTTP Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()}


def bearer(token: str) -> Headers:
    """A token after its scheme word. Raises Unreadable for one that no header can have."""
    if not fits_a_header(token):
        raise Unreadable("the token cannot be sent in a header")
    return {"Authorization": f"Bearer {token}"}


def nothing_in(body: bytes) -> None:
    """An answer that says nothing: empty, or JSON that is not looked at. Raises Unreadable."""
    if body.strip():
        try:
            msgspec.json.decode(body)
        except (ValueError, RecursionError) as error:
            raise NoJson(str(error)) from error


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_NAMED = re.compile(rb'"(?:iccid|sim|simId)"\s*:\s*"([0-9A-Fa-f]{18,22})"')


def _raws_in(body: bytes) -> list[msgspec.Raw]:
    return decoded(_RAWS, body)


def cards_of(
    body: bytes | Sequence[msgspec.Raw], decoder: msgspec.json.Decoder[S], card: Callable[[S], Card]
) -> tuple[tuple[Card, ...], tuple[Odd, ...]]:
    """The SIMs of a list, each read by itself: one that cannot be read is set aside. Raises Unreadable."""
    cards, odd = list[Card](), list[Odd]()
    raws: Sequence[msgspec.Raw] = body if not isinstance(body, bytes) else _raws_in(body)
    for raw in raws:
        one = bytes(raw)
        try:
            cards.append(card(decoded(decoder, one)))
        except Unreadable as error:
            named = _NAMED.search(one)
            odd.append(Odd(named[1].decode() if named else None, str(error), one))
    return tuple(cards), tuple(odd)


# Usage that is told by days or by records, as the counter that everything else knows (docs/decisions, 0300)


def month_of(now: dt.datetime) -> tuple[dt.date, dt.date]:
    """The first day of the UTC month of `now`, and today."""
    today = now.astimezone(dt.UTC).date()
    return today.replace(day=1), today


def last_day(month: dt.date) -> dt.date:
    return (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)


def counter_of(days: Iterable[tuple[dt.date, int]], month: dt.date, *, once: bool = False) -> int:
    """The bytes of a month's days or records, those of other months left out.

    `once`: each day has one figure, and a second one leaves open which is true. Raises Unreadable.
    """
    total, seen = 0, set[dt.date]()
    for day, count in days:
        if count < 0:
            raise Unreadable("a day has used less than nothing")
        if once and day in seen:
            raise Unreadable("a day stands there twice")
        seen.add(day)
        if (day.year, day.month) == (month.year, month.month):
            total += count
    if total > MOST_BYTES:
        raise Unreadable("it has more bytes than a counter holds")
    return total


def reading_of(
    iccid: str,
    days: Iterable[tuple[dt.date, int]],
    month: dt.date,
    status: Status,
    *,
    once: bool = False,
    imei: str | None = None,
    msisdn: str | None = None,
    sms_usage: int | None = None,
    sms_mark: int | None = None,
) -> Reading:
    """A month's days or records as a reading: their sum, and each day's. Raises Unreadable."""
    told = list(days)
    counter, by_day = counter_of(told, month, once=once), Counter[dt.date]()
    for day, used in told:
        by_day[day] += used
    own = tuple((day, used) for day, used in sorted(by_day.items()) if day.replace(day=1) == month)
    return Reading(
        iccid, counter, month, status, imei=imei, msisdn=msisdn, sms_usage=sms_usage, sms_mark=sms_mark, days=own
    )


def bytes_of(megabytes: float) -> int:
    """Bytes of a figure in megabytes. Raises Unreadable."""
    if not 0 <= megabytes <= MOST_BYTES / MEGABYTE:
        raise Unreadable("a figure in MB is none")
    return round(megabytes * MEGABYTE)


def date_of(text: str) -> dt.date:
    """The day that a date or a time begins with. Raises Unreadable."""
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError as error:
        raise Unreadable("there is no such day") from error
