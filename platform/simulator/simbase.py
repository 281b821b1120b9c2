"""Simbase API v1 over the fleet. Every number and text has the type that the carrier's document shows, odd ones too."""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from .answers import Refusal, answer, read_object
from .calls import Asked
from .door import Door
from .fleet import PLANS, Card
from .history import History, Sms
from .instants import DAY, SECOND, month_label, month_of, month_start, parse_month, simbase_time
from .listing import LARGEST_PAGE, Filters, matching
from .sim import Sim, Span
from .world import World, with_status

SHORTCODE = "55555"
LONGEST_SMS = 160
THROTTLES = frozenset(
    {"NO_LIMIT", *(f"SPEED_{kbps}_KBPS" for kbps in (100, 200, 500, 1000, 2500, 5000))},
)
_MEGABYTE = 1_048_576


def authorize(world: World, asked: Asked, _name: str) -> None:
    """The key goes in a header of its own."""
    if asked.headers.get("x-api-key") != world.settings.api_key:
        raise Refusal(401, "Unauthorized")


def worded(_status: int, text: str) -> object:
    """A refusal in the carrier's shape (the document shows none)."""
    return {"message": text}


def routes() -> list[Route]:
    """The calls of the document."""
    door = Door("simbase", authorize, worded)
    return [
        door.route("/simcards", {"GET": list_sims}),
        door.route("/simcards/{iccid}", {"GET": get_sim, "PATCH": edit_sim}),
        door.route("/simcards/{iccid}/usage/{month}", {"GET": get_usage}),
        door.route("/simcards/{iccid}/sms", {"GET": list_sms, "POST": send_sms}),
        door.route("/plans", {"GET": list_plans}),
        door.route("/balance", {"GET": get_balance}),
        door.route("/{rest:path}", {}),
    ]


def _sim(world: World, asked: Asked) -> Sim:
    sim = world.find(asked.parts["iccid"], "simbase")
    if sim is None:
        raise Refusal(404, "SIM card not found")
    return sim


def _messages_in(sim: Sim, span: Span) -> tuple[int, int]:
    if not sim.history.messages:
        return 0, 0
    return len(sim.messages(span, "mo")), len(sim.messages(span, "mt"))


