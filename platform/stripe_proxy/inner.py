"""localstripe itself, on a unix socket that only its owner reaches.

Its own start command listens on every network and keeps its objects in a file that anybody can write.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from localstripe import resources
from localstripe.server import app as localstripe_app

from .state import Json


class Inner:
    """localstripe's answers, asked as by the account's own key."""

    def __init__(self, socket: Path, kept: Path | None) -> None:
        self._socket = socket
        self._kept = kept
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket)), base_url="http://localstripe", timeout=20
        )

    async def start(self) -> None:
        store = resources.store
        store.clear()
        kept = self._kept
        if kept is not None and kept.exists():
            store.update(pickle.loads(kept.read_bytes()))  # noqa: S301 - our own file in our own folder

        def keep(_store: Any) -> None:
            if kept is not None:
                draft = kept.with_suffix(".new")
                draft.write_bytes(pickle.dumps(dict(store), protocol=pickle.HIGHEST_PROTOCOL))
                draft.replace(kept)

        resources.Store.dump_to_disk = keep
        self._runner = web.AppRunner(_unfrozen(localstripe_app), access_log=None)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._socket)).start()

    async def stop(self) -> None:
        await self._http.aclose()
        await self._runner.cleanup()

    async def ask(self, method: str, path: str, key: str, data: Json | None = None) -> tuple[int, Json]:
        """Status and JSON; data are sent as JSON, or for a GET as the query."""
        sent = {"params": data} if method == "GET" else {"json": data or {}}
        response = await self._http.request(
            method,
            path,
            headers={"Authorization": f"Bearer {key}"},
            **sent,
        )
        try:
            return response.status_code, response.json()
        except ValueError:
            return response.status_code, {"error": {"type": "api_error", "message": response.text[:200]}}


def _unfrozen(app: web.Application) -> web.Application:
    """The same routes in an application that can be started again in this process: aiohttp's runs only once."""
    again = web.Application(middlewares=list(app.middlewares))
    for route in app.router.routes():
        if route.method != "HEAD" and route.resource is not None:
            again.router.add_route(route.method, route.resource.canonical, route.handler)
    return again
