"""The door of both carriers: takes calls down, plays faults, keeps limits, words refusals."""

import asyncio
import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .answers import Refusal, answer
from .calls import Asked, Call
from .clock import machine_time
from .faults import Fault
from .fleet import Carrier
from .instants import SECOND, iso
from .world import World

Handler = Callable[[World, Asked], Response]
_HTML = "<!DOCTYPE html><html><head><title>Sorry</title></head><body><h1>We are working on it</h1></body></html>"
_NEVER = 24 * 3600.0


@dataclass(frozen=True)
class Door:
    """How one carrier lets calls in: who may call, and how it words a refusal."""

    carrier: Carrier
    authorize: Callable[[World, Asked, str], None]
    worded: Callable[[int, str], object]

    def route(self, path: str, handlers: Mapping[str, Handler]) -> Route:
        """A route that answers the verbs given and refuses the others."""

        async def endpoint(request: Request) -> Response:
            return await self._answer(request, handlers)

        verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return Route(path, endpoint, methods=verbs, name=path)

    async def _answer(self, request: Request, handlers: Mapping[str, Handler]) -> Response:
        world: World = request.app.state.world
        body = await request.body()
        now = world.now()
        handler = handlers.get(request.method)
        call = self._noted(world, request, body, now, handler)
        asked = Asked(call, body, request.headers, request.path_params, now)
        taken = world.faults.before(call)
        for fault in taken:
            await self._play_before(world, request, asked, fault)
        early = next((_instead(fault) for fault in taken if fault.kind in ("error", "html")), None)
        response = early or self._acted(world, asked, handler)
        if not early:
            response = await self._play_after(world, request, call, response)
        call.status = response.status_code
        return response

    def _noted(self, world: World, request: Request, body: bytes, now: int, handler: Handler | None) -> Call:
        prefix = request.scope.get("root_path", "")
        return world.calls.note(
            carrier=self.carrier,
            verb=request.method,
            path=request.scope["path"].removeprefix(prefix),
            query=request.url.query,
            body=body.decode("utf-8", "replace"),
            at=iso(now),
            machine_at=iso(machine_time()),
            name=handler.__name__ if handler else "unknown",
            iccid=request.path_params.get("iccid"),
        )

    def _acted(self, world: World, asked: Asked, handler: Handler | None) -> Response:
        """What the carrier answers when nothing is in the way."""
        try:
            limits = world.settings.of(self.carrier).rate
            wait = world.limits[self.carrier].wait(limits, machine_time(), asked.now)
            if wait is not None:
                raise Refusal(429, "Too Many Requests", {"Retry-After": str(wait)})
            if handler is None:
                raise Refusal(404, "Not Found")
            self.authorize(world, asked, handler.__name__)
            return handler(world, asked)
        except Refusal as refusal:
            return answer(self.worded(refusal.status, refusal.text), refusal.status, refusal.headers)

    async def _play_before(self, world: World, request: Request, asked: Asked, fault: Fault) -> None:
        match fault.kind:
            case "delay":
                await asyncio.sleep(fault.seconds)
                asked.now = world.now()
            case "hang":
                await left_or(request, fault.seconds or _NEVER)
            case "drop_before":
                await dropped(request)
            case "expire_token":
                world.tokens.pop(asked.headers.get("authorization", ""), None)
            case "stale":
                asked.stale += int(fault.seconds * SECOND)
            case "overlap":
                asked.overlap += fault.rows

    async def _play_after(self, world: World, request: Request, call: Call, response: Response) -> Response:
        body, connection = world.faults.after(call, bytes(response.body))
        for fault in connection:
            if fault.kind == "hang_after":
                await left_or(request, fault.seconds or _NEVER)
            else:
                await dropped(request)
        if body is response.body or body == response.body:
            return response
        headers = {k: v for k, v in response.headers.items() if k not in ("content-length", "content-type")}
        return Response(body, response.status_code, headers, response.media_type)


class Dropped(Exception):
    """The connection is gone; there is nobody to answer."""


def _instead(fault: Fault) -> Response:
    """The answer of a carrier that does not act."""
    if fault.kind == "html":
        return Response(_HTML, fault.status if fault.status != 500 else 200, media_type="text/html")
    headers = {}
    if fault.retry_after is not None:
        later = email.utils.formatdate(time.time() + fault.retry_after, usegmt=True)
        headers["Retry-After"] = later if fault.retry_as_date else str(int(fault.retry_after))
    return answer({"message": f"simulated {fault.status}"}, fault.status, headers)


async def left_or(request: Request, seconds: float) -> None:
    """Say nothing until the client leaves or the time is over."""
    leaving = asyncio.ensure_future(_left(request))
    try:
        done, _ = await asyncio.wait({leaving}, timeout=seconds)
    except asyncio.CancelledError:
        # The server stops: whoever still waits is cut off rather than told an error that no fault asked for.
        _cut(request)
        raise Dropped from None
    finally:
        leaving.cancel()
    if done:
        raise Dropped


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def dropped(request: Request) -> None:
    """Cut the connection without a word."""
    _cut(request)
    await _left(request)
    raise Dropped


def _cut(request: Request) -> None:
    # ASGI has no word for it; uvicorn's receive() is a method of the object that holds the transport.
    held: Any = getattr(request.receive, "__self__", None)
    held.transport.abort()


async def nobody_left(_request: Request, _error: Exception) -> Response:
    """Ends a dropped call; uvicorn throws the answer away because the client is gone."""
    return Response(status_code=500)
