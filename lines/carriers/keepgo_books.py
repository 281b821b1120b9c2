"""What Keepgo keeps of an account beside its SIMs: balance, payments, past days, sessions, and what each day cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from .base import CallKind, Malformed, Refused
from .fields import Iccid, Unreadable, checked_iccid, decoded
from .keepgo import KILOBYTE, PAGE_SIZE, Keepgo
from .rest import MOST_BYTES, date_of
from .wire import Call, Unauthorized

T = TypeVar("T")
MOST_PAGES = 100_000
MOST_USD = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has ended."""

    started_at: dt.datetime
    ended_at: dt.datetime
    country: str
    used: int


class _Account(msgspec.Struct):
    """Keepgo: the account itself"""

    name: str
    current_balance: Decimal | None = None


class _Listed(msgspec.Struct):
    data: list[msgspec.Raw]
    total: int


class _Payment(msgspec.Struct):
    """Keepgo: balance_payments, data[]"""

    date: str
    amount: Decimal


class _Holder(msgspec.Struct):
    """Keepgo: accounts, data[]"""

    name: str


class _Day(msgspec.Struct):
    """Keepgo: daily_statistics"""

    date: str
    usage_kb: Decimal


class _Session(msgspec.Struct):
    """Keepgo: sessions, data[]"""

    start_date: str
    usage_kb: Decimal
    end_date: str | None = None
    country_code: str | None = None


class _Charge(msgspec.Struct):
    """Keepgo: balance_usages, data[]"""

    date: str
    iccid: Iccid
    amount: Decimal


class _Cycle(msgspec.Struct):
    """Keepgo: bill_cycle_list, data[]"""

    billing_cycle: str


_ACCOUNT = msgspec.json.Decoder(_Account)
_LISTED = msgspec.json.Decoder(_Listed)
_PAYMENT = msgspec.json.Decoder(_Payment)
_HOLDER = msgspec.json.Decoder(_Holder)
_DAYS = msgspec.json.Decoder(list[_Day])
_SESSION = msgspec.json.Decoder(_Session)
_CHARGE = msgspec.json.Decoder(_Charge)
_CYCLE = msgspec.json.Decoder(_Cycle)


def account_of(client: Keepgo) -> tuple[str, Decimal | None]:
    """Keepgo: the account itself: its name, and what is available; None where it is not told."""
    found = client.ask(Call("GET", "", kind=CallKind.TOTALS), lambda body: decoded(_ACCOUNT, body))
    balance = found.current_balance
    return found.name, None if balance is None else _money(balance)


def payments_of(client: Keepgo) -> list[tuple[dt.date, Decimal]]:
    """Keepgo: balance_payments"""
    rows = _every(client, "/balance_payments", {}, _PAYMENT)
    return [(date_of(row.date), _money(row.amount)) for row in rows]


def subaccounts_of(client: Keepgo) -> list[str] | None:
    """Keepgo: accounts: names of sub-accounts, also of those without a SIM; None where it does not tell them."""
    try:
        return [row.name.strip() for row in _every(client, "/accounts", {}, _HOLDER) if row.name.strip()]
    except Unauthorized:
        raise
    except (Malformed, Refused):  # its form is not known for certain
        return None


def cycles_of(client: Keepgo, iccid: str, *, months: int, today: dt.date) -> list[dt.date]:
    """Keepgo: bill_cycle_list; where it cannot be read, so many months back. The first days, the running one first."""
    wanted = [today.replace(day=1)]
    while len(wanted) < months + 1:
        wanted.append((wanted[-1] - dt.timedelta(days=1)).replace(day=1))
    try:
        told = _every(client, f"/sim_card/{checked_iccid(iccid)}/bill_cycle_list", {}, _CYCLE)
        known = {date_of(f"{cycle.billing_cycle}-01") for cycle in told}
    except Unauthorized:
        raise
    except (Malformed, Refused, Unreadable):  # its form is not known for certain
        return wanted
    return [wanted[0], *(month for month in wanted[1:] if month in known)]


def days_of(client: Keepgo, iccid: str, month: dt.date) -> dict[dt.date, int]:
    """Keepgo: daily_statistics of a cycle: bytes by day."""
    path = f"/sim_card/{checked_iccid(iccid)}/daily_statistics"
    call = Call("GET", path, params={"billing_cycle": f"{month:%Y-%m}"}, kind=CallKind.TOTALS)
    return client.ask(call, lambda body: _days_in(body, month))


def _days_in(body: bytes, month: dt.date) -> dict[dt.date, int]:
    found: dict[dt.date, int] = {}
    for row in decoded(_DAYS, body):
        day = date_of(row.date)
        if day in found:
            raise Unreadable("a day stands there twice")
        if day.replace(day=1) != month:
            raise Unreadable("a day is of another cycle")
        found[day] = _bytes(row.usage_kb)
    return found


def sessions_of(client: Keepgo, iccid: str, month: dt.date) -> list[Session]:
    """Keepgo: sessions of a cycle, those that have ended."""
    params = {"billing_cycle": f"{month:%Y-%m}"}
    rows = _every(client, f"/sim_card/{checked_iccid(iccid)}/sessions", params, _SESSION)
    return [
        Session(_moment(row.start_date), _moment(row.end_date), (row.country_code or "")[:2], _bytes(row.usage_kb))
        for row in rows
        if row.end_date
    ]


def charges_of(client: Keepgo, first: dt.date, last: dt.date) -> dict[tuple[str, dt.date], Decimal] | None:
    """Keepgo: balance_usages: what each SIM was charged on each day; None where it does not tell it so."""
    params = {"start_date": first.isoformat(), "end_date": last.isoformat()}
    found: dict[tuple[str, dt.date], Decimal] = {}
    try:
        for row in _every(client, "/balance_usages", params, _CHARGE):
            key = row.iccid, date_of(row.date)
            found[key] = found.get(key, Decimal(0)) + _money(row.amount)
    except Unauthorized:
        raise
    except (Malformed, Refused):
        return None
    return found


def _every(client: Keepgo, path: str, params: dict[str, str], decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
    """All rows of a list, page by page."""
    seen = 0
    for page in range(1, MOST_PAGES):
        asked: dict[str, str | int] = {**params, "page": page, "per_page": PAGE_SIZE}
        call = Call("GET", path, params=asked, kind=CallKind.TOTALS, of_one=False)
        rows, total = client.ask(call, _read(decoder))
        yield from rows
        seen += len(rows)
        if not rows or seen >= total:
            return


def _read(decoder: msgspec.json.Decoder[T]) -> Callable[[bytes], tuple[list[T], int]]:
    def read(body: bytes) -> tuple[list[T], int]:
        listed: Any = decoded(_LISTED, body)
        return [decoded(decoder, bytes(raw)) for raw in listed.data], listed.total

    return read


def _money(amount: Decimal) -> Decimal:
    """USD with six decimals. Raises Unreadable."""
    if not amount.is_finite() or abs(amount) >= MOST_USD:
        raise Unreadable("an amount is none")
    return amount.quantize(Decimal("0.000001"))


def _bytes(kilobytes: Decimal) -> int:
    if not kilobytes.is_finite() or not 0 <= kilobytes <= MOST_BYTES // KILOBYTE:
        raise Unreadable("a figure in kB is none")
    return int((kilobytes * KILOBYTE).to_integral_value())


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise Unreadable("there is no such moment") from error
