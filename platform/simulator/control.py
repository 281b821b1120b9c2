"""The control API under /_sim: the hand of the network, of the devices and of the test. Loopback only, no key."""

import ipaddress
import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import clock as clocks
from .answers import Refusal, answer
from .bulk import is_loopback
from .events import EVENTS, carrier_of, instant_of, one_sim
from .faults import Fault
from .instants import SECOND, iso, month_of, parse_month
from .ringing import SAID, Hook
from .settings import changed_settings, shown_settings
from .truth import described, month_truth, totals, truth
from .world import World

Control = Callable[[World, Request, Any], object]
_MOST_ROWS = 10_000
_SENSELESS = (msgspec.MsgspecError, re.error, ValueError, TypeError, KeyError, AttributeError, OverflowError)


def routes() -> list[Route]:
    """Every control call; the README has the table."""
    events = [_route(f"/{name}", POST=event) for name, event in EVENTS.items()]
    return [
        _route("/", GET=overview),
        _route("/reset", POST=reset),
        _route("/clock", GET=read_clock, PUT=set_clock),
        _route("/clock/advance", POST=advance_clock),
        _route("/settings", GET=read_settings, PATCH=change_settings),
        _route("/fleet", GET=read_fleet),
        _route("/truth", GET=read_truth),
        _route("/truth/total", GET=read_total),
        _route("/sims/{iccid}", GET=read_sim),
        _route("/faults", GET=read_faults, POST=add_fault, DELETE=clear_faults),
        _route("/faults/{fault_id:int}", DELETE=remove_fault),
        _route("/calls", GET=read_calls, DELETE=clear_calls),
        _route("/tokens/expire", POST=expire_tokens),
        _route("/hook", POST=take_hook),
        _route("/webhooks", GET=read_webhooks, PUT=set_webhook),
        *events,
    ]


def _route(path: str, **handlers: Control) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            _only_from_here(request)
            body = await request.body()
            data = msgspec.json.decode(body) if body else {}
            found = handlers[request.method](request.app.state.world, request, data)
            return answer(await found if isinstance(found, Awaitable) else found)
        except Refusal as refusal:
            return answer({"error": refusal.text}, refusal.status)
        except _SENSELESS as error:
            return answer({"error": f"{type(error).__name__}: {error}"}, 400)

    return Route(path, endpoint, methods=list(handlers), name=path)


def _only_from_here(request: Request) -> None:
    """Only from this machine, and not by a web page of somebody else in a browser on it."""
    host = request.url.hostname or ""
    client = request.client.host if request.client else ""
    if not (_is_loopback(client) and _is_loopback(host)) or "origin" in request.headers:
        raise Refusal(403, "the control API answers only to this machine")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def take_hook(_world: World, _request: Request, _data: Any) -> object:
    """The address of a customer who listens to webhooks: whatever comes is taken."""
    return {"taken": True}


def set_webhook(world: World, _request: Request, data: Any) -> object:
    """PUT /webhooks {carrier, url, secret}: where a carrier's customer listens; no url: nowhere."""
    carrier, url = carrier_of(str(data["carrier"])), data.get("url")
    if carrier is None or carrier not in SAID:
        raise Refusal(400, f"{data['carrier']} has no webhooks")
    if url is None:
        world.rings.hooks.pop(carrier, None)
    elif not is_loopback(str(url)):
        raise Refusal(400, "the simulator calls only webhooks on its own machine")
    else:
        world.rings.hooks[carrier] = Hook(str(url), str(data.get("secret", "")))
    return {"listening": sorted(world.rings.hooks)}


async def read_webhooks(world: World, _request: Request, _data: Any) -> object:
    """GET /webhooks: what each call to a customer was answered, once none waits."""
    await world.rings.waiting.join()
    return {"answers": world.rings.answers}


# The world


def overview(world: World, _request: Request, _data: Any) -> object:
    """GET /"""
    return {
        "fleet": {fleet.carrier: fleet.count for fleet in world.fleets.values()},
        "touched": {carrier: len(histories) for carrier, histories in world.histories.items()},
        "clock": shown_clock(world),
        "counters": dict(world.calls.counts),
        "faults": len(world.faults.active),
    }


def reset(world: World, request: Request, data: Any) -> object:
    """POST /reset: as it was at the first start."""
    world.reset()
    return overview(world, request, data)


def shown_clock(world: World) -> dict[str, Any]:
    """The clock as JSON."""
    clock = world.settings.clock
    return {"now": iso(world.now()), "mode": clock.mode, "speed": clock.speed}


def read_clock(world: World, _request: Request, _data: Any) -> object:
    """GET /clock"""
    return shown_clock(world)


def set_clock(world: World, _request: Request, data: Any) -> object:
    """PUT /clock {mode, at, speed}"""
    at = instant_of(world, data.get("at"))
    speed = float(data.get("speed", 1))
    if speed < 0:
        raise Refusal(400, "time does not run backwards")
    match data.get("mode", "frozen"):
        case "real":
            world.settings.clock = clocks.Clock()
        case "frozen":
            world.settings.clock = clocks.frozen(at)
        case "running":
            world.settings.clock = clocks.running(at, speed)
        case other:
            raise Refusal(400, f"no clock is {other!r}")
    world.save_settings()
    return shown_clock(world)


