"""Webhooks: signed when sent, and sent again with growing pauses until they are taken (Stripe does so for three days).

https://docs.stripe.com/webhooks#retries
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time

import httpx

from .state import Json, State

PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)  # seconds; the last one goes on


def signature(payload: str, secret: str, at: int | None = None) -> str:
    """The Stripe-Signature header of a payload. https://docs.stripe.com/webhooks#verify-manually"""
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{moment}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


class Deliveries:
    """Sends events to the one endpoint that it was told; keeps them while there is none."""

    def __init__(self, state: State, url: str, secret: str) -> None:
        self._state = state
        self.url = url
        self.secret = secret
        self._wake = asyncio.Event()
        self._due: dict[str, tuple[float, int]] = {}

    def ring(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            while True:
                self._wake.clear()
                pause = await self._deliver_due(http) if self.url else None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), pause)

    async def _deliver_due(self, http: httpx.AsyncClient) -> float | None:
        """Send what is due; seconds until the next, or None where nothing waits."""
        now = time.monotonic()
        for event in [one for one in self._state.events if one["id"] in self._state.undelivered]:
            due, tries = self._due.get(event["id"], (0.0, 0))
            if due > now:
                continue
            if await self._deliver(http, event):
                self._state.undelivered.remove(event["id"])
                self._due.pop(event["id"], None)
                self._state.keep()
            else:
                tries = min(tries + 1, len(PAUSES) - 1)
                self._due[event["id"]] = (now + PAUSES[tries], tries)
        waits = [due for name, (due, _) in self._due.items() if name in self._state.undelivered]
        return max(0.1, min(waits) - time.monotonic()) if waits else None

    async def _deliver(self, http: httpx.AsyncClient, event: Json) -> bool:
        payload = json.dumps(event)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, self.secret),
        }
        try:
            answer = await http.post(self.url, content=payload, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.is_success
