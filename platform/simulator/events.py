"""The control calls that make something happen to SIMs. Each takes one object, or a list."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request

from .answers import Refusal
from .digits import imei as made_imei
from .digits import imeisv
from .fleet import CARRIERS, Carrier
from .history import Extra, History, LateReset, QuietChange
from .instants import SECOND, iso, month_of, month_start, parse, parse_month
from .sim import Sim
from .world import World, with_imei, with_status

Row = dict[str, Any]


def instant_of(world: World, text: str | None) -> int:
    """The instant of an ISO time, or now."""
    return world.now() if text is None else parse(text)


def carrier_of(text: str | None) -> Carrier | None:
    """A carrier's name, or None for all."""
    if text is None:
        return None
    for carrier in CARRIERS:
        if carrier == text:
            return carrier
    raise Refusal(400, f"no carrier is called {text!r}")


def one_sim(world: World, row: Mapping[str, Any]) -> Sim:
    """The SIM that a row names, or a 404."""
    sim = world.find(str(row["iccid"]))
    if sim is None:
        raise Refusal(404, f"no SIM has the ICCID {row['iccid']}")
    return sim


def named_sims(world: World, row: Row) -> Iterable[Sim]:
    """The SIMs that a row names: one, some, a carrier's, or with `all` the fleet."""
    if "iccid" in row:
        return [one_sim(world, row)]
    if "iccids" in row:
        return [one_sim(world, {"iccid": iccid}) for iccid in row["iccids"]]
    if "carrier" in row or row.get("all"):
        return world.sims(carrier_of(row.get("carrier")))
    raise Refusal(400, "name SIMs by iccid, iccids, carrier or all")


def _changing(
    how: Callable[[World, Sim, Row], History], fields: set[str], about: str = ""
) -> Callable[[World, Request, Any], object]:
    """A control call that gives each named SIM a new history, all or none; `about`: of which its carrier tells."""

    def call(world: World, _request: Request, data: Any) -> object:
        changed: dict[str, tuple[Sim, History]] = {}
        for row in data if isinstance(data, list) else [data]:
            _only(row, fields)
            for found in named_sims(world, row):
                before = changed.get(found.card.iccid)
                sim = Sim(found.card, before[1], world.settings) if before else found
                changed[sim.card.iccid] = (sim, how(world, sim, row))
        world.write(changed.values())
        for sim, _ in changed.values() if about else ():
            world.rings.happened(sim, about, world.now())
        return {"changed": len(changed)}

    return call


def _only(row: Row, fields: set[str]) -> None:
    unknown = row.keys() - fields - {"iccid", "iccids", "carrier", "all"}
    if unknown:
        raise Refusal(400, f"unknown: {', '.join(sorted(unknown))}")


def _whole(row: Row, name: str, least: int = 0, default: int | None = None) -> int:
    value = row.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise Refusal(400, f"{name} is not a whole number from {least}")
    return value


def _last_instant(month: int) -> int:
    return month_start(month + 1) - 1


def _extra(sim: Sim, extra: Extra) -> History:
    return msgspec.structs.replace(sim.history, extras=(*sim.history.extras, extra))


def _bytes(world: World, sim: Sim, row: Row) -> History:
    """Exact bytes, now, at a time, or late into a finished month (its last instant)."""
    now = world.now()
    at = now
    if "at" in row:
        at = parse(row["at"])
    elif "month" in row:
        at = min(now, _last_instant(parse_month(row["month"])))
    sessions, zero = _whole(row, "sessions", default=0), _whole(row, "zero_sessions", default=0)
    return _extra(sim, Extra(at, max(now, at), _whole(row, "bytes", default=0), sessions, zero))


def _correction(world: World, sim: Sim, row: Row) -> History:
    """Bytes off the month that the carrier shows, or off another; never below zero."""
    now, taken = world.now(), _whole(row, "bytes", 1)
    at = sim.last_record(now + 1, now)
    if "month" in row:
        at = min(now, _last_instant(parse_month(row["month"])))
    if sim.month_bytes(month_of(at), now) < taken:
        raise Refusal(400, "a correction cannot take more than there is")
    return _extra(sim, Extra(at, now, -taken))


def _status(world: World, sim: Sim, row: Row) -> History:
    """Any word, from the network's side; or `blocked`, which keeps the owner's own word behind a dash."""
    at = instant_of(world, row.get("at"))
    if "blocked" not in row:
        return with_status(sim, str(row["status"]), at, row.get("open"))
    if sim.card.carrier != "simbase":
        raise Refusal(400, "only Simbase says Blocked")
    word = sim.status(at).word.removeprefix("Blocked - ")
    return with_status(sim, f"Blocked - {word}" if row["blocked"] else word, at)


