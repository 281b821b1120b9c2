"""IoT Portal Core API over the fleet. There is no list: one call for each SIM, by a token that expires unannounced."""

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from .answers import Refusal, answer, read_object
from .bulk import queue_bulk
from .calls import Asked
from .door import Door
from .edits import checked_edit, checked_status, edited
from .history import Sms
from .instants import DAY, iotportal_time
from .sim import Sim
from .world import World, with_status

LONGEST_SMS = 160


def authorize(world: World, asked: Asked, name: str) -> None:
    """The bare token is the whole header: with a scheme word in front it is another, unknown token."""
    if name != login.__name__ and not world.knows_token(asked.headers.get("authorization", "")):
        raise Refusal(401, "Unauthorized")


def worded(status: int, text: str) -> object:
    """A refusal in the carrier's shape (the document shows none)."""
    return {"error": {"code": status, "message": text}}


def routes() -> list[Route]:
    """The calls of the document."""
    door = Door("iotportal", authorize, worded)
    return [
        door.route("/Login", {"POST": login}),
        door.route("/ctdUsage/{iccid}", {"GET": ctd_usage}),
        door.route("/GetDevice/{iccid}", {"GET": get_device}),
        door.route("/sessionInfo/{iccid}", {"GET": session_info}),
        door.route("/getStatus/{iccid}", {"GET": get_status}),
        door.route("/GetSMS/{sms_id}", {"GET": get_sms}),
        door.route("/GetSMSIds/{iccid}", {"GET": get_sms_ids}),
        door.route("/RequestStatusChange/{iccid}", {"PUT": request_status_change}),
        door.route("/EditDevice/{iccid}", {"PUT": edit_device}),
        door.route("/BulkEditDevice", {"PUT": bulk_edit_device}),
        door.route("/SendSMS/{iccid}/{version}", {"PUT": send_sms}),
        door.route("/RuleUpdate", {"PUT": rule_update}),
        door.route("/{rest:path}", {}),
    ]


def _sim(world: World, asked: Asked) -> Sim:
    sim = world.find(asked.parts["iccid"], "iotportal")
    if sim is None:
        raise Refusal(404, "ICCID not found")
    return sim


def login(world: World, asked: Asked) -> Response:
    """POST /Login with clientId and secretKey, or the older apiToken."""
    given, settings = read_object(asked.body), world.settings
    by_account = given.get("clientId") == settings.client_id and given.get("secretKey") == settings.secret_key
    if not by_account and given.get("apiToken") != settings.api_token:
        raise Refusal(401, "Invalid credentials")
    return answer({"data": {"token": world.new_token()}})


def _head(sim: Sim, at: int) -> dict[str, Any]:
    return {
        "iccid": sim.card.iccid,
        "imsi": sim.card.imsi,
        "msisdn": sim.card.msisdn,
        "imei": sim.imei(at).imei,
        "status": sim.status(at).word,
    }


def ctd_usage(world: World, asked: Asked) -> Response:
    """GET /ctdUsage/{iccid}: an array of one; no time is given, and the session count is null until there is one."""
    sim, at = _sim(world, asked), asked.view
    counter = sim.counter(at)
    messages = len(sim.messages(counter.span, "mt")) + len(sim.messages(counter.span, "mo"))
    usage = {
        "ctdDataUsage": counter.bytes,
        "ctdSMSUsage": messages,
        "ctdVoiceUsage": 0,
        "ctdSessionCount": sim.sessions(counter.span, counter.seen) or None,
    }
    return answer([_head(sim, at) | usage])


def get_device(world: World, asked: Asked) -> Response:
    """GET /GetDevice/{iccid}"""
    sim, at = _sim(world, asked), asked.view
    edits = sim.history.edits
    changes = [change.at for change in sim.history.statuses] + [change.at for change in sim.history.imeis]
    changed = max((instant for instant in changes if instant <= at), default=sim.card.activated)
    dates = {
        "dateActivated": iotportal_time(sim.card.activated),
        "dateCreated": iotportal_time(sim.card.created),
        "dateUpdated": iotportal_time(changed),
        "dateShipped": iotportal_time(sim.card.created + 5 * DAY),
    }
    owner = {"customer": "#1001 Demo", "endConsumerId": edits.get("endConsumerId")}
    plans = {
        "ratePlan": edits.get("ratePlan", "EU Economy 300MB"),
        "communicationPlan": edits.get("communicationPlan", "EU (inet) DATA SMS Voice"),
    }
    rest = {
        "accountId": "100000001",
        "fixedIPAddress": sim.card.fixed_ip,
        "simNotes": edits.get("simNotes"),
        "deviceID": edits.get("deviceID", sim.card.device_name),
        "modemID": edits.get("modemID"),
        "globalSimType": "NONE",
        "username": "",
        "commsplan": "MULTINETWORK",
        "isshared": "False",
        "parenticcid": "",
        "dataquantity": "1",
        "datasize": "GB",
        "action": "",
        "zh_q_id": "",
        "contractdetails": "1-Current",
    }
    return answer(_head(sim, at) | plans | owner | dates | rest)


