"""emnify's REST API over the fleet. A SIM and its endpoint have numbers of their own."""

import datetime as dt
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from simulator.answers import Refusal, answer, read_object
from simulator.calls import Asked
from simulator.door import Door
from simulator.instants import iso, to_datetime
from simulator.sim import Sim
from simulator.world import World

from .shared import (
    MB,
    by_token,
    cost_of,
    day_of,
    days_of,
    edited,
    first_of_month,
    message_shown,
    messages_of,
    sim_numbered,
    sims_from,
    text_of,
    turned,
    whole,
)

TOKEN = "emnify-demo-token"  # noqa: S105 - the demo's public example
_SIM, _ENDPOINT = 1_000_001, 5_000_001  # the first numbers
_STATUS = {"Issued": 0, "Activated": 1, "Suspended": 2, "Factory Test": 4}


def authorize(world: World, asked: Asked, name: str) -> None:
    if name != login.__name__:
        by_token(world, asked, "authorization", "Bearer ")


def worded(status: int, text: str) -> object:
    return {"error_code": status, "error_token": "Error", "message": text}


def routes() -> list[Route]:
    door = Door("emnify", authorize, worded)
    return [
        door.route("/api/v1/authenticate", {"POST": login}),
        door.route("/api/v1/sim", {"GET": list_sims}),
        door.route("/api/v1/sim/{sim_id}", {"PATCH": update_sim}),
        door.route("/api/v1/sim/{sim_id}/stats", {"GET": get_stats}),
        door.route("/api/v1/endpoint/{endpoint_id}", {"GET": get_endpoint, "PATCH": update_endpoint}),
        door.route("/api/v1/endpoint/{endpoint_id}/connectivity", {"PATCH": reset}),
        door.route("/api/v1/endpoint/{endpoint_id}/stats/daily", {"GET": get_days}),
        door.route("/api/v1/endpoint/{endpoint_id}/sms", {"GET": list_sms, "POST": send_sms}),
        door.route("/{rest:path}", {}),
    ]


def login(world: World, asked: Asked) -> Response:
    if read_object(asked.body).get("application_token") != TOKEN:
        raise Refusal(401, "Unauthorized")
    return answer({"auth_token": world.new_token()})


def _state(sim: Sim, at: int) -> dict[str, Any]:
    word = sim.status(at).word
    return {"id": _STATUS.get(word, 9), "description": word}


def _row(sim: Sim, at: int) -> dict[str, Any]:
    return {
        "id": _SIM + sim.card.index,
        "iccid": sim.card.iccid,
        "imsi": sim.card.imsi,
        "msisdn": sim.card.msisdn,
        "status": _state(sim, at),
        "endpoint": {"id": _ENDPOINT + sim.card.index},
    }


def list_sims(world: World, asked: Asked) -> Response:
    query = asked.query()
    if wanted := query.get("q", ""):
        name, _, value = wanted.partition(":")
        found = world.find(value, "emnify") if name == "iccid" else None
        return answer([_row(found, asked.view)] if found else [])
    page, size = whole(query.get("page"), 1), min(whole(query.get("per_page"), 10), 2500)
    return answer([_row(sim, asked.view) for sim in sims_from(world, "emnify", (page - 1) * size, size)])


def update_sim(world: World, asked: Asked) -> Response:
    sim = sim_numbered(world, "emnify", asked.parts["sim_id"], _SIM)
    number = read_object(asked.body).get("status", {}).get("id")
    if number not in (1, 2):
        raise Refusal(400, "status is neither 1 nor 2")
    turned(world, asked, sim, on=number == 1)
    return Response(status_code=204)


def get_stats(world: World, asked: Asked) -> Response:
    sim, at = sim_numbered(world, "emnify", asked.parts["sim_id"], _SIM), asked.view
    month = first_of_month(at)
    yesterday = month - dt.timedelta(days=1)
    months = {"current_month": (month, to_datetime(at).date()), "last_month": (yesterday.replace(day=1), yesterday)}
    told = {name: _month(sim, at, first, last) for name, (first, last) in months.items()}
    return answer([told if told["last_month"]["data"]["volume"] else {"current_month": told["current_month"]}])


def _month(sim: Sim, at: int, first: dt.date, last: dt.date) -> dict[str, Any]:
    used = sum(count for _, count in days_of(sim, first, last, at))
    sent = [m for m in sim.history.messages if m.at <= at and first <= to_datetime(m.at).date() <= last]
    told: dict[str, Any] = {"month": first.isoformat(), "last_updated": iso(sim.counter(at).last_record)}
    told |= {"currency": {"id": 2, "code": "USD", "symbol": "$"}}
    return {
        "data": {"volume": used / MB, "cost": cost_of(used), **told},
        "sms": {"volume": len(sent), "cost": 0, **told},
    }


def get_days(world: World, asked: Asked) -> Response:
    sim, query = sim_numbered(world, "emnify", asked.parts["endpoint_id"], _ENDPOINT), asked.query()
    first = day_of(query["start_date"]) if "start_date" in query else first_of_month(asked.view)
    last = day_of(query["end_date"]) if "end_date" in query else to_datetime(asked.view).date()
    return answer(
        [
            {"date": day.isoformat(), "data": {"volume": count / MB}, "sms": {"volume": 0}}
            for day, count in days_of(sim, first, last, asked.view)
        ]
    )


def get_endpoint(world: World, asked: Asked) -> Response:
    sim, at = sim_numbered(world, "emnify", asked.parts["endpoint_id"], _ENDPOINT), asked.view
    row = _row(sim, at)
    return answer(
        {
            "id": _ENDPOINT + sim.card.index,
            "name": sim.device_name(),
            "status": {"id": 0, "description": "Enabled"},
            "service_profile": {"id": 1, "name": "Default"},
            "tariff_profile": {"id": 1, "name": "Default"},
            "ip_address": sim.card.fixed_ip or "10.0.0.1",
            "sim": {name: row[name] for name in ("id", "iccid", "msisdn", "imsi", "status")},
            "imei": sim.imei(at).imei,
            "imei_lock": bool(sim.history.edits.get("imei_lock")),
        }
    )


def update_endpoint(world: World, asked: Asked) -> Response:
    sim = sim_numbered(world, "emnify", asked.parts["endpoint_id"], _ENDPOINT)
    wanted = read_object(asked.body)
    if "imei_lock" in wanted:
        sim = edited(world, sim, imei_lock=bool(wanted["imei_lock"]))
    if "name" in wanted:
        edited(world, sim, device_name=str(wanted["name"]))
    return Response(status_code=204)


def reset(world: World, asked: Asked) -> Response:
    sim_numbered(world, "emnify", asked.parts["endpoint_id"], _ENDPOINT)
    if read_object(asked.body) != {"pdp_context": None, "location": None}:
        raise Refusal(400, "only null is taken")
    return Response(status_code=204)


def list_sms(world: World, asked: Asked) -> Response:
    sim = sim_numbered(world, "emnify", asked.parts["endpoint_id"], _ENDPOINT)
    return answer(messages_of(sim, asked.view, lambda m: message_shown(sim, m, asked.view)))


def send_sms(world: World, asked: Asked) -> Response:
    sim = sim_numbered(world, "emnify", asked.parts["endpoint_id"], _ENDPOINT)
    text = text_of(read_object(asked.body), "payload")
    if not sim.status(asked.now).open:
        raise Refusal(422, "the SIM is not activated")
    world.add_sms(sim, "mt", text, asked.now)
    return answer({}, 201)
