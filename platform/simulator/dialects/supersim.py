"""Twilio's Super SIM API over the fleet: forms, pages by the address of the next."""

import base64
import datetime as dt
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.routing import Route

from simulator.answers import Refusal, answer
from simulator.calls import Asked
from simulator.door import Door
from simulator.history import Sms
from simulator.instants import iso
from simulator.sim import Sim
from simulator.world import World

from .shared import cost_of, days_of, has_arrived, message_of, messages_of, sims_from, turned, whole

ACCOUNT, TOKEN = "ACdemo00000000000000000000000000", "supersim-demo-token"


def authorize(_world: World, asked: Asked, _name: str) -> None:
    if asked.headers.get("authorization") != "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode():
        raise Refusal(401, "Authenticate")


def worded(status: int, text: str) -> object:
    return {"code": 20000 + status, "message": text, "status": status}


def routes() -> list[Route]:
    return routes_of(Door("supersim", authorize, worded))


def routes_of(door: Door) -> list[Route]:
    """What Twilio's API and KORE's have in common: all but how one signs in."""
    return [
        door.route("/v1/Sims", {"GET": list_sims}),
        door.route("/v1/Sims/{sid}", {"POST": update_sim}),
        door.route("/v1/UsageRecords", {"GET": list_usage}),
        door.route("/v1/SmsCommands", {"GET": list_sms, "POST": send_sms}),
        door.route("/v1/SmsCommands/{sid}", {"GET": get_sms}),
        door.route("/{rest:path}", {}),
    ]


def _sim(world: World, asked: Asked, sid: str) -> Sim:
    carrier = asked.call.carrier
    try:
        index = int(sid.removeprefix("HS"), 16) - 1 if sid.startswith("HS") else -1
    except ValueError:
        index = -1
    if not 0 <= index < world.fleets[carrier].count:
        raise Refusal(404, "The requested resource was not found")
    return world.sim_at(carrier, index)


def _row(sim: Sim, at: int) -> dict[str, Any]:
    return {
        "sid": f"HS{sim.card.index + 1:032x}",
        "iccid": sim.card.iccid,
        "status": sim.status(at).word,
        "unique_name": sim.device_name(),
        "fleet_sid": None,
    }


def list_sims(world: World, asked: Asked) -> Response:
    query, carrier = asked.query(), asked.call.carrier
    count = world.fleets[carrier].count
    if "Iccid" in query:
        found = world.find(query["Iccid"], carrier)
        return answer({"sims": [_row(found, asked.view)] if found else [], "meta": {"next_page_url": None}})
    size, page = min(whole(query.get("PageSize"), 50), 1000), whole(query.get("Page"), 0)
    rows = [_row(sim, asked.view) for sim in sims_from(world, carrier, page * size, size)]
    more = f"https://supersim.example/v1/Sims?PageSize={size}&Page={page + 1}&PageToken=PT{page + 1}"
    return answer({"sims": rows, "meta": {"next_page_url": more if (page + 1) * size < count else None}})


def update_sim(world: World, asked: Asked) -> Response:
    sim, form = _sim(world, asked, asked.parts["sid"]), dict(parse_qsl(asked.body.decode()))
    if form.get("Status") not in ("active", "inactive"):
        raise Refusal(400, "Status has no such value")
    sim = turned(world, asked, sim, on=form["Status"] == "active")
    return answer(_row(sim, asked.now) | {"status": "scheduled"}, 202)


def list_usage(world: World, asked: Asked) -> Response:
    query = asked.query()
    sim = _sim(world, asked, query.get("Sim", ""))
    if query.get("Granularity") != "day":
        raise Refusal(400, "only days are told here")
    try:
        first, after = (dt.datetime.fromisoformat(query[name]).date() for name in ("StartTime", "EndTime"))
    except (KeyError, ValueError):
        raise Refusal(400, "a time is none") from None
    records = [
        {
            "sim_sid": query["Sim"],
            "period": {"start_time": f"{day}T00:00:00Z", "end_time": f"{day + dt.timedelta(days=1)}T00:00:00Z"},
            "data_upload": 0,
            "data_download": count,
            "data_total": count,
            "data_total_billed": cost_of(count),
            "billed_unit": "USD",
        }
        for day, count in days_of(sim, first, after - dt.timedelta(days=1), asked.view)
    ]
    return answer({"usage_records": records, "meta": {"next_page_url": None}})


def _command(sim: Sim, message: Sms, at: int) -> dict[str, Any]:
    incoming = message.direction == "mo"
    return {
        "sid": f"HC{message.sms_id:032x}",
        "sim_sid": f"HS{sim.card.index + 1:032x}",
        "payload": message.text,
        "status": "received" if incoming else "delivered" if has_arrived(sim, message, at) else "sent",
        "direction": "from_sim" if incoming else "to_sim",
        "date_created": iso(message.at),
    }


def list_sms(world: World, asked: Asked) -> Response:
    sim = _sim(world, asked, asked.query().get("Sim", ""))
    commands = messages_of(sim, asked.view, lambda m: _command(sim, m, asked.view))
    return answer({"sms_commands": commands, "meta": {"next_page_url": None}})


def get_sms(world: World, asked: Asked) -> Response:
    number = int(asked.parts["sid"].removeprefix("HC"), 16)
    owner = world.sms_owner.get(number)
    if owner is None or owner[0] != asked.call.carrier:
        raise Refusal(404, "The requested resource was not found")
    sim = world.sim_at(*owner)
    return answer(_command(sim, message_of(sim, str(number)), asked.view))


def send_sms(world: World, asked: Asked) -> Response:
    form = dict(parse_qsl(asked.body.decode()))
    sim = _sim(world, asked, form.get("Sim", ""))
    if not form.get("Payload"):
        raise Refusal(400, "Payload is missing")
    if not sim.status(asked.now).open:
        raise Refusal(400, "the Sim is not active")
    message = world.add_sms(sim, "mt", form["Payload"], asked.now)
    return answer(_command(sim, message, asked.now) | {"status": "queued"}, 201)
