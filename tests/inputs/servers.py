"""Strangers as servers on this machine, which our code really talks to: two carriers that know each SIM under one
spelling and keep what they were asked, and a receiver of webhooks that asks for patience."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

S = TypeVar("S", bound="Server")
Answered = tuple[int, Any]  # a status, and JSON or bytes
CLOSED: Answered = (0, None)  # the connection ends without an answer
GSM = str.maketrans({"’": "'", "“": '"', "”": '"', "–": "-", "…": "...", "\N{NO-BREAK SPACE}": " "})


class Server(ThreadingHTTPServer):
    """Answers each call by `answer` and keeps it in `received`: method, path and body."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, str, bytes]] = []
        self.headers: dict[str, str] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, body: bytes) -> Answered:
        raise NotImplementedError

    def paths(self, *methods: str) -> list[str]:
        return [path for method, path, _ in self.received if method in methods or not methods]

    def handle_error(self, *_: object) -> None:
        """Clients leave in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def act(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.received.append((self.command, self.path, body))
        status, said = server.answer(self.command, self.path, body)
        if not status:
            self.close_connection = True
            return
        answer = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(answer)), **server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PATCH = do_PUT = do_POST = act

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(server: S) -> Iterator[S]:
    with server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


class Simbase(Server):
    """Simbase v1 in small. `sims` are its records as it tells them; `shift` moves pages after the first while they are
    read; `network` says what becomes of messages: gsm, trim, crlf, latin, and drop, whose answer is lost once."""

    def __init__(self, *sims: dict[str, Any], page_size: int = 250) -> None:
        super().__init__()
        self.sims, self.page_size, self.shift = list(sims), page_size, 0
        self.network: set[str] = set()
        self.messages: dict[str, list[dict[str, str]]] = {}

    def answer(self, method: str, path: str, body: bytes) -> Answered:
        url = urlsplit(path)
        parts = url.path.strip("/").split("/")
        if parts == ["simcards"]:
            return 200, self._page(int(parse_qs(url.query)["page"][0]))
        sim = next((one for one in self.sims if parts[0] == "simcards" and one["iccid"] == parts[1]), None)
        if sim is None:
            return 404, {"message": "SIM not found"}
        if method == "PATCH":
            sim.update(json.loads(body))
            return 200, sim
        if parts[2:] == ["sms"]:
            return self._sent(sim["iccid"], json.loads(body)["message"]) if body else self._listed(sim["iccid"])
        if parts[2:3] == ["usage"]:
            return 200, {"iccid": sim["iccid"], "month": parts[3], "usage_data": sim["usage_data"] or 0}
        return 200, sim

    def _page(self, number: int) -> dict[str, Any]:
        first = (number - 1) * self.page_size + (self.shift if number > 1 else 0)
        rows = self.sims[first : first + self.page_size]
        pages = max(1, -(-len(self.sims) // self.page_size))
        return {"total_pages": pages, "page": number, "records": len(rows), "sims": rows}

    def _listed(self, iccid: str) -> Answered:
        found = self.messages.get(iccid, [])
        return 200, {"count": len(found), "messages": found}

    def _sent(self, iccid: str, text: str) -> Answered:
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
        kept = {"message": self._carried(text), "direction": "out", "timestamp": now}
        self.messages.setdefault(iccid, []).insert(0, kept)
        if "drop" in self.network:
            self.network.discard("drop")
            return CLOSED
        return 200, {"message": kept["message"], "time": now}

    def _carried(self, text: str) -> str:
        """What the network makes of a text."""
        if "gsm" in self.network:
            text = text.translate(GSM)
        if "trim" in self.network:
            text = text.strip()
        if "crlf" in self.network:
            text = text.replace("\n", "\r\n")
        if "latin" in self.network:
            text = "".join(character if ord(character) < 256 else "?" for character in text)
        return text


class Portal(Server):
    """IoT Portal's Core API in small: `sims` are ICCIDs as it spells them, each with its status."""

    def __init__(self, sims: Mapping[str, str]) -> None:
        super().__init__()
        self.sims = dict(sims)
        self.used = 0

    def answer(self, method: str, path: str, body: bytes) -> Answered:
        call, _, rest = path.strip("/").partition("/")
        if call == "Login":
            return 200, {"data": {"token": "t" * 40}}
        if call == "BulkEditDevice":
            return 200, {}
        iccid = rest.split("/")[0]
        if call == "GetSMS":
            iccid, _, number = iccid.partition("_")
            at = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.000+0000")
            return 200, {
                "smsMsgId": f"{iccid}_{number}", "msgType": "MT", "messageText": "reboot", "status": "Delivered",
                "iccid": iccid, "dateSent": at,
            }  # fmt: skip
        if iccid not in self.sims:
            return 404, {"error": "Resource not found"}
        if call == "RequestStatusChange":
            self.sims[iccid] = json.loads(body)["status"]
        return 200, self._said(call, iccid)

    def _said(self, call: str, iccid: str) -> object:
        if call == "ctdUsage":
            return [{"iccid": iccid, "status": self.sims[iccid], "ctdDataUsage": self.used, "ctdSMSUsage": self.used}]
        if call == "getStatus":
            return self.sims[iccid]
        return {
            "GetDevice": {"iccid": iccid, "imei": "352099001761481"},
            "sessionInfo": {"iccid": iccid},
            "GetSMSIds": {"iccid": iccid, "smsMsgIds": [f"{iccid}_1"]},
            "SendSMS": {"smsMsgId": f"{iccid}_2"},
        }.get(call, {})


class Receiver(Server):
    """A receiver of webhooks: answers `status`, with `headers`."""

    def __init__(self, status: int = 200, **headers: str) -> None:
        super().__init__()
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(self, method: str, path: str, body: bytes) -> Answered:
        return self.status, b""
