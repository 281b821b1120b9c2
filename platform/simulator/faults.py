"""Faults on request: which calls they hit, how often, and what they do to an answer."""

import datetime as dt
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, get_args

import msgspec

from .calls import Call
from .digits import mix
from .fleet import OTHERS, Carrier
from .store import Store

Before = Literal["delay", "hang", "drop_before", "error", "expire_token", "html", "stale", "overlap"]
After = Literal[
    "drop_after",
    "hang_after",
    "truncate",
    "trailing_comma",
    "usage_text",
    "usage_negative",
    "usage_null",
    "usage_huge",
    "usage_fraction",
    "update_ahead",
    "pages",
    "missing_iccid",
    "unknown_status",
    "repeat",
]
BEFORE: frozenset[str] = frozenset(get_args(Before))
AFTER: frozenset[str] = frozenset(get_args(After))
_CONNECTION = ("drop_after", "hang_after")
_USAGE = ("usage_data", "ctdDataUsage", "volume", "bytes", "uploadByteSizeTotal", "usage_kb", "data_total", "data")
_STATUS = ("sim_state", "status", "state")
_ICCID = ("iccid", "sim", "simId")
_NEEDS = {"missing_iccid": _ICCID} | dict.fromkeys(("usage_text", "usage_negative", "usage_null"), _USAGE)


class Fault(msgspec.Struct, omit_defaults=True):
    """A fault and its scope; what is left out matches everything. See the README for what each kind takes."""

    kind: Before | After
    fault_id: int = 0
    carrier: Carrier | None = None
    verb: str | None = None
    path: str | None = None
    iccid: str | None = None
    count: int | None = None
    skip: int = 0
    for_seconds: float | None = None
    until: float | None = None
    share: float = 1.0
    seconds: float = 0.0
    status: int = 500
    retry_after: float | None = None
    retry_as_date: bool = False
    rows: int = 1
    row: int = 0
    word: str = "MAINTENANCE_HOLD"
    fired: int = 0

    def matches(self, call: Call) -> bool:
        """Whether a call is in scope; the ICCID of a row in an answer is looked at later."""
        if self.carrier not in (None, call.carrier) or self.verb not in (None, call.verb):
            return False
        if self.path is None:
            return True
        whole = f"{call.path}?{call.query}" if call.query else call.path
        return re.search(self.path, whole) is not None or re.search(self.path, f"{whole}#{call.verb}") is not None


class Faults:
    """The faults in force, oldest first, kept in the store with what is left of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        decoder = msgspec.json.Decoder(Fault)
        self.active: dict[int, Fault] = {int(name): decoder.decode(body) for name, body in store.shelf("fault")}

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        if fault.path is not None:
            re.compile(fault.path)
        fault.fault_id = max(self.active, default=0) + 1
        if fault.for_seconds is not None:
            fault.until = time.time() + fault.for_seconds
        self.active[fault.fault_id] = fault
        self._save(fault)
        return fault

    def remove(self, fault_id: int) -> bool:
        """Take one fault away."""
        self._store.remove("fault", str(fault_id))
        return self.active.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Take all faults away."""
        for fault_id in list(self.active):
            self.remove(fault_id)

    def _save(self, fault: Fault) -> None:
        self._store.put("fault", str(fault.fault_id), msgspec.json.encode(fault))

    def take(self, call: Call, kinds: Iterable[str], fits: Callable[[Fault], bool]) -> list[Fault]:
        """The faults that hit this call now, each used up by one."""
        taken = []
        for fault in list(self.active.values()):
            if fault.until is not None and fault.until <= time.time():
                self.remove(fault.fault_id)
            elif fault.kind in kinds and fault.matches(call) and fits(fault) and self._spend(fault):
                call.faults = [*call.faults, fault.kind]
                taken.append(fault)
        return taken

    def _spend(self, fault: Fault) -> bool:
        if fault.skip > 0:
            fault.skip -= 1
            self._save(fault)
            return False
        fault.fired += 1
        hit = mix(fault.fault_id << 32 | fault.fired) % 1_000_000 < fault.share * 1_000_000
        if hit and fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                self.remove(fault.fault_id)
                return True
        self._save(fault)
        return hit

    def before(self, call: Call) -> list[Fault]:
        """The faults that come before the carrier acts."""
        if not self.active:
            return []
        return self.take(call, BEFORE, lambda fault: fault.iccid in (None, call.iccid))

    def after(self, call: Call, body: bytes) -> tuple[bytes, list[Fault]]:
        """The answer as the faults leave it, and those that concern the connection."""
        if not any(fault.kind in AFTER for fault in self.active.values()):
            return body, []
        taken = self.take(call, AFTER, lambda fault: _concerns(fault, call, body))
        for fault in taken:
            body = spoiled(body, fault)
        return body, [fault for fault in taken if fault.kind in _CONNECTION]


