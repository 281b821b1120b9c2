"""Soracom's API over the fleet: a key and a token, usage by days and speed class."""

import datetime as dt
import json
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from simulator.answers import Refusal, answer, read_object
from simulator.calls import Asked
from simulator.door import Door
from simulator.sim import Sim
from simulator.world import World

from .shared import by_token, days_of, edited, sim_of, sims_from, turned, whole

KEY_ID, KEY = "soracom-demo-key-id", "soracom-demo-key"
_API_KEY = "api-soracom-demo"


def authorize(world: World, asked: Asked, name: str) -> None:
    if name == login.__name__:
        return
    by_token(world, asked, "x-soracom-token")
    if asked.headers.get("x-soracom-api-key") != _API_KEY:
        raise Refusal(401, "Unauthorized")


def worded(status: int, text: str) -> object:
    return {"code": f"SEM{status:04}", "message": text}


def routes() -> list[Route]:
    door = Door("soracom", authorize, worded)
    return [
        door.route("/auth", {"POST": login}),
        door.route("/sims", {"GET": list_sims}),
        door.route("/sims/{iccid}", {"GET": get_sim}),
        door.route("/sims/{iccid}/activate", {"POST": activate}),
        door.route("/sims/{iccid}/deactivate", {"POST": deactivate}),
        door.route("/sims/{iccid}/delete_session", {"POST": get_sim}),
        door.route("/sims/{iccid}/set_imei_lock", {"POST": set_imei_lock}),
        door.route("/sims/{iccid}/unset_imei_lock", {"POST": unset_imei_lock}),
        door.route("/sims/{iccid}/tags", {"PUT": put_tags}),
        door.route("/sims/{iccid}/tags/{tag_name}", {"DELETE": delete_tag}),
        door.route("/stats/air/sims/{iccid}", {"GET": get_days}),
        door.route("/{rest:path}", {}),
    ]


def login(world: World, asked: Asked) -> Response:
    given = read_object(asked.body)
    if (given.get("authKeyId"), given.get("authKey")) != (KEY_ID, KEY):
        raise Refusal(401, "Unauthorized")
    return answer({"apiKey": _API_KEY, "operatorId": "OP0012345678", "token": world.new_token(), "userName": "demo"})


def _row(sim: Sim, at: int) -> dict[str, Any]:
    card = sim.card
    lock = sim.history.edits.get("imei_lock")
    return {
        "simId": card.iccid,
        "operatorId": "OP0012345678",
        "status": sim.status(at).word,
        "speedClass": "s1.standard",
        "tags": {"name": name} if (name := sim.device_name()) else {},
        "previousSession": {"createdTime": at - 7_200_000, "deletedTime": at - 3_600_000, "imsi": card.imsi},
        "sessionStatus": {"imei": sim.imei(at).imei, "imsi": card.imsi, "online": True, "lastUpdatedAt": at},
        "profiles": {card.iccid: {"iccid": card.iccid, "subscribers": {card.imsi: {"msisdn": card.msisdn}}}},
        **({"imeiLock": {"imei": lock}} if lock else {}),
    }


def list_sims(world: World, asked: Asked) -> Response:
    query = asked.query()
    size = min(whole(query.get("limit"), 10), 100)
    after = world.find(query.get("last_evaluated_key", ""), "soracom")
    start = after.card.index + 1 if after else 0
    sims = sims_from(world, "soracom", start, size)
    goes_on = start + len(sims) < world.fleets["soracom"].count
    headers = {"x-soracom-next-key": sims[-1].card.iccid} if sims and goes_on else {}
    return answer([_row(sim, asked.view) for sim in sims], headers=headers)


def get_sim(world: World, asked: Asked) -> Response:
    return answer(_row(sim_of(world, "soracom", asked.parts["iccid"]), asked.view))


def activate(world: World, asked: Asked) -> Response:
    return answer(_row(turned(world, asked, sim_of(world, "soracom", asked.parts["iccid"]), on=True), asked.now))


def deactivate(world: World, asked: Asked) -> Response:
    return answer(_row(turned(world, asked, sim_of(world, "soracom", asked.parts["iccid"]), on=False), asked.now))


def set_imei_lock(world: World, asked: Asked) -> Response:
    sim, imei = sim_of(world, "soracom", asked.parts["iccid"]), read_object(asked.body).get("imei")
    if not isinstance(imei, str):
        raise Refusal(400, "imei is no text")
    return answer(_row(edited(world, sim, imei_lock=imei), asked.now))


def unset_imei_lock(world: World, asked: Asked) -> Response:
    sim = sim_of(world, "soracom", asked.parts["iccid"])
    return answer(_row(edited(world, sim, imei_lock=""), asked.now))


def put_tags(world: World, asked: Asked) -> Response:
    sim, wanted = sim_of(world, "soracom", asked.parts["iccid"]), json.loads(asked.body)
    if not (isinstance(wanted, list) and all(tag.get("tagName") == "name" and tag.get("tagValue") for tag in wanted)):
        raise Refusal(400, "no tag but the name is kept here")
    return answer(_row(edited(world, sim, device_name=wanted[-1]["tagValue"]), asked.now))


def delete_tag(world: World, asked: Asked) -> Response:
    sim = sim_of(world, "soracom", asked.parts["iccid"])
    if asked.parts["tag_name"] != "name" or not sim.device_name():
        raise Refusal(404, "no such tag")
    edited(world, sim, device_name="")
    return Response(status_code=204)


def get_days(world: World, asked: Asked) -> Response:
    sim, query = sim_of(world, "soracom", asked.parts["iccid"]), asked.query()
    if query.get("period") != "day":
        raise Refusal(400, "only days are told here")
    first, last = (dt.datetime.fromtimestamp(whole(query.get(name), 0), dt.UTC).date() for name in ("from", "to"))
    return answer([_day(day, count) for day, count in days_of(sim, first, last, asked.view)])


def _day(day: dt.date, count: int) -> dict[str, Any]:
    traffic = {"uploadByteSizeTotal": count // 3, "downloadByteSizeTotal": count - count // 3}
    at = dt.datetime.combine(day, dt.time(), dt.UTC)
    return {"date": f"{day}T00:00:00", "unixtime": int(at.timestamp()), "dataTrafficStatsMap": {"s1.standard": traffic}}
