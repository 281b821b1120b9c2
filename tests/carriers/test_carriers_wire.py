"""What no decent carrier does: dripping, flooding, lying about lengths. None of it may hold a worker or leak a key."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from lines.carriers import CLIENTS, OURS, exchange, open_client, wire
from lines.carriers.base import (
    CarrierClient,
    CarrierFailure,
    Malformed,
    OutcomeUnknown,
    Reading,
    Refused,
    Status,
    Switch,
    Unreachable,
)
from lines.carriers.deadline import Deadline
from lines.carriers.simbase import Simbase

if TYPE_CHECKING:
    from tests.carriers.conftest import OddCarrier

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
ICCID = "8912300000000000001"
KEY = "key-of-the-customer-0815"
WELL_WITHIN = 60.0  # seconds, on a busy machine, for what would go on for longer
Play = Callable[[BaseHTTPRequestHandler], object]
LINE = json.dumps({"iccid": ICCID, "usage_data": 5, "sim_state": "disabled"}).encode()


def client_of(server: OddCarrier, timeout: float = 0.5) -> CarrierClient:
    return open_client("simbase", url=server.url, secrets={"api_key": KEY}, timeout=timeout)


def read(client: CarrierClient) -> Reading:
    return client.read_line(ICCID, now=NOW)


def switch(client: CarrierClient) -> Status | None:
    return client.set_switch(ICCID, on=False)


def dripping(head: bytes, drops: bytes, *, every: float = 0.1) -> Play:
    """Sends `head`, then one byte at a time."""

    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        for byte in drops:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(every)

    return play


ENDLESS = {
    "drips its headers": dripping(b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 1000),
    "drips its body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", LINE * 12),
    "drips chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 200),
    "is about to answer for ever": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 240, every=0.02),
    "stops in the middle": lambda handler: (
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        threading.Event().wait(WELL_WITHIN * 2),
    ),
}


@pytest.mark.parametrize("play", ENDLESS.values(), ids=ENDLESS.keys())
class TestDeadline:
    def test_it_cuts_a_read_short(self, odd: OddCarrier, play: Play) -> None:
        odd.play = play
        self._is_cut(odd, read, Unreachable)

    def test_it_leaves_the_outcome_of_a_write_unknown(self, odd: OddCarrier, play: Play) -> None:
        odd.play = play
        self._is_cut(odd, switch, OutcomeUnknown)

    def _is_cut(self, odd: OddCarrier, ask: Callable[[CarrierClient], object], failure: type[CarrierFailure]) -> None:
        with closing(client_of(odd)) as client:
            since = time.monotonic()
            with pytest.raises(failure, match=r"within 0\.5 s"):
                ask(client)
            assert 0.4 < time.monotonic() - since < WELL_WITHIN
            assert isinstance(client, Simbase)
            client.timeout = WELL_WITHIN
            odd.play = odd.answering(LINE)
            assert read(client).counter == 5


def test_a_deadline_that_has_passed_sends_nothing(odd: OddCarrier) -> None:
    with closing(client_of(odd, timeout=0.0)) as client, pytest.raises(Unreachable):
        switch(client)
    assert odd.received == []


def test_addresses_of_one_name_share_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        asked.append((address[0], timeout))
        raise TimeoutError("too slow")

    monkeypatch.setattr("lines.carriers.exchange.socket.create_connection", connect)
    monkeypatch.setattr(exchange, "_addresses", lambda host, port: ["192.0.2.1", "192.0.2.2"])
    with pytest.raises(TimeoutError):
        exchange._connected("carrier.example", 443, Deadline(10))
    assert [host for host, _ in asked] == ["192.0.2.1", "192.0.2.2"]
    assert asked[0][1] == pytest.approx(5, abs=0.5)


def test_a_kept_connection_that_the_carrier_has_ended_is_not_used_again(odd: OddCarrier) -> None:
    """Or what is asked on it is lost, and of a switch nobody would know whether it was heard."""
    has_ended = threading.Event()

    def answer_and_end(handler: BaseHTTPRequestHandler) -> None:
        odd.answering(LINE)(handler)
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
        has_ended.set()

    odd.play = answer_and_end
    with closing(client_of(odd)) as client:
        assert read(client).counter == 5
        assert has_ended.wait(WELL_WITHIN)
        status = switch(client)
        assert status is not None
        assert status.switch is Switch.OFF


def test_an_answer_until_the_connection_ends_is_read_to_its_end(odd: OddCarrier) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + LINE[:20])
        handler.wfile.flush()
        handler.wfile.write(LINE[20:])
        handler.close_connection = True

    odd.play = answer
    with closing(client_of(odd)) as client:
        assert read(client).counter == 5


def test_a_small_answer_that_unpacks_to_a_large_one_is_cut_off(odd: OddCarrier) -> None:
    odd.play = odd.answering(gzip.compress(b" " * 50_000_000), Content_Encoding="gzip")
    with closing(client_of(odd, timeout=5)) as client, pytest.raises(Malformed, match="too long"):
        read(client)


def test_connections_are_kept_alive(odd: OddCarrier) -> None:
    odd.play = odd.answering(LINE)
    ports = set()

    def remember(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address)
        odd.answering(LINE)(handler)

    odd.play = remember
    with closing(client_of(odd)) as client:
        for _ in range(5):
            read(client)
            switch(client)
    assert len(ports) == 1


def test_a_flood_is_cut_off(odd: OddCarrier) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            handler.wfile.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")

    odd.play = flood
    with closing(client_of(odd, timeout=5)) as client:
        with pytest.raises(Malformed, match="too long") as caught:
            read(client)
        assert len(caught.value.body) <= 65_536
        with pytest.raises(OutcomeUnknown):
            switch(client)


def test_a_packed_answer_is_unpacked(odd: OddCarrier) -> None:
    odd.play = odd.answering(gzip.compress(LINE), Content_Encoding="gzip")
    with closing(client_of(odd)) as client:
        assert read(client).counter == 5


def test_an_answer_that_cannot_be_unpacked_is_no_answer(odd: OddCarrier) -> None:
    odd.play = odd.answering(LINE, Content_Encoding="gzip")
    with closing(client_of(odd)) as client:
        with pytest.raises(Unreachable):
            read(client)
        with pytest.raises(OutcomeUnknown):
            switch(client)


@pytest.mark.parametrize(
    "raw",
    [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}", b"HTTP/1.1 xyz\r\n\r\n"],
)
def test_what_is_not_http_is_no_answer(odd: OddCarrier, raw: bytes) -> None:
    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(raw)
        handler.close_connection = True

    odd.play = play
    with closing(client_of(odd)) as client:
        with pytest.raises(Unreachable):
            read(client)
        with pytest.raises(OutcomeUnknown):
            switch(client)


def test_a_connection_that_is_reset_is_no_answer(odd: OddCarrier) -> None:
    def reset(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for end in (handler.rfile, handler.wfile, handler.connection):  # the last one to close resets
            end.close()

    odd.play = reset
    with closing(client_of(odd, timeout=5)) as client:
        with pytest.raises(Unreachable):
            read(client)
        with pytest.raises(OutcomeUnknown):
            switch(client)


def test_a_redirect_is_not_followed(odd: OddCarrier) -> None:
    odd.play = odd.answering(b"", 302, Location=f"{odd.url}/elsewhere")
    with closing(client_of(odd)) as client, pytest.raises(Unreachable, match="elsewhere"):
        read(client)
    assert [path for _, path, _, _ in odd.received] == [f"/simcards/{ICCID}"]


def test_the_key_goes_in_its_header_and_the_wish_in_the_body(odd: OddCarrier) -> None:
    odd.play = odd.answering(LINE)
    with closing(client_of(odd)) as client:
        status = switch(client)
        assert status is not None
        assert status.switch is Switch.OFF
    ((verb, path, headers, body),) = odd.received
    assert (verb, path, headers["x-api-key"]) == ("PATCH", f"/simcards/{ICCID}", KEY)
    assert json.loads(body) == {"sim_state": "disabled"}


def test_an_environments_proxy_does_not_see_the_key(odd: OddCarrier, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    odd.play = odd.answering(LINE)
    with closing(client_of(odd)) as client:
        assert read(client).counter == 5


class TestMessages:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b'{"message": "SIM card not found"}', ": SIM card not found (404)"),
            (b'{"error": {"code": 404, "message": "gone."}}', ": gone (404)"),
            (b'{"errors": [{"detail": "no such SIM"}]}', ": no such SIM (404)"),
            (b"no\r\n such\tSIM", ": no such SIM (404)"),
            (b"<html><h1>Not found</h1></html>", f"{ICCID} (404)"),
            (b'{"code": 7}', f"{ICCID} (404)"),
            (b"", f"{ICCID} (404)"),
            (b"[" * 100_000, "(404)"),
            (b"x" * 5000, "…"),
        ],
    )
    def test_a_refusal_quotes_the_carrier_shortly(self, odd: OddCarrier, body: bytes, words: str) -> None:
        odd.play = odd.answering(body, 404)
        with closing(client_of(odd)) as client, pytest.raises(Refused) as caught:
            read(client)
        assert words in str(caught.value)
        assert len(str(caught.value)) < 250
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
    def test_no_message_or_quarantined_answer_holds_the_key(self, odd: OddCarrier, status: int) -> None:
        page = f"<pre>x-api-key: {KEY}</pre>".encode()
        odd.play = odd.answering(page if status != 400 else page[5:], status, Location=f"http://a/?k={KEY}")
        with closing(client_of(odd)) as client:
            for ask in (read, switch):
                with pytest.raises(Exception, match="Simbase") as caught:
                    ask(client)
                assert KEY not in str(caught.value)
                assert KEY.encode() not in getattr(caught.value, "body", b"")

    def test_no_message_or_quarantined_answer_holds_the_token(self, odd: OddCarrier) -> None:
        token = "token-of-the-hour-4711"
        answers = [json.dumps({"data": {"token": token}}).encode(), f"<pre>Authorization: {token}</pre>".encode()]
        odd.play = lambda handler: odd.answering(answers[handler.path != "/Login"])(handler)
        secrets = {"client_id": "me", "secret_key": KEY}
        client = open_client("iotportal", url=odd.url, secrets=secrets)
        with closing(client), pytest.raises(Malformed) as caught:
            client.read_line(ICCID, now=NOW)
        assert caught.value.body == b"<pre>Authorization: ***</pre>"

    def test_a_key_that_is_no_header_is_refused_unquoted(self) -> None:
        with pytest.raises(Refused) as caught:
            open_client("simbase", url="https://example.com", secrets={"api_key": "geheim\r\nX: ü"})
        assert "geheim" not in str(caught.value)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("7", 7),
            ("1.5", 1.5),
            (" 7 ", 7),
            ("999999999", 900),
            ("99999999999999999999", 900),
            ("-1", None),
            ("soon", None),
            ("nan", None),
            ("", None),
        ],
    )
    def test_seconds(self, odd: OddCarrier, value: str, seconds: float | None) -> None:
        assert self._of(odd, Retry_After=value) == seconds

    def test_a_date_is_measured_by_the_servers_own_clock(self, odd: OddCarrier) -> None:
        then = dt.datetime(2020, 5, 5, 12, tzinfo=dt.UTC)
        later = then + dt.timedelta(seconds=45)
        dates = {"Date": format_datetime(then, usegmt=True), "Retry_After": format_datetime(later, usegmt=True)}
        assert self._of(odd, **dates) == 45

    def test_a_date_that_has_passed_is_now(self, odd: OddCarrier) -> None:
        assert self._of(odd, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT") == 0

    def _of(self, odd: OddCarrier, **headers: str) -> float | None:
        odd.play = odd.answering(b"", 503, **headers)
        with closing(client_of(odd)) as client, pytest.raises(Unreachable) as caught:
            read(client)
        return caught.value.retry_after


class TestOpening:
    def test_each_kind_has_a_client_of_that_name(self) -> None:
        assert {kind: client.kind for kind, client in CLIENTS.items()} == {kind: kind for kind in CLIENTS}
        assert list(CLIENTS) == [client.kind for client in OURS]

    def test_an_unknown_kind_is_refused_with_the_known_ones(self) -> None:
        with pytest.raises(Refused, match=f"there are {', '.join(sorted(CLIENTS))}"):
            open_client("other", url="https://example.com", secrets={})

    def test_blanks_and_slashes_around_what_people_paste_do_no_harm(self, odd: OddCarrier) -> None:
        odd.play = odd.answering(LINE)
        with closing(open_client("simbase", url=f" {odd.url}/v1/ ", secrets={"api_key": f" {KEY}\n"})) as client:
            read(client)
        assert odd.received[0][1] == f"/v1/simcards/{ICCID}"
        assert odd.received[0][2]["x-api-key"] == KEY

    def test_closing_twice_is_closing(self, odd: OddCarrier) -> None:
        client = client_of(odd)
        client.close()
        client.close()

    def test_the_largest_answer_holds_many_pages(self) -> None:
        assert wire.LARGEST_ANSWER > 20 * 250 * 400
