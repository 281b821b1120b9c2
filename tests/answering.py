"""The requests that the live server of browser tests is at: a test is over when they are, and none of them writes into
the next one's database."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wsgi import ClosingIterator

SLOW_PAGES = float(os.environ.get("SLOW_PAGES", "0"))  # seconds that a script and an answer to one are late
WELL_WITHIN = 60  # seconds for one request on a busy machine

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Answering:
    """Around the application of a server: how many requests it is at."""

    def __init__(self, app: App) -> None:
        self._app, self._number, self._fewer = app, 0, threading.Condition()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._fewer:
            self._number += 1
        if SLOW_PAGES and (environ["PATH_INFO"].endswith(".js") or "HTTP_HX_REQUEST" in environ):
            time.sleep(SLOW_PAGES)
        try:
            return ClosingIterator(self._app(environ, start_response), self._ended)
        except BaseException:
            self._ended()
            raise

    def _ended(self) -> None:
        with self._fewer:
            self._number -= 1
            self._fewer.notify_all()

    def wait(self) -> None:
        """Until no request is being answered."""
        with self._fewer:
            assert self._fewer.wait_for(lambda: self._number == 0, WELL_WITHIN), f"{self._number} requests do not end"
