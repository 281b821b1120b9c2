"""What the dialects share: finding SIMs, days of usage, changes, sessions of login."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from simulator.answers import Refusal
from simulator.calls import Asked
from simulator.fleet import WORDS, Carrier
from simulator.history import History, Sms
from simulator.instants import DAY, from_datetime, iso, to_datetime
from simulator.sim import Sim
from simulator.world import World, with_status

MB = 1_000_000
PER_MB = 0.01  # USD, what those that tell costs take from the operator


def sim_of(world: World, carrier: Carrier, iccid: str) -> Sim:
    """The SIM of an ICCID, or a 404."""
    sim = world.find(iccid, carrier)
    if sim is None:
        raise Refusal(404, "SIM not found")
    return sim


def sim_numbered(world: World, carrier: Carrier, text: str, first: int) -> Sim:
    """The SIM of the carrier's own number, which begins at `first`; or a 404."""
    index = int(text) - first if text.isascii() and text.isdecimal() else -1
    if not 0 <= index < world.fleets[carrier].count:
        raise Refusal(404, "not found")
    return world.sim_at(carrier, index)


def sims_from(world: World, carrier: Carrier, start: int, size: int) -> Sequence[Sim]:
    """A stretch of the fleet."""
    stop = min(world.fleets[carrier].count, start + size)
    return [world.sim_at(carrier, index) for index in range(start, stop)]


def whole(text: str | None, default: int) -> int:
    """A number of a query, or a 400."""
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()):
        raise Refusal(400, "a number of the query is none")
    return int(text)


def day_of(text: str) -> dt.date:
    """A day of a query, or a 400."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "a day of the query is none") from None


def days_of(sim: Sim, first: dt.date, last: dt.date, at: int) -> Iterator[tuple[dt.date, int]]:
    """Bytes of each day that had some, and of today: what a carrier shows at an instant."""
    seen = sim.view(at)
    today = to_datetime(at).date()
    day = first
    while day <= min(last, today):
        start = from_datetime(dt.datetime.combine(day, dt.time(), dt.UTC))
        count = sim.bytes_between(start, min(start + DAY, at + 1), seen)
        if count or day == today:
            yield day, max(0, count)
        day += dt.timedelta(days=1)


def cost_of(count: int) -> float:
    """What the operator is charged for bytes, USD."""
    return round(count / MB * PER_MB, 4)


def first_of_month(at: int) -> dt.date:
    return to_datetime(at).date().replace(day=1)


def turned(world: World, asked: Asked, sim: Sim, *, on: bool) -> Sim:
    """The SIM switched on or off, in its carrier's own words."""
    carrier = sim.card.carrier
    word, at = WORDS[carrier][0 if on else 1], asked.now + world.settings.of(carrier).status_delay
    return world.change(sim, lambda one: with_status(one, word, at))


def edited(world: World, sim: Sim, **edits: object) -> Sim:
    """The SIM with something else set on it."""

    def change(one: Sim) -> History:
        return msgspec.structs.replace(one.history, edits={**one.history.edits, **edits})

    return world.change(sim, change)


def messages_of(sim: Sim, at: int, shown: Callable[[Sms], dict[str, object]]) -> list[dict[str, object]]:
    """A SIM's messages, the newest first."""
    found = sorted((m for m in sim.history.messages if m.at <= at), key=lambda m: (-m.at, -m.sms_id))
    return [shown(message) for message in found]


def message_of(sim: Sim, text: str) -> Sms:
    """The message of a number, or a 404."""
    for message in sim.history.messages:
        if str(message.sms_id) == text:
            return message
    raise Refusal(404, "SMS not found")


def has_arrived(sim: Sim, message: Sms, at: int) -> bool:
    """Whether a message to a device is there."""
    return message.delivered is not None and message.delivered <= at and sim.status(message.delivered).open


def message_shown(sim: Sim, message: Sms, at: int) -> dict[str, Any]:
    """A message as emnify and 1NCE tell it."""
    incoming = message.direction == "mo"
    word = {"description": "DELIVERED", "id": 4}
    if not incoming and not has_arrived(sim, message, at):
        word = {"description": "PENDING", "id": 2}
    return {
        "id": message.sms_id,
        "submit_date": iso(message.at),
        "iccid": sim.card.iccid,
        "payload": message.text,
        "status": word,
        "sms_type": {"description": "MO", "id": 2} if incoming else {"description": "MT", "id": 1},
    }


def by_token(world: World, asked: Asked, header: str, scheme: str = "") -> None:
    """A token of ours in a header, or a 401."""
    token = asked.headers.get(header, "")
    if not token.startswith(scheme) or not world.knows_token(token.removeprefix(scheme)):
        raise Refusal(401, "Unauthorized")


def text_of(data: dict[str, object], name: str) -> str:
    """A text of a body, or a 400."""
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(400, f"{name} is no text")
    return value