def list_sims(world: World, asked: Asked) -> Response:
    """GET /simcards: a page; a page past the last one is the last one."""
    query = asked.query()
    size = min(_whole(query, "pagesize", LARGEST_PAGE), LARGEST_PAGE)
    page = _whole(query, "page", 1)
    found = matching(world, Filters.of(query), asked.view)
    pages = max(1, -(-len(found) // size))
    page = min(page, pages)
    start = max(0, (page - 1) * size - asked.overlap)
    rows = page_rows(world, found[start : page * size], asked.view)
    return answer(
        {"total_records": len(found), "records": len(rows), "total_pages": pages, "page": page, "sims": rows},
    )


def _whole(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, "") or str(default)
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise Refusal(400, f"{name} is not a number from 1")
    return int(text)


def page_rows(world: World, indexes: Sequence[int], at: int) -> list[dict[str, Any]]:
    """The lines of a page; where nothing has happened to a SIM, its counter is two divisions."""
    fleet, histories, settings = world.fleets["simbase"], world.histories["simbase"], world.settings
    undisturbed = not (settings.quiets or settings.stock_percent or settings.simbase.resets)
    seen = at - settings.simbase.lag
    rows = []
    for index in indexes:
        if undisturbed and index not in histories:
            rows.append(quick_row(fleet.card(index), seen))
        else:
            rows.append(row(world.sim_at("simbase", index), at))
    return rows


def quick_row(card: Card, seen: int) -> dict[str, Any]:
    """What `row` says of a SIM that always ran and was never touched."""
    pattern = card.pattern
    records = pattern.records_before(seen + 1)
    last = pattern.first + (records - 1) * pattern.period if records else card.created
    start = month_start(month_of(last))
    return {
        "usage_sms_mo": 0,
        "usage_data": pattern.bytes_of(records) - pattern.bytes_of(pattern.records_before(start)),
        "usage_voice": 0,
        "coverage": PLANS[card.plan_id].name,
        "iccid": card.iccid,
        "sim_state": "enabled",
        "usage_sms_mt": 0,
        "device_name": card.device_name,
        "tags": card.tags,
        "ip_address": card.fixed_ip or "Dynamic",
        "last_update": simbase_time(last),
    }


def row(sim: Sim, at: int) -> dict[str, Any]:
    """A SIM in the list: `ip_address` here, `ip` in the detail."""
    counter = sim.counter(at)
    sent, received = _messages_in(sim, counter.span)
    return {
        "usage_sms_mo": sent,
        "usage_data": counter.bytes,
        "usage_voice": 0,
        "coverage": sim.plan().name,
        "iccid": sim.card.iccid,
        "sim_state": sim.status(at).word,
        "usage_sms_mt": received,
        "device_name": sim.device_name(),
        "tags": sim.tags(),
        "ip_address": sim.card.fixed_ip or "Dynamic",
        "last_update": simbase_time(counter.last_record),
    }


def get_sim(world: World, asked: Asked) -> Response:
    """GET /simcards/{iccid}"""
    sim, at = _sim(world, asked), asked.view
    counter = sim.counter(at)
    sent, received = _messages_in(sim, counter.span)
    plan, edits = sim.plan(), sim.history.edits
    place = sim.card.place(plan.name)
    return answer(
        {
            "iccid": sim.card.iccid,
            "carrier": place.network,
            "country": place.country,
            "country_iso": place.iso,
            "device_name": sim.device_name(),
            "msisdn": sim.card.msisdn,
            "sim_state": sim.status(at).word,
            "plan_id": plan.plan_id,
            "lat": f"{place.lat:.7f}",
            "lon": f"{place.lon:.7f}",
            "radio": "LTE-M" if sim.card.kind.name == "meter" else "LTE",
            "apn": "simbase",
            "imei": sim.imei(at).imei,
            "hardware": sim.card.kind.hardware,
            "ip": sim.card.fixed_ip or "Dynamic",
            "throttle": edits.get("throttle", "NO_LIMIT"),
            "tags": sim.tags(),
            "last_update": simbase_time(counter.last_record),
            "imei_lock": edits.get("imei_lock", "off"),
            "location_updates": sim.location_updates(counter.span),
            "sessions": sim.sessions(counter.span, counter.seen),
            "zero_sessions": sim.zero_sessions(counter.span, counter.seen),
            "usage_sms_mo": sent,
            "usage_sms_mt": received,
            "usage_data": counter.bytes,
        }
    )


def get_usage(world: World, asked: Asked) -> Response:
    """GET /simcards/{iccid}/usage/YYYY-MM: the total of any month, with what it cost."""
    sim = _sim(world, asked)
    try:
        month = parse_month(asked.parts["month"])
    except ValueError:
        raise Refusal(400, "month is not YYYY-MM") from None
    at = sim.view(asked.view)
    if month > month_of(at):
        raise Refusal(400, "month lies in the future")
    span = Span(month_start(month), min(month_start(month + 1), at + 1))
    total, plan = sim.month_bytes(month, at), sim.plan()
    sent, received = _messages_in(sim, span)
    cost = {
        "data": round(total / _MEGABYTE * float(plan.mb), 4),
        "month": round(_days_on(sim, span) * float(plan.day), 4),
        "sms": round(sent * float(plan.sms) + received * float(plan.sms_to_device), 4),
    }
    return answer(
        {
            "iccid": sim.card.iccid,
            "month": month_label(month),
            "cost": round(sum(cost.values()), 4),
            "cost_data": cost["data"],
            "cost_month": cost["month"],
            "cost_netw": 0,
            "cost_sms": cost["sms"],
            "cost_voice": 0,
            "lu_count": sim.location_updates(span),
            "session_count": sim.sessions(span, at),
            "zero_sessions": sim.zero_sessions(span, at),
            "usage_data": total,
            "usage_sms_mo": sent,
            "usage_sms_mt": received,
            "usage_voice": 0,
        }
    )


def _days_on(sim: Sim, span: Span) -> int:
    """The days of a month on which the SIM began enabled."""
    start = max(span.start, sim.card.activated)
    return sum(sim.status(day).open for day in range(start, span.end, DAY))


def edit_sim(world: World, asked: Asked) -> Response:
    """PATCH /simcards/{iccid}: all of it or nothing."""
    sim = _sim(world, asked)
    wanted = read_object(asked.body)
    _check_edit(wanted)
    at = asked.now + world.settings.simbase.status_delay
    sim = world.change(sim, lambda one: _edited(one, wanted, at))
    word = sim.status(at).word
    edits = sim.history.edits
    return answer(
        {
            "device_name": sim.device_name(),
            "imei_lock": edits.get("imei_lock", "off"),
            "sim_state": word,
            "throttle": edits.get("throttle", "NO_LIMIT"),
            "tags": sim.tags(),
            "plan_id": sim.plan().plan_id,
            "rateplan": sim.plan().name,
            "coverage": sim.plan().name,
        }
    )


def _check_edit(wanted: dict[str, Any]) -> None:
    words: dict[str, Any] = {
        "sim_state": ("enabled", "disabled"),
        "imei_lock": ("on", "off"),
        "throttle": THROTTLES,
        "plan_id": PLANS,
    }
    if not wanted:
        raise Refusal(400, "nothing to change")
    for name, value in wanted.items():
        if name in words:
            good = isinstance(value, str) and value in words[name]
        elif name == "device_name":
            good = isinstance(value, str) and len(value) <= 255
        elif name == "tags":
            good = isinstance(value, list) and all(isinstance(tag, str) and tag for tag in value)
        else:
            raise Refusal(400, f"{name} is not a field that can be changed")
        if not good:
            raise Refusal(400, f"{name} has no such value")


def _edited(sim: Sim, wanted: dict[str, Any], at: int) -> History:
    """A blocked SIM stays blocked whatever its owner asks: only the word behind the dash changes."""
    edits = {name: value for name, value in wanted.items() if name != "sim_state"}
    changed = msgspec.structs.replace(sim.history, edits={**sim.history.edits, **edits})
    state = wanted.get("sim_state")
    if state is None:
        return changed
    word = f"Blocked - {state}" if sim.status(at).word.startswith("Blocked - ") else state
    return with_status(Sim(sim.card, changed, sim.settings), word, at)


def send_sms(world: World, asked: Asked) -> Response:
    """POST /simcards/{iccid}/sms: refused unless the SIM is enabled."""
    sim = _sim(world, asked)
    text = read_object(asked.body).get("message")
    if not isinstance(text, str) or not 1 <= len(text) <= LONGEST_SMS:
        raise Refusal(400, f"message is not a text of 1 to {LONGEST_SMS} characters")
    if not sim.status(asked.now).open:
        raise Refusal(400, "SIM card is not enabled")
    message = world.add_sms(sim, "mt", text, asked.now)
    return answer({"sender": SHORTCODE, "message": text, "time": simbase_time(message.at)})


def list_sms(world: World, asked: Asked) -> Response:
    """GET /simcards/{iccid}/sms: newest first; `in` is to the server."""
    sim = _sim(world, asked)
    shown = sorted((m for m in sim.history.messages if m.at <= asked.view), key=_newest_first)
    messages = [
        {
            "message": message.text,
            "direction": "out" if message.direction == "mt" else "in",
            "timestamp": simbase_time(message.at),
        }
        for message in shown
    ]
    return answer({"count": len(messages), "messages": messages})


def _newest_first(message: Sms) -> tuple[int, int]:
    return -message.at, -message.sms_id


def list_plans(_world: World, _asked: Asked) -> Response:
    """GET /plans: numbers as texts."""
    fields = ("plan_id", "name", "currency", "day", "mb", "sms", "sms_to_device", "countries")
    return answer([{name: getattr(plan, name) for name in fields} for plan in PLANS.values()])


def get_balance(world: World, asked: Asked) -> Response:
    """GET /balance: numbers as numbers."""
    money = world.settings.balance
    return answer(
        {
            "balance": money.balance,
            "currency": "USD",
            "currency_symbol": "$",
            "last_update": simbase_time(money.updated or asked.now // SECOND * SECOND),
            "auto_topup": money.auto_topup,
            "topup_threshold": money.topup_threshold,
            "topup_amount": money.topup_amount,
        }
    )
