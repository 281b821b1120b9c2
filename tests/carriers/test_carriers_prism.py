"""Every call that an adapter makes, and every answer, held against its carrier's document by Prism, which nobody here
wrote: it stands between our client and the simulator, and answers by itself what the document does not allow."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from simulator import Running

from lines.carriers.base import CarrierFailure, Malformed
from tests.carriers.conftest import NOW, Carrier
from tests.carriers.documented import DOCUMENTED, calls_of
from tests.carriers.openapi import openapi_of
from tests.carriers.test_carriers_days import VALUES

ROOT = Path(__file__).parents[2]
PRISM = ROOT / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
MOMENT = dt.datetime.fromisoformat(NOW)
LISTENING = re.compile(r"Prism is listening on (http://[0-9.:]+)")
WAIT = 60.0  # seconds that a call of this test may take at the most


@contextmanager
def prism(tmp_path: Path, kind: str, *words: str) -> Iterator[str]:
    """Prism with a carrier's document, until the end; its address."""
    assert PRISM.is_file(), "Prism is missing: run `make setup`, which installs the packages of package-lock.json"
    document = tmp_path / f"{kind}.json"
    document.write_text(json.dumps(openapi_of(kind)))
    command = [str(ROOT / "scripts" / "node"), str(PRISM), words[0], str(document), *words[1:]]
    process = subprocess.Popen([*command, "-h", "127.0.0.1", "-p", "0"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if found := LISTENING.search(line):
                with open("/dev/null", "w") as nowhere:  # it tells each call: read on, or it stops at a full pipe
                    drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=nowhere)
                try:
                    yield found[1]
                finally:
                    process.send_signal(signal.SIGTERM)
                    drain.wait(WAIT)
                return
        pytest.fail(f"Prism did not start: {''.join(said)[-2000:]}")
    finally:
        process.kill()
        process.wait(WAIT)
        process.stdout.close()


def operations(carrier: Carrier) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Everything that this adapter does, once."""
    client, iccid, can = carrier.client, carrier.iccid, carrier.client.abilities
    yield "read_stock", lambda: client.read_stock(client.read_stock().cursor)
    yield "read_line", lambda: client.read_line(iccid, now=MOMENT)
    if can.final_totals:
        yield "final_total", lambda: client.final_total(iccid, dt.date(2026, 10, 1))
    if can.tells_costs:
        yield "get_bill", lambda: client.get_bill(iccid, dt.date(2026, 10, 1), now=MOMENT)
    if can.tells_funds:
        yield "get_funds", lambda: client.get_funds()
    yield "get_status", lambda: client.get_status(iccid)
    yield "get_device", lambda: client.get_device(iccid)
    for on in (False, True):
        yield f"set_switch {on}", partial(client.set_switch, iccid, on=on)
    if can.resets:
        yield "reset_connection", lambda: client.reset_connection(iccid)
    for setting in sorted(can.settings | can.labels):
        for value in VALUES.get(setting, [carrier.known.plan]):
            yield f"{setting} {value}", partial(client.set_setting, iccid, setting, value)
    if can.sends_sms:
        sent = []
        yield "send_sms", lambda: sent.append(client.send_sms(iccid, "reboot now"))
        yield "list_sms", lambda: client.list_sms(iccid, since=MOMENT - dt.timedelta(hours=1))
        if can.tells_sms_fate:
            yield "get_sms", lambda: client.get_sms(iccid, sent[0].ref)


def at(carrier: Carrier, address: str) -> None:
    """The carrier's client calls there from now on."""
    carrier.client.close()
    carrier.client = carrier.open(gate=carrier.gate, url=address, timeout=WAIT)


def raw(address: str, method: str, target: str, **more: Any) -> tuple[int, bytes]:
    """A call as no adapter would make it."""
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=WAIT)) as connection:
        connection.request(method, target, **more)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_every_call_and_answer_is_as_its_document_says(kind: str, simulator: Running, tmp_path: Path) -> None:
    carrier = Carrier(kind, simulator)
    with prism(tmp_path, kind, "proxy", simulator.url_of(kind), "--errors") as address:
        at(carrier, address)
        with closing(carrier.client):
            for name, operation in operations(carrier):
                try:
                    operation()
                except CarrierFailure as failure:
                    body = failure.body[:500] if isinstance(failure, Malformed) else b""
                    pytest.fail(f"{kind}, {name}: {failure} {body!r}")
    used = {name for name, call in calls_of(kind).items() if call}
    assert set().union(*(way.seen for way in carrier.checked)) == used


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_what_is_not_documented_is_refused_before_it_reaches_the_carrier(
    kind: str, simulator: Running, tmp_path: Path
) -> None:
    documented = openapi_of(kind)["paths"]
    path = sorted(documented)[-1]
    with prism(tmp_path, kind, "proxy", simulator.url_of(kind), "--errors") as address:
        assert raw(address, "GET", "/no/such/call")[0] == 404
        assert raw(address, "DELETE", re.sub(r"{\w+}", "1", path))[0] == 405
        secure = next(name for name, calls in sorted(documented.items()) if "get" in calls)
        assert raw(address, "GET", re.sub(r"{\w+}", "1", secure))[0] == 401  # unsigned
        template, verb, signed = next(
            (name, verb, one["security"])
            for name, calls in documented.items()
            for verb, one in calls.items()
            if "requestBody" in one
        )
        headers = {header: "x" for one in signed for header in one}
        assert raw(address, verb.upper(), re.sub(r"{\w+}", "1", template), headers=headers)[0] == 422  # no body
    assert simulator.calls(carrier=kind) == []


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_answers_made_of_the_document_alone_are_read_or_refused_whole(
    kind: str, simulator: Running, tmp_path: Path
) -> None:
    """Other SIMs, other months, words of no meaning: whatever the document allows, and the simulator never says."""
    carrier = Carrier(kind, simulator)
    carrier.turns_odd()
    outcomes = {}
    with prism(tmp_path, kind, "mock") as address:
        at(carrier, address)
        with closing(carrier.client):
            for name, operation in operations(carrier):
                if name == "get_sms":
                    continue  # nothing was sent that could be asked about
                try:
                    operation()
                    outcomes[name] = "read"
                except CarrierFailure as failure:
                    outcomes[name] = type(failure).__name__
    assert [status for way in carrier.checked for status in way.statuses if not 200 <= status < 300] == []
    assert outcomes.pop("read_stock") == "read"  # SIMs that it cannot read are set aside
    assert set(outcomes.values()) <= {"read", "Malformed", "OutcomeUnknown"}
    assert "Malformed" in outcomes.values()