def advance_clock(world: World, _request: Request, data: Any) -> object:
    """POST /clock/advance {seconds, minutes, hours, days} or {to}"""
    units = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
    unknown = data.keys() - units.keys() - {"to"}
    if unknown or not data:
        raise Refusal(400, "advance by seconds, minutes, hours, days, or to an ISO time")
    by = int(sum(float(data.get(name, 0)) * seconds for name, seconds in units.items()) * SECOND)
    to = instant_of(world, data["to"]) if "to" in data else world.now() + by
    if to < world.now():
        raise Refusal(400, "the clock does not go back here; set it with PUT")
    iso(to)  # a time that no calendar holds is refused before it is kept
    world.settings.clock = clocks.moved(world.settings.clock, to)
    world.save_settings()
    return shown_clock(world)


def read_settings(world: World, _request: Request, _data: Any) -> object:
    """GET /settings"""
    return shown_settings(world.settings)


def change_settings(world: World, _request: Request, data: Any) -> object:
    """PATCH /settings"""
    world.settings = changed_settings(world.settings, data)
    for limit in world.limits.values():
        limit.clear()
    world.save_settings()
    return shown_settings(world.settings)


def expire_tokens(world: World, _request: Request, _data: Any) -> object:
    """POST /tokens/expire: every IoT Portal token is dead at once."""
    expired = len(world.tokens)
    world.tokens.clear()
    return {"expired": expired}


# The fleet


def _stretch(request: Request) -> tuple[int, int]:
    query = request.query_params
    return max(0, int(query.get("offset", 0))), max(0, min(int(query.get("limit", 1000)), _MOST_ROWS))


def read_fleet(world: World, request: Request, _data: Any) -> object:
    """GET /fleet?carrier&offset&limit"""
    carrier = carrier_of(request.query_params.get("carrier"))
    offset, limit = _stretch(request)
    total = sum(fleet.count for fleet in world.fleets.values() if carrier in (None, fleet.carrier))
    now = world.now()
    return {"total": total, "sims": [described(sim, now) for sim in world.sims(carrier, offset, limit)]}


def read_truth(world: World, request: Request, _data: Any) -> object:
    """GET /truth?carrier&iccid&from&to&at&offset&limit: months as YYYY-MM, by default this one and the last."""
    query = request.query_params
    at = instant_of(world, query.get("at"))
    last = parse_month(query["to"]) if "to" in query else month_of(at)
    first = parse_month(query["from"]) if "from" in query else last - 1
    if "iccid" in query:
        sims = [one_sim(world, query)]
    else:
        sims = list(world.sims(carrier_of(query.get("carrier")), *_stretch(request)))
    return {"at": iso(at), "sims": [truth(sim, first, last, at) for sim in sims]}


def read_total(world: World, request: Request, _data: Any) -> object:
    """GET /truth/total?carrier&month&at"""
    query = request.query_params
    at = instant_of(world, query.get("at"))
    month = parse_month(query["month"]) if "month" in query else month_of(at)
    return {"at": iso(at), "bytes": totals(world, carrier_of(query.get("carrier")), month, at)}


def read_sim(world: World, request: Request, _data: Any) -> object:
    """GET /sims/{iccid}: the SIM, its truth and everything that happened to it."""
    sim = one_sim(world, {"iccid": request.path_params["iccid"]})
    now = world.now()
    month = month_of(now)
    return {
        **described(sim, now),
        **truth(sim, month - 1, month, now),
        "this_month": month_truth(sim, month, now),
        "quiet": sim.quiet(now),
        "history": msgspec.to_builtins(sim.history),
    }


# Faults and calls


def read_faults(world: World, _request: Request, _data: Any) -> object:
    """GET /faults"""
    return {"faults": list(world.faults.active.values())}


def add_fault(world: World, _request: Request, data: Any) -> object:
    """POST /faults"""
    fault = msgspec.convert(data, Fault)
    unknown = data.keys() - set(Fault.__struct_fields__)
    if unknown:
        raise Refusal(400, f"a fault has no {', '.join(sorted(unknown))}")
    return world.faults.add(fault)


def clear_faults(world: World, _request: Request, _data: Any) -> object:
    """DELETE /faults"""
    world.faults.clear()
    return {"faults": []}


def remove_fault(world: World, request: Request, _data: Any) -> object:
    """DELETE /faults/{fault_id}"""
    if not world.faults.remove(request.path_params["fault_id"]):
        raise Refusal(404, "no such fault")
    return {}


def read_calls(world: World, request: Request, _data: Any) -> object:
    """GET /calls?carrier&name&iccid&after&limit: the newest of them, oldest first, and the counters."""
    query = request.query_params
    after = int(query.get("after", 0))
    fields = ("carrier", "name", "iccid", "verb")
    found = [
        call
        for call in world.calls.log
        if call.number > after
        and all(query.get(field, getattr(call, field)) == getattr(call, field) for field in fields)
    ]
    limit = int(query.get("limit", _MOST_ROWS))
    return {"calls": found[-limit:] if limit else [], "counters": dict(world.calls.counts)}


def clear_calls(world: World, _request: Request, _data: Any) -> object:
    """DELETE /calls"""
    world.calls.clear()
    return {"calls": [], "counters": {}}
