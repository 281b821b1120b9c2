"""How each carrier calls its customer when something has happened to a SIM: what it says, and how it signs that.

Only addresses of this machine are called. What was registered is forgotten with the process.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx
import msgspec

from .fleet import Carrier
from .instants import SECOND, iso
from .sim import Sim

_log = logging.getLogger(__name__)
USER = "linekeeper"  # the name that its customer gave to 1NCE


class Hook(NamedTuple):
    """Where a carrier's customer listens, and the secret between the two."""

    url: str
    secret: str


class Ring(NamedTuple):
    """A call to a customer: about `usage`, `status`, `imei` or `sms` of a SIM, at an instant."""

    carrier: Carrier
    sim: Sim
    about: str
    at: int


Say = Callable[[Ring], Any]
Sign = Callable[[Hook, str, bytes, int], Mapping[str, str]]


def _simbase(ring: Ring) -> Any:
    word = {"imei": "imei", "sms": "sms", "status": "state"}.get(ring.about, "usage")
    return {"event": word, "iccid": ring.sim.card.iccid, "timestamp": iso(ring.at)[:19].replace("T", " ")}


def _streamed(ring: Ring) -> Any:
    """emnify's data streamer, and 1NCE's: usage in records of traffic, the rest in events."""
    sim = {"iccid": ring.sim.card.iccid, "id": ring.sim.card.index}
    if ring.about == "usage":
        return [{"id": ring.at, "sim": sim, "traffic_type": {"id": 5}, "end_timestamp": iso(ring.at)}]
    kind = {"imei": "IMEI changed", "sms": "SMS received"}.get(ring.about, "SIM status changed")
    return [{"id": ring.at, "sim": sim, "event_type": {"id": 1, "description": kind}, "timestamp": iso(ring.at)}]


def _onomondo(ring: Ring) -> Any:
    kind = {"imei": "network-registration", "sms": "sms"}.get(ring.about, "usage")
    return {"type": kind, "iccid": ring.sim.card.iccid, "sim_id": str(ring.sim.card.index), "time": iso(ring.at)}


def _keepgo(ring: Ring) -> Any:
    """As another Linekeeper does."""
    kind = {"imei": "imei.changed", "usage": "usage.unusual"}.get(ring.about, "line.confirmed")
    data = {"account": "0" * 32, "subject": f"line:{ring.sim.card.iccid}"}
    return {"id": f"evt_{ring.at}", "type": kind, "timestamp": iso(ring.at), "data": data}


def _connection(ring: Ring) -> dict[str, Any]:
    """Super SIM's connection event, in the envelope of CloudEvents."""
    kind = "attachment.accepted" if ring.about == "imei" else "data-session.updated"
    data = {"sim_iccid": ring.sim.card.iccid, "sim_sid": f"HS{ring.sim.card.index + 1:032x}"}
    return {"specversion": "1.0", "type": f"iot.supersim.connection.{kind}", "time": iso(ring.at), "data": data}


def _unsigned(_hook: Hook, _url: str, _body: bytes, _at: int) -> Mapping[str, str]:
    return {}


def _twilio(hook: Hook, url: str, _body: bytes, _at: int) -> Mapping[str, str]:
    digest = hmac.digest(hook.secret.encode(), url.encode(), "sha1")
    return {"X-Twilio-Signature": base64.b64encode(digest).decode()}


def _kore(hook: Hook, url: str, body: bytes, _at: int) -> Mapping[str, str]:
    return {"kore-signature": hashlib.sha256(f"{hook.secret}POST{url}".encode() + body).hexdigest()}


def _standard(hook: Hook, _url: str, body: bytes, at: int) -> Mapping[str, str]:
    key, stamp = base64.b64decode(hook.secret.removeprefix("whsec_")), str(at // SECOND)
    digest = hmac.digest(key, f"evt_{at}.{stamp}.".encode() + body, "sha256")
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": f"evt_{at}", "webhook-timestamp": stamp, "webhook-signature": signature}


def _password(hook: Hook, _url: str, _body: bytes, _at: int) -> Mapping[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{USER}:{hook.secret}".encode()).decode()}


def _header(name: str) -> Sign:
    return lambda hook, _url, _body, _at: {name: hook.secret}


SAID: dict[Carrier, tuple[Say, Sign]] = {
    "simbase": (_simbase, _header("X-Simbase-RequestToken")),
    "simbase2": (_simbase, _header("X-Simbase-RequestToken")),
    "onence": (_streamed, _password),
    "emnify": (_streamed, _unsigned),
    "onomondo": (_onomondo, _unsigned),
    "soracom": (lambda ring: {"sim": ring.sim.card.iccid}, _header("X-Linekeeper-Token")),
    "keepgo": (_keepgo, _standard),
    "supersim": (lambda ring: [_connection(ring)], _twilio),
    "kore": (_connection, _kore),
}  # Hologram names a device by a number of its own, and IoT Portal tells of bulk edits alone


class Rings:
    """Who listens, and the calls that wait; one after the other, each once."""

    def __init__(self) -> None:
        self.hooks: dict[Carrier, Hook] = {}
        self.waiting: asyncio.Queue[Ring] = asyncio.Queue()
        self.answers: list[dict[str, Any]] = []

    def clear(self) -> None:
        self.hooks.clear()
        self.answers.clear()

    def happened(self, sim: Sim, about: str, at: int) -> None:
        """Something has happened to a SIM: its carrier's customer is called, where there is one."""
        if sim.card.carrier in self.hooks:
            self.waiting.put_nowait(Ring(sim.card.carrier, sim, about, at))

    async def work_off(self) -> None:
        """Makes the calls for ever."""
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=5) as client:
            while True:
                ring = await self.waiting.get()
                try:
                    await self._make(client, ring)
                finally:
                    self.waiting.task_done()

    async def _make(self, client: httpx.AsyncClient, ring: Ring) -> None:
        if (hook := self.hooks.get(ring.carrier)) is None:
            return
        say, sign = SAID[ring.carrier]
        body = msgspec.json.encode(say(ring))
        url = hook.url + (f"?bodySHA256={hashlib.sha256(body).hexdigest()}" if ring.carrier == "supersim" else "")
        headers = {"Content-Type": "application/json", **sign(hook, url, body, ring.at)}
        told = {"carrier": ring.carrier, "iccid": ring.sim.card.iccid, "about": ring.about}
        try:
            answer = await client.post(url, content=body, headers=headers)
            self.answers.append({**told, "status": answer.status_code})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            _log.warning("webhook of %s: %s", ring.carrier, error)
            self.answers.append({**told, "status": 0})
