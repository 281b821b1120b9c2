"""Onomondo's API over the fleet: usage in records with their times."""

import datetime as dt
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from simulator.answers import Refusal, answer, read_object
from simulator.calls import Asked
from simulator.door import Door
from simulator.instants import to_datetime
from simulator.sim import Sim
from simulator.world import World

from .shared import days_of, edited, first_of_month, sim_numbered, sims_from, turned, whole

KEY = "onomondo-demo-key"
_FIRST = 300_000_001  # the first SIM's id


def authorize(_world: World, asked: Asked, _name: str) -> None:
    if asked.headers.get("authorization") != KEY:
        raise Refusal(401, "Unauthorized")


def worded(_status: int, text: str) -> object:
    return {"message": text}


def routes() -> list[Route]:
    door = Door("onomondo", authorize, worded)
    return [
        door.route("/sims", {"GET": list_sims}),
        door.route("/sims/find", {"GET": find_sims}),
        door.route("/sims/{sim_id}", {"PATCH": update_sim}),
        door.route("/usage/{sim_id}", {"GET": get_usage}),
        door.route("/{rest:path}", {}),
    ]


def _row(sim: Sim, at: int) -> dict[str, Any]:
    return {
        "id": str(_FIRST + sim.card.index),
        "iccid": sim.card.iccid,
        "label": sim.device_name(),
        "activated": sim.status(at).open,
        "network_whitelist": None,
        "imei_lock": None,
        "data_limit": _limit(sim, at),
        "tags": list(sim.tags()),
    }


def _limit(sim: Sim, at: int) -> dict[str, Any]:
    """Bytes of a month: 10 GB, unless it was said otherwise."""
    used = sum(count for _, count in days_of(sim, first_of_month(at), to_datetime(at).date(), at))
    return {"used": used, "total": sim.history.edits.get("data_limit", 10_000_000_000), "type": "monthly"}


def list_sims(world: World, asked: Asked) -> Response:
    query = asked.query()
    size, start = min(whole(query.get("limit"), 100), 1000), whole(query.get("offset"), 0)
    return answer([_row(sim, asked.view) for sim in sims_from(world, "onomondo", start, size)])


def find_sims(world: World, asked: Asked) -> Response:
    wanted = asked.query().get("query", "")
    found = world.find(wanted, "onomondo")
    return answer([_row(found, asked.view)] if found else [])


def update_sim(world: World, asked: Asked) -> Response:
    sim = sim_numbered(world, "onomondo", asked.parts["sim_id"], _FIRST)
    wanted = read_object(asked.body)
    if (limit := wanted.get("data_limit")) is not None:
        if limit.get("type") != "monthly" or not limit.get("total", 0) >= 500_000:
            raise Refusal(400, "data_limit is no limit of a month from 0.5 MB")
        sim = edited(world, sim, data_limit=limit["total"])
    if "label" in wanted:
        sim = edited(world, sim, device_name=wanted["label"] or "")
    if "activated" in wanted:
        if not isinstance(wanted["activated"], bool):
            raise Refusal(400, "activated is neither true nor false")
        sim = turned(world, asked, sim, on=wanted["activated"])
    return answer(_row(sim, asked.now))


def get_usage(world: World, asked: Asked) -> Response:
    """All that it has of a SIM: here this month and the two before."""
    sim = sim_numbered(world, "onomondo", asked.parts["sim_id"], _FIRST)
    first = (first_of_month(asked.view) - dt.timedelta(days=32)).replace(day=1)
    used = [
        {"sim_id": asked.parts["sim_id"], "bytes": count, "timestamp": f"{day}T12:00:00.000Z"}
        for day, count in days_of(sim, first, to_datetime(asked.view).date(), asked.view)
    ]
    return answer({"usage": used})
