"""Hologram's REST API over the fleet: a link is a SIM, and stands beside its device."""

import base64
import datetime as dt
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from simulator.answers import Refusal, answer, read_object
from simulator.calls import Asked
from simulator.door import Door
from simulator.sim import Sim
from simulator.world import World

from .shared import days_of, edited, sim_numbered, sims_from, turned, whole

KEY = "hologram-demo-key"
_LINK, _DEVICE = 100_001, 700_001  # the first numbers


def authorize(_world: World, asked: Asked, _name: str) -> None:
    if asked.headers.get("authorization") != "Basic " + base64.b64encode(f"apikey:{KEY}".encode()).decode():
        raise Refusal(401, "Unauthorized")


def worded(_status: int, text: str) -> object:
    return {"success": False, "error": text}


def routes() -> list[Route]:
    door = Door("hologram", authorize, worded)
    return [
        door.route("/devices/{deviceid}", {"GET": get_device, "PUT": name_device}),
        door.route("/links/cellular", {"GET": list_links}),
        door.route("/links/cellular/{linkid}/state", {"POST": set_state}),
        door.route("/links/cellular/{linkid}/changeplan", {"POST": change_plan}),
        door.route("/usage/data/daily", {"GET": get_days}),
        door.route("/{rest:path}", {}),
    ]


def _row(sim: Sim, at: int) -> dict[str, Any]:
    return {
        "id": _LINK + sim.card.index,
        "deviceid": _DEVICE + sim.card.index,
        "sim": sim.card.iccid,
        "msisdn": sim.card.msisdn,
        "imsi": sim.card.imsi,
        "planid": sim.history.edits.get("planid", 73),
        "state": sim.status(at).word,
    }


def list_links(world: World, asked: Asked) -> Response:
    query = asked.query()
    if "sim" in query:
        found = world.find(query["sim"], "hologram")
        rows, goes_on = [_row(found, asked.view)] if found else [], False
    else:
        size = min(whole(query.get("limit"), 25), 1000)
        start = max(0, whole(query.get("startafter"), _LINK - 1) - _LINK + 1)
        rows = [_row(sim, asked.view) for sim in sims_from(world, "hologram", start, size)]
        goes_on = start + len(rows) < world.fleets["hologram"].count
    return answer({"success": True, "size": len(rows), "continues": goes_on, "data": rows})


def get_device(world: World, asked: Asked) -> Response:
    sim, at = sim_numbered(world, "hologram", asked.parts["deviceid"], _DEVICE), asked.view
    name = {"id": _DEVICE + sim.card.index, "name": sim.device_name(), "phonenumber": sim.card.msisdn}
    return answer({"success": True, "data": {**name, "imei": sim.imei(at).imei, "iccid": sim.card.iccid}})


def name_device(world: World, asked: Asked) -> Response:
    sim = sim_numbered(world, "hologram", asked.parts["deviceid"], _DEVICE)
    name = read_object(asked.body).get("name")
    if not isinstance(name, str):
        raise Refusal(400, "name is no text")
    edited(world, sim, device_name=name)
    return get_device(world, asked)


def set_state(world: World, asked: Asked) -> Response:
    sim = sim_numbered(world, "hologram", asked.parts["linkid"], _LINK)
    word = read_object(asked.body).get("state")
    if word not in ("live", "pause"):
        raise Refusal(400, "state is neither live nor pause")
    turned(world, asked, sim, on=word == "live")
    return answer({"success": True})


def change_plan(world: World, asked: Asked) -> Response:
    sim = sim_numbered(world, "hologram", asked.parts["linkid"], _LINK)
    plan = read_object(asked.body).get("planid")
    if not isinstance(plan, int):
        raise Refusal(400, "planid is no number")
    if plan > 999:
        return answer({"success": False, "error": "no such plan"})
    edited(world, sim, planid=plan)
    return answer({"success": True})


def get_days(world: World, asked: Asked) -> Response:
    query = asked.query()
    sim = sim_numbered(world, "hologram", query.get("linkid", ""), _LINK)
    first, last = (
        dt.datetime.fromtimestamp(whole(query.get(name), 0), dt.UTC).date() for name in ("timestart", "timeend")
    )
    rows = [
        {
            "id": number,
            "deviceid": _DEVICE + sim.card.index,
            "linkid": _LINK + sim.card.index,
            "bytes": count,
            "timestamp": f"{day} 00:00:00",
            "network": sim.card.place("USA").network,
        }
        for number, (day, count) in enumerate(days_of(sim, first, last, asked.view), 1)
    ]
    return answer({"success": True, "size": len(rows), "continues": False, "data": rows})