def _imei(world: World, sim: Sim, row: Row) -> History:
    """The card in another device: with the IMEI given, or the next that is made up."""
    number = len(sim.history.imeis) + 1
    serial = sim.card.index * 31 + number * 1009
    make = imeisv("35909110", serial, number) if sim.card.carrier == "iotportal" else made_imei("35909110", serial)
    return with_imei(sim, str(row.get("imei", make)), instant_of(world, row.get("at")))


def _quiet(world: World, sim: Sim, row: Row) -> History:
    change = QuietChange(instant_of(world, row.get("at")), bool(row.get("quiet", True)))
    changes = sorted((*sim.history.quiets, change), key=lambda one: one.at)
    return msgspec.structs.replace(sim.history, quiets=tuple(changes))


def set_lag(world: World, _request: Request, row: Row) -> object:
    """POST /lag: counters that show what was N seconds ago; null for a SIM gives it its carrier's lag again."""
    lag = None if row["seconds"] is None else int(float(row["seconds"]) * SECOND)
    if "carrier" in row:
        carrier = carrier_of(str(row["carrier"]))
        if carrier:
            world.settings.of(carrier).lag = lag or 0
        world.save_settings()
        return {"carrier": carrier}
    changed = [(sim, msgspec.structs.replace(sim.history, lag=lag)) for sim in named_sims(world, row)]
    world.write(changed)
    return {"changed": len(changed)}


def set_late_reset(world: World, _request: Request, row: Row) -> object:
    """POST /late-reset: the counter of a month (by default the next, or `every`) starts again so many seconds late."""
    late = int(float(row["seconds"]) * SECOND)
    if not 0 <= late < 27 * 86_400 * SECOND:
        raise Refusal(400, "a reset is 0 to 27 days late")
    sims = None if "carrier" in row else list(named_sims(world, row))
    carrier = carrier_of(row["carrier"]) if sims is None else sims[0].card.carrier if sims else None
    day = world.settings.cycle_day if carrier == "iotportal" else 1
    mode = row.get("mode", "carry" if carrier == "iotportal" else "held")
    wanted = row.get("month")
    month = None if wanted == "every" else parse_month(wanted) if wanted else month_of(world.now(), day) + 1
    reset = msgspec.convert({"month": month, "late": late, "mode": mode}, LateReset)
    if sims is None and carrier:
        settings = world.settings.of(carrier)
        settings.resets = _with_reset(settings.resets, reset)
        world.save_settings()
    for sim in sims or []:
        history = msgspec.structs.replace(sim.history, resets=_with_reset(sim.history.resets, reset))
        world.write([(sim, history)])
    return {"month": wanted or f"{month_label_of(month)}", "seconds": late / SECOND, "mode": mode}


def month_label_of(month: int | None) -> str:
    """YYYY-MM, or every."""
    return "every" if month is None else iso(month_start(month))[:7]


def _with_reset(resets: tuple[LateReset, ...], reset: LateReset) -> tuple[LateReset, ...]:
    kept = tuple(one for one in resets if one.month != reset.month)
    return (*kept, reset) if reset.late else kept


def send_mo_sms(world: World, _request: Request, data: Any) -> object:
    """POST /sms {iccid, text}: a message from a device, refused while the network turns it away."""
    sent = []
    for row in data if isinstance(data, list) else [data]:
        sim, now = one_sim(world, row), world.now()
        if not sim.status(now).open:
            raise Refusal(409, "the SIM is not enabled")
        sent.append(world.add_sms(sim, "mo", str(row["text"]), now).sms_id)
        world.rings.happened(sim, "sms", now)
    return {"sms_ids": sent}


def set_fleet_quiet(world: World, request: Request, data: Any) -> object:
    """POST /quiet: usage off (or on) for SIMs, or with `all` for the whole fleet at once."""
    if isinstance(data, dict) and data.get("all"):
        change = QuietChange(instant_of(world, data.get("at")), bool(data.get("quiet", True)))
        world.settings.quiets = tuple(sorted((*world.settings.quiets, change), key=lambda one: one.at))
        world.save_settings()
        return {"changed": sum(fleet.count for fleet in world.fleets.values())}
    return _changing(_quiet, {"quiet", "at"})(world, request, data)


EVENTS: dict[str, Callable[[World, Request, Any], object]] = {
    "bytes": _changing(_bytes, {"bytes", "at", "month", "sessions", "zero_sessions"}, "usage"),
    "corrections": _changing(_correction, {"bytes", "month"}),
    "status": _changing(_status, {"status", "blocked", "open", "at"}, "status"),
    "imei": _changing(_imei, {"imei", "at"}, "imei"),
    "quiet": set_fleet_quiet,
    "lag": set_lag,
    "late-reset": set_late_reset,
    "sms": send_mo_sms,
}