def _concerns(fault: Fault, call: Call, body: bytes) -> bool:
    if (needed := _NEEDS.get(fault.kind)) and call.carrier in OTHERS:
        return any(_has(row, name) for row in _all_rows(_decoded(body)) for name in needed)
    if fault.iccid in (None, call.iccid):
        return True
    return any(row.get("iccid") == fault.iccid for row in _rows(_decoded(body)))


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def _rows(data: Any) -> list[dict[str, Any]]:
    """The SIMs in an answer: of a page, of an array, or the one that it is."""
    if isinstance(data, dict):
        sims = data.get("sims")
        return sims if isinstance(sims, list) else [data]
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def _all_rows(data: Any) -> Iterator[dict[str, Any]]:
    """Every object in an answer, from the outside in."""
    if isinstance(data, dict):
        yield data
    for inner in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _all_rows(inner)


def spoiled(body: bytes, fault: Fault) -> bytes:
    """An answer with one fault done to it."""
    if fault.kind == "truncate":
        return body[: len(body) // 2]
    if fault.kind == "trailing_comma":
        cut = max(body.rfind(b"}"), 0)
        return body[:cut] + b"," + body[cut:]
    data = _decoded(body)
    if (needed := _NEEDS.get(fault.kind)) and not _rows_have(data, needed):
        for row in _all_rows(data):
            if any(_has(row, name) for name in needed):
                _spoil_row(row, fault)
                return msgspec.json.encode(data)
    rows = _rows(data)
    if not rows:
        return fault.word.encode() if fault.kind == "unknown_status" else body
    wanted = [row for row in rows if row.get("iccid") == fault.iccid]
    row = wanted[0] if wanted else rows[min(fault.row, len(rows) - 1)]
    if fault.kind == "pages":
        if isinstance(data, dict) and "total_pages" in data:
            data["total_pages"] = fault.rows
    elif fault.kind == "repeat":
        rows.append(dict(row))
        if isinstance(data, dict) and "records" in data:
            data["records"] = len(rows)
    else:
        _spoil_row(row, fault)
    return msgspec.json.encode(data)


def _rows_have(data: Any, names: tuple[str, ...]) -> bool:
    """Whether the SIMs themselves have such a field, and not what lies within them."""
    return any(_has(row, name) for row in _rows(data) for name in names)


def _has(row: dict[str, Any], name: str) -> bool:
    """Whether a field is there and holds a figure or a word: `data` is what others call a whole answer."""
    return name in row and not isinstance(row[name], dict | list)


def _spoil_row(row: dict[str, Any], fault: Fault) -> None:
    usage = next((key for key in _USAGE if _has(row, key)), None)
    status = next((key for key in _STATUS if key in row), None)
    match fault.kind:
        case "missing_iccid":
            for name in _ICCID:
                row.pop(name, None)
        case "usage_text" if usage:
            row[usage] = f"{row[usage]} MB" if isinstance(row[usage], str) else str(row[usage])
        case "usage_negative" if usage:
            less = -max(1, abs(int(float(row[usage]))))
            row[usage] = str(less) if isinstance(row[usage], str) else less
        case "usage_null" if usage:
            row[usage] = None
        case "usage_huge" if usage:
            row[usage] = 2**63
        case "usage_fraction" if usage:
            row[usage] += 0.5
        case "update_ahead" if "last_update" in row:
            ahead = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=fault.seconds)
            row["last_update"] = f"{ahead:%Y-%m-%d %H:%M:%S}"
        case "unknown_status" if status:
            row[status] = fault.word
