"""1NCE's management API over the fleet: v2, and v1 for usage."""

import base64
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
    day_of,
    days_of,
    edited,
    first_of_month,
    message_of,
    message_shown,
    messages_of,
    sim_of,
    sims_from,
    text_of,
    turned,
    whole,
)

USER, PASSWORD = "1nce-demo-user", "1nce-demo-password"
_LARGEST_PAGE = 100
_RADIO = {"rat_type_id": "6", "description": "4G"}
_SESSION = (
    "pdp_context_id endpoint_id tariff_id ratezone_id organisation_id tx_teid_data_plane "
    "tx_teid_control_plane rx_teid rx_teid_data_plane rx_teid_control_plane gtp_version nsapi "
    "sgsn_control_plane_ip_address sgsn_data_plane_ip_address ggsn_control_plane_ip_address "
    "ggsn_data_plane_ip_address created mcc mnc lac ci sac rac ue_ip_address imeisv region apn "
    "sim_id imsi_id imsi "
)


def authorize(world: World, asked: Asked, name: str) -> None:
    """A bearer token; for the login itself the user's name and password."""
    if name != login.__name__:
        by_token(world, asked, "authorization", "Bearer ")
    elif asked.headers.get("authorization") != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
        raise Refusal(401, "Unauthorized")


def worded(status: int, text: str) -> object:
    return {"statusCode": status, "message": text}


def routes() -> list[Route]:
    door = Door("onence", authorize, worded)
    return [
        door.route("/oauth/token", {"POST": login}),
        door.route("/v2/sims", {"GET": list_sims}),
        door.route("/v2/sims/{iccid}", {"GET": get_sim, "PUT": modify_sim}),
        door.route("/v2/sims/{iccid}/status", {"GET": get_place}),
        door.route("/v2/sims/{iccid}/reset", {"POST": reset}),
        door.route("/v1/sims/{iccid}/usage", {"GET": get_usage}),
        door.route("/v2/sims/{iccid}/sms", {"GET": list_sms, "POST": send_sms}),
        door.route("/v2/sims/{iccid}/sms/{id}", {"GET": get_sms}),
        door.route("/{rest:path}", {}),
    ]


def login(world: World, asked: Asked) -> Response:
    if read_object(asked.body).get("grant_type") != "client_credentials":
        raise Refusal(400, "unsupported grant type")
    return answer({"access_token": world.new_token(), "token_type": "bearer", "expires_in": 3600})


def _row(sim: Sim, at: int) -> dict[str, Any]:
    return {
        "iccid": sim.card.iccid,
        "imsi": sim.card.imsi,
        "msisdn": sim.card.msisdn,
        "imei": sim.imei(at).imei,
        "imei_lock": bool(sim.history.edits.get("imei_lock")),
        "status": sim.status(at).word,
        "activation_date": iso(sim.card.activated),
        "ip_address": sim.card.fixed_ip or "",
        "label": sim.device_name(),
    }


def list_sims(world: World, asked: Asked) -> Response:
    query = asked.query()
    page, size = whole(query.get("page"), 1), min(whole(query.get("pageSize"), 10), _LARGEST_PAGE)
    count = world.fleets["onence"].count
    rows = [_row(sim, asked.view) for sim in sims_from(world, "onence", (page - 1) * size, size)]
    pages = str(max(1, -(-count // size)))
    return answer(rows, headers={"X-Total-Pages": pages, "X-Total-Count": str(count), "X-Current-Page": str(page)})


def get_sim(world: World, asked: Asked) -> Response:
    return answer(_row(sim_of(world, "onence", asked.parts["iccid"]), asked.view))


def modify_sim(world: World, asked: Asked) -> Response:
    sim, wanted = sim_of(world, "onence", asked.parts["iccid"]), read_object(asked.body)
    if (status := wanted.get("status")) is not None:
        if status not in ("Enabled", "Disabled"):
            raise Refusal(400, "status is not Enabled or Disabled")
        sim = turned(world, asked, sim, on=status == "Enabled")
    if "imei_lock" in wanted:
        sim = edited(world, sim, imei_lock=bool(wanted["imei_lock"]))
    if "label" in wanted:
        edited(world, sim, device_name=str(wanted["label"]))
    return Response(status_code=200)


def get_place(world: World, asked: Asked) -> Response:
    sim = sim_of(world, "onence", asked.parts["iccid"])
    place = sim.card.place("Europe")
    country = {"id": 74, "name": place.country, "iso_code": place.iso.lower()}
    operator = {"id": 2, "name": place.network, "mnc": "01", "country": country}
    location = {"iccid": sim.card.iccid, "imsi": sim.card.imsi, "operator": operator}
    session = dict.fromkeys(_SESSION.split(), "1") | {"created": iso(asked.view), "rat_type": _RADIO}
    return answer(
        {"status": {"description": "ONLINE"}, "location": location, "pdp_contexts": [session], "services": []}
    )


def reset(world: World, asked: Asked) -> Response:
    sim_of(world, "onence", asked.parts["iccid"])
    return Response(status_code=201)


def get_usage(world: World, asked: Asked) -> Response:
    sim, query = sim_of(world, "onence", asked.parts["iccid"]), asked.query()
    today = to_datetime(asked.view).date()
    first = day_of(query["start_dt"]) if "start_dt" in query else first_of_month(asked.view)
    last = day_of(query["end_dt"]) if "end_dt" in query else today
    messages = [to_datetime(m.at).date() for m in sim.history.messages if m.at <= asked.view]
    stats = [
        {
            "date": f"{day}T00:00:00.000Z",
            "data": {"volume": f"{count / MB:.6f}", "volume_rx": f"{count / MB:.6f}", "volume_tx": "0.000000"},
            "sms": {"volume": str(messages.count(day)), "volume_rx": "0", "volume_tx": "0"},
        }
        for day, count in days_of(sim, first, last, asked.view)
    ]
    return answer({"stats": stats})


def list_sms(world: World, asked: Asked) -> Response:
    sim = sim_of(world, "onence", asked.parts["iccid"])
    return answer(messages_of(sim, asked.view, lambda m: message_shown(sim, m, asked.view)))


def get_sms(world: World, asked: Asked) -> Response:
    sim = sim_of(world, "onence", asked.parts["iccid"])
    return answer(message_shown(sim, message_of(sim, asked.parts["id"]), asked.view))


def send_sms(world: World, asked: Asked) -> Response:
    sim = sim_of(world, "onence", asked.parts["iccid"])
    text = text_of(read_object(asked.body), "payload")
    if not sim.status(asked.now).open:
        raise Refusal(409, "SIM is disabled")
    return answer({"id": str(world.add_sms(sim, "mt", text, asked.now).sms_id)}, 201)