def session_info(world: World, asked: Asked) -> Response:
    """GET /sessionInfo/{iccid}: the last session; it has no end while it is open."""
    sim, at = _sim(world, asked), asked.view
    found = None
    for span in reversed(sim.spans()):
        found = sim.card.pattern.last_session(span.start, min(span.end, at + 1))
        if found:
            found = (found[0], min(found[1], span.end))
            break
    ended = found[1] if found and found[1] <= at else None
    return answer(
        {
            "iccid": sim.card.iccid,
            "ipAddress": (sim.card.fixed_ip or f"100.{64 + sim.card.roll % 64}.{sim.card.roll >> 8 & 255}.1")
            if found
            else None,
            "dateSessionStarted": iotportal_time(found[0]) if found else None,
            "dateSessionEnded": iotportal_time(ended) if ended else None,
        }
    )


def get_status(world: World, asked: Asked) -> Response:
    """GET /getStatus/{iccid}: a bare word, though the header says JSON."""
    word = _sim(world, asked).status(asked.view).word
    return Response(word, media_type="application/json")


def request_status_change(world: World, asked: Asked) -> Response:
    """PUT /RequestStatusChange/{iccid}: the call that every account has; it may take effect later."""
    sim = _sim(world, asked)
    word = checked_status(read_object(asked.body))
    at = asked.now + world.settings.iotportal.status_delay
    world.change(sim, lambda one: with_status(one, word, at))
    return answer({"iccid": sim.card.iccid, "status": word})


def _may_edit(world: World) -> None:
    if not world.settings.edit_allowed:
        raise Refusal(403, "this account has no access to this route")


def edit_device(world: World, asked: Asked) -> Response:
    """PUT /EditDevice/{iccid}: closed to most accounts."""
    _may_edit(world)
    sim = _sim(world, asked)
    wanted = checked_edit(read_object(asked.body))
    at = asked.now + world.settings.iotportal.status_delay
    world.change(sim, lambda one: edited(one, wanted, at))
    return answer({"iccid": sim.card.iccid, **wanted})


def bulk_edit_device(world: World, asked: Asked) -> Response:
    """PUT /BulkEditDevice: closed to most accounts; queued, and the end is told to webhookUrl."""
    _may_edit(world)
    order = read_object(asked.body)
    checked_edit(order.get("update"))
    return answer({"queueId": queue_bulk(world, order), "status": "QUEUED"})


def send_sms(world: World, asked: Asked) -> Response:
    """PUT /SendSMS/{iccid}/{apiVersion}: refused unless the SIM may send and receive."""
    sim = _sim(world, asked)
    text = read_object(asked.body).get("messageText")
    if not isinstance(text, str) or not 1 <= len(text) <= LONGEST_SMS:
        raise Refusal(400, f"messageText is not a text of 1 to {LONGEST_SMS} characters")
    if not sim.status(asked.now).open:
        raise Refusal(400, "the SIM is not active")
    return answer({"smsMsgId": world.add_sms(sim, "mt", text, asked.now).sms_id})


def get_sms(world: World, asked: Asked) -> Response:
    """GET /GetSMS/{id}: Pending until delivered; a message from a device is Received."""
    text = asked.parts["sms_id"]
    owner = world.sms_owner.get(int(text)) if text.isascii() and text.isdecimal() and len(text) < 19 else None
    if owner is None or owner[0] != "iotportal":
        raise Refusal(404, "SMS not found")
    sim = world.sim_at(*owner)
    message = next(one for one in sim.history.messages if one.sms_id == int(text))
    return answer(_sms(sim, message, asked.view))


def _sms(sim: Sim, message: Sms, at: int) -> dict[str, Any]:
    incoming = message.direction == "mo"
    arrived = message.delivered is not None and message.delivered <= at and sim.status(message.delivered).open
    done = iotportal_time(message.delivered) if arrived and message.delivered is not None else None
    return {
        "smsMsgId": message.sms_id,
        "iccid": sim.card.iccid,
        "msgType": "MO" if incoming else "MT",
        "status": "Received" if incoming else "Delivered" if arrived else "Pending",
        "messageText": message.text,
        "sentFrom": sim.card.msisdn if incoming else "server",
        "sentTo": "server" if incoming else sim.card.msisdn,
        "dateSent": iotportal_time(message.at),
        "dateReceived": iotportal_time(message.at) if incoming else done,
    }


def get_sms_ids(world: World, asked: Asked) -> Response:
    """GET /GetSMSIds/{iccid}: oldest first, both directions."""
    sim = _sim(world, asked)
    return answer(
        {"iccid": sim.card.iccid, "smsMsgIds": [m.sms_id for m in sim.history.messages if m.at <= asked.view]}
    )


def rule_update(_world: World, asked: Asked) -> Response:
    """PUT /RuleUpdate: the document says nothing of it but an empty object."""
    read_object(asked.body)
    return answer({})
