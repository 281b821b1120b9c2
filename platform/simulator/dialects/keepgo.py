"""Keepgo's IoT REST API over the fleet, as it was observed."""

import base64
import hmac
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from simulator.answers import Refusal, answer
from simulator.calls import Asked
from simulator.door import Door
from simulator.instants import month_label, month_of, month_start, parse_month, to_datetime
from simulator.sim import Sim
from simulator.world import World

from .shared import days_of, sim_of, sims_from, turned, whole

ACCOUNT = "fedcba9876543210fedcba9876543210"
USER = "00112233445566778899aabbccddeeff"
KEY = "0123456789abcdef0123456789abcdef"
_IDS = {"Activated": 1, "Deactivated": 2, "Suspended": 3, "Activation Ready": 4}


def authorize(_world: World, asked: Asked, _name: str) -> None:
    """The hash of the time and the account, by the shared key."""
    stamp = asked.headers.get("timestamp", "")
    digest = hmac.digest(KEY.encode(), f"{stamp}{ACCOUNT}".encode(), "sha1")
    is_ours = hmac.compare_digest(asked.headers.get("hash", ""), base64.b64encode(digest).decode())
    if not is_ours or asked.headers.get("uuid") != USER or asked.parts.get("account") != ACCOUNT:
        raise Refusal(401, "Unauthorized")


def worded(_status: int, text: str) -> object:
    return {"error": text}


def routes() -> list[Route]:
    door = Door("keepgo", authorize, worded)
    return [
        door.route("/{account}/iot_sim_cards", {"GET": list_sims}),
        door.route("/{account}/sim_card/{iccid}/daily_statistics", {"GET": get_days}),
        door.route("/{account}/sim_card/{iccid}/activation_ready", {"POST": activate}),
        door.route("/{account}/sim_card/{iccid}/deactivate", {"POST": deactivate}),
        door.route("/{rest:path}", {}),
    ]


def _row(sim: Sim, at: int) -> dict[str, Any]:
    word, counter = sim.status(at).word, sim.counter(at)
    return {
        "status": word,
        "status_id": _IDS.get(word, 2),
        "iccid": sim.card.iccid,
        "account_name": "Demo",
        "rate_plan": "World",
        "billing_cycle": month_label(counter.month),
        "daily_usage_mb": 0.0,
        "monthly_usage_mb": round(counter.bytes / 1024**2, 6),
        "count_of_sessions": 0,
        "sms_sent": 0,
        "notes": sim.device_name(),
        "deactivation_date": None,
    }


def list_sims(world: World, asked: Asked) -> Response:
    query = asked.query()
    page, size = whole(query.get("page"), 1), whole(query.get("per_page"), 25)
    if wanted := query.get("common_filter"):
        found = world.find(wanted, "keepgo")
        return answer({"data": [_row(found, asked.view)] if found else [], "total": 1 if found else 0})
    rows = [_row(sim, asked.view) for sim in sims_from(world, "keepgo", (page - 1) * size, size)]
    return answer({"data": rows, "total": world.fleets["keepgo"].count})


def get_days(world: World, asked: Asked) -> Response:
    sim, text = sim_of(world, "keepgo", asked.parts["iccid"]), asked.query().get("billing_cycle")
    try:
        month = parse_month(text) if text else month_of(asked.view)
    except ValueError:
        raise Refusal(400, "billing_cycle is not YYYY-MM") from None
    first, last = (to_datetime(at).date() for at in (month_start(month), month_start(month + 1) - 1))
    days = days_of(sim, first, last, asked.view)
    return answer([{"date": day.isoformat(), "usage_kb": count / 1024} for day, count in days])


def activate(world: World, asked: Asked) -> Response:
    turned(world, asked, sim_of(world, "keepgo", asked.parts["iccid"]), on=True)
    return answer({"ack": "success"})


def deactivate(world: World, asked: Asked) -> Response:
    turned(world, asked, sim_of(world, "keepgo", asked.parts["iccid"]), on=False)
    return answer({"ack": "success"})
