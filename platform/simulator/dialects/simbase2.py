"""Simbase's API v2 over the fleet: a list by a cursor, usage in the SIM's own record, changes that are accepted."""

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from simulator.answers import Refusal, answer, read_object
from simulator.calls import Asked
from simulator.door import Door
from simulator.instants import iso
from simulator.sim import Sim
from simulator.world import World

from .shared import edited, sim_of, sims_from, text_of, turned, whole

KEY = "simbase2-demo-key"
_PLAN = "def-usd.us-2"


def authorize(_world: World, asked: Asked, _name: str) -> None:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        raise Refusal(401, "Unauthorized")


def worded(_status: int, text: str) -> object:
    return {"message": text}


def routes() -> list[Route]:
    door = Door("simbase2", authorize, worded)
    return [
        door.route("/simcards", {"GET": list_sims}),
        door.route("/simcards/{iccid}", {"GET": get_sim, "PATCH": edit_sim}),
        door.route("/simcards/{iccid}/state", {"POST": set_state}),
        door.route("/simcards/{iccid}/reset", {"POST": reset}),
        door.route("/simcards/{iccid}/rateplan", {"POST": set_plan}),
        door.route("/account/balance", {"GET": get_balance}),
        door.route("/{rest:path}", {}),
    ]


def _sim(world: World, asked: Asked) -> Sim:
    return sim_of(world, "simbase2", asked.parts["iccid"])


def _row(sim: Sim, at: int) -> dict[str, Any]:
    counter, edits = sim.counter(at), sim.history.edits
    return {
        "iccid": sim.card.iccid,
        "state": sim.status(at).word,
        "name": edits.get("name", sim.device_name()),
        "tags": edits.get("tags", sim.tags()),
        "imei": sim.imei(at).imei,
        "msisdn": sim.card.msisdn,
        "plan_id": edits.get("plan_id", _PLAN),
        "hardware": sim.card.kind.hardware,
        "imei_lock": edits.get("imei_lock", "off"),
        "current_month_usage": {
            "data": counter.bytes,
            "data_sessions": sim.sessions(counter.span, counter.seen),
            "zero_sessions": sim.zero_sessions(counter.span, counter.seen),
            "sms_mo": 0,
            "sms_mt": 0,
            "voice": 0,
            "line_rental": 0,
        },
        "current_month_costs": {"total": "0.10", "data": "0.10", "sms": "0.00", "line_rental": "0.00"},
    }


def list_sims(world: World, asked: Asked) -> Response:
    query = asked.query()
    size, start = min(whole(query.get("limit"), 25), 100), whole(query.get("cursor"), 0)
    rows = [_row(sim, asked.view) for sim in sims_from(world, "simbase2", start, size)]
    all_sims = world.fleets["simbase2"].count
    goes_on = start + len(rows) < all_sims
    cursor = str(start + len(rows)) if goes_on else None
    return answer({"simcards": rows, "cursor": cursor, "has_more": goes_on, "count": all_sims})


def get_sim(world: World, asked: Asked) -> Response:
    sim, at = _sim(world, asked), asked.view
    place = sim.card.place("USA")
    there = {"carrier": place.network, "country": place.iso, "last_update": iso(sim.counter(at).last_record)}
    radio = "LTE-M" if sim.card.kind.name == "meter" else "LTE"
    return answer(
        {
            **_row(sim, at),
            "session_status": "in_session",
            "connection": there,
            "location": {**there, "lat": place.lat, "lon": place.lon, "radio": radio},
        }
    )


def edit_sim(world: World, asked: Asked) -> Response:
    wanted = read_object(asked.body)
    checks: dict[str, Any] = {
        "imei_lock": lambda value: value in ("on", "off"),
        "name": lambda value: isinstance(value, str),
        "tags": lambda value: isinstance(value, list) and all(isinstance(tag, str) for tag in value),
    }
    if not wanted or not all(name in checks and checks[name](value) for name, value in wanted.items()):
        raise Refusal(400, "there is no such change")
    edited(world, _sim(world, asked), **wanted)
    return answer({})


def set_state(world: World, asked: Asked) -> Response:
    word = text_of(read_object(asked.body), "state")
    if word not in ("enabled", "disabled"):
        raise Refusal(400, "state is neither enabled nor disabled")
    turned(world, asked, _sim(world, asked), on=word == "enabled")
    return answer({}, status=202)


def reset(world: World, asked: Asked) -> Response:
    _sim(world, asked)
    return answer({}, status=202)


def set_plan(world: World, asked: Asked) -> Response:
    edited(world, _sim(world, asked), plan_id=text_of(read_object(asked.body), "plan_id"))
    return answer({})


def get_balance(_world: World, _asked: Asked) -> Response:
    return answer(
        {
            "balance": "512.40",
            "currency": "USD",
            "auto_top_up_enabled": True,
            "auto_top_up_threshold": "50",
            "auto_top_up_amount": "200",
            "last_update": "2026-11-20T12:00:00Z",
        }
    )
