"""Who listens to webhooks: one that takes what comes, and one that takes connections and never says a word."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Receivers:
    """Their addresses, and what was taken, by its id."""

    def __init__(self, good: str, silent: str) -> None:
        self.good, self.silent = good, silent
        self.heard: list[str] = []


@contextmanager
def receivers() -> Iterator[Receivers]:
    silent = socket.create_server(("127.0.0.1", 0), backlog=1000)
    found: Receivers

    class Taker(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            found.heard.append(self.headers["webhook-id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    found = Receivers(f"http://127.0.0.1:{server.server_address[1]}/", f"http://127.0.0.1:{silent.getsockname()[1]}/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        silent.close()
        thread.join()
