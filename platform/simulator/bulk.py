"""Bulk edits: queued, kept over a restart, then told to the webhook - but only to this machine's own addresses."""

import asyncio
import ipaddress
import logging
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from .answers import Refusal
from .edits import edited
from .world import World

_log = logging.getLogger(__name__)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine itself, told without asking a name server."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def queue_bulk(world: World, order: dict[str, Any]) -> str:
    """Put an order in the queue and return its queue id."""
    iccids, webhook = order.get("iccids"), order.get("webhookUrl")
    if not isinstance(iccids, list) or not iccids or not all(isinstance(iccid, str) for iccid in iccids):
        raise Refusal(400, "iccids is not a list of ICCIDs")
    if webhook is not None and not (isinstance(webhook, str) and is_loopback(webhook)):
        raise Refusal(400, "the simulator calls only webhooks on its own machine")
    queue_id = str(order.get("queueId") or f"bulk-{len(world.jobs) + 1}-{world.now()}")
    body = msgspec.json.encode({**order, "queueId": queue_id})
    world.jobs[queue_id] = body
    world.store.put("job", queue_id, body)
    world.job_waiting.set()
    return queue_id


async def work_off(world: World) -> None:
    """Carry out queued orders for ever, oldest first."""
    if world.jobs:
        world.job_waiting.set()
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=5) as client:
        while True:
            await world.job_waiting.wait()
            world.job_waiting.clear()
            for queue_id, body in list(world.jobs.items()):
                await asyncio.sleep(world.settings.bulk_seconds)
                # A reset may have emptied the queue in the meantime.
                if world.jobs.get(queue_id) == body:
                    await _carry_out(world, client, queue_id, msgspec.json.decode(body))


async def _carry_out(world: World, client: httpx.AsyncClient, queue_id: str, order: dict[str, Any]) -> None:
    at = world.now() + world.settings.iotportal.status_delay
    sims = {iccid: world.find(iccid, "iotportal") for iccid in order["iccids"]}
    world.write([(sim, edited(sim, order["update"], at)) for sim in sims.values() if sim])
    world.jobs.pop(queue_id, None)
    world.store.remove("job", queue_id)
    if not order.get("webhookUrl"):
        return
    results = [{"iccid": iccid, "status": "SUCCESS" if sim else "NOT_FOUND"} for iccid, sim in sims.items()]
    try:
        await client.post(order["webhookUrl"], json={"queueId": queue_id, "status": "COMPLETED", "results": results})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _log.warning("webhook of %s: %s", queue_id, error)
