"""However an answer is damaged: it is read exactly as its fields say, whole, or it is Malformed and kept."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from http.client import HTTPMessage
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lines.carriers import open_client, wire
from lines.carriers.base import CarrierClient, Malformed, OutcomeUnknown, Status, Switch
from lines.carriers.deadline import Deadline
from lines.carriers.exchange import Answer

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
ICCID = "8912300000000000001"
often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PAGE = {
    "total_records": 3,
    "records": 3,
    "total_pages": 1,
    "page": 1,
    "sims": [
        {
            "iccid": ICCID[:-1] + str(number),
            "usage_data": number * 10**8,
            "sim_state": word,
            "usage_sms_mo": number,
            "last_update": last_update,
            "tags": ["Test SIM"],
            "device_name": "Zähler 5",
        }
        for number, (word, last_update) in enumerate(
            [("enabled", "2026-11-19 18:00:45"), ("Blocked - disabled", "2026-10-01 00:00:00"), ("Live", None)]
        )
    ],
}
USAGE = [
    {
        "iccid": ICCID,
        "msisdn": "3197044863841",
        "imei": "8613300585142338",
        "status": "ACTIVATED",
        "ctdDataUsage": 77,
        "ctdSessionCount": None,
    }
]


class Fed:
    """A client and the answer that it will get, whatever it asks."""

    def __init__(self, kind: str) -> None:
        self.body = b""
        secrets = {"api_key": "k", "client_id": "c", "secret_key": "s"}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wire, "open_exchange", lambda _url: self)
            self.client: CarrierClient = open_client(kind, url="https://carrier.example", secrets=secrets)

    def ask(
        self, _method: str, target: str, _headers: Mapping[str, str], _body: bytes | None, _deadline: Deadline
    ) -> Answer:
        return Answer(200, HTTPMessage(), b'{"data": {"token": "t"}}' if target == "/Login" else self.body)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def simbase_fed() -> Iterator[Fed]:
    fed = Fed("simbase")
    yield fed
    fed.client.close()


@pytest.fixture(scope="module")
def iotportal_fed() -> Iterator[Fed]:
    fed = Fed("iotportal")
    yield fed
    fed.client.close()


# Values that break parsers, beside any JSON at all.
NUMBERS = [0, -1, 2**53, 2**53 + 1, 2**63, 10**30, 1.0, -0.0, True]
TIMES = ["2026-12-01 00:00:00", "2026-10-31 23:59:59", "0000-00-00 00:00:00", "9999-12-31 23:59:59", "2026-11-19"]
TEXTS = ["", "0", "5", ICCID, "enabled", "x\x00", "é" * 50]
nasty: st.SearchStrategy[Any] = st.sampled_from([None, *NUMBERS, *TIMES, *TEXTS, [], {}, [None]])
anything = nasty | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    keys = data.keys() if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return [path, *(place for key in keys for place in places(data[key], (*path, key)))]


@st.composite
def damaged(draw: st.DrawFn, data: Any) -> Any:
    """The value with one to three places replaced, removed or doubled."""
    data = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(data)))
        if not place:
            data = data if draw(st.integers(0, 9)) else copy.deepcopy(draw(anything))
            continue
        holder = data
        for key in place[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "replace", "remove", "double"])):
            case "replace":
                holder[place[-1]] = copy.deepcopy(draw(anything))  # `nasty` hands out the same lists again
            case "remove":
                del holder[place[-1]]
            case "double" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[place[-1]]))
    return data


@st.composite
def garbled(draw: st.DrawFn, body: bytes) -> bytes:
    """The bytes with a piece of them replaced by others."""
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 8)) | st.just(len(body)))
    return (
        body[:start]
        + draw(st.binary(max_size=4) | st.sampled_from([b"", b",", b"}", b'"', b"-", b"\\ud800"]))
        + body[end:]
    )


class Bad(Exception):
    """The independent reading says: this is not what the document promises."""


def whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise Bad
    return value


def text(value: Any) -> str | None:
    if value is not None and type(value) is not str:
        raise Bad
    return value


def iccid(value: Any) -> str:
    if not re.fullmatch("[0-9A-Fa-f]{18,22}", text(value) or ""):
        raise Bad
    return str(value)


def status(value: Any, words: dict[str, tuple[Switch, bool]]) -> Status | None:
    word = text(value)
    if not word:
        return None
    if not word.strip() or any(not c.isprintable() for c in word):
        raise Bad
    switch, blocked = words.get(word.strip().lower(), (None, False))
    return Status(switch, word if len(word) <= 40 else word[:39] + "…", blocked)


SIMBASE_WORDS = {
    "enabled": (Switch.ON, False),
    "disabled": (Switch.OFF, False),
    "blocked - enabled": (Switch.ON, True),
    "blocked - disabled": (Switch.OFF, True),
}


def month(value: Any) -> dt.date:
    last_update = text(value)
    if not last_update or last_update == "0000-00-00 00:00:00":
        return dt.date(2026, 11, 1)
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}[ T]([0-9]{2}:){2}[0-9]{2}(\.[0-9]{1,6})?Z?", last_update):
        raise Bad
    try:
        moment = dt.datetime.strptime(last_update[:19].replace("T", " "), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - naive
    except ValueError as error:
        raise Bad from error
    if (moment.year, moment.month) > (2026, 11):
        raise Bad
    return dt.date(moment.year, moment.month, 1)


def parsed(body: bytes) -> Any:
    """JSON, read without the adapter: a comma before a closing bracket is none, NaN is null. Raises ValueError."""
    kept, in_text, escaped = [], False, False
    text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    for place, c in enumerate(text):
        if in_text:
            in_text, escaped = escaped or c != '"', not escaped and c == "\\"
        elif c == '"':
            in_text = True
        elif c == "," and text[place + 1 :].lstrip(" \t\r\n")[:1] in ("}", "]"):
            continue
        kept.append(c)
    return json.loads("".join(kept), strict=False, parse_constant=lambda _: None)


def listed(data: Any) -> list[tuple[Any, ...]]:
    """A page, read without the adapter: the SIMs that can be read. Raises Bad."""
    if not isinstance(data, dict) or not isinstance(data.get("sims"), list):
        raise Bad
    total = whole(data.get("total_pages"), 2**31 - 1)
    for name in ("page", "records"):
        if data.get(name) is not None:
            whole(data[name], 2**31 - 1)
    if data.get("page") not in (None, 1) and not data["page"] == total < 1:
        raise Bad
    if data.get("records") not in (None, len(data["sims"])):
        raise Bad
    rows = []
    for sim in data["sims"]:
        with contextlib.suppress(Bad):
            rows.append(row(sim))
    return rows


def row(sim: Any) -> tuple[Any, ...]:
    """A SIM of a page. Raises Bad."""
    if not isinstance(sim, dict):
        raise Bad
    sent = sim.get("usage_sms_mo")
    return (
        iccid(sim.get("iccid")),
        whole(sim.get("usage_data"), 2**53),
        month(sim.get("last_update")),
        status(sim.get("sim_state"), SIMBASE_WORDS),
        None if sent is None else whole(sent, 2**31 - 1),
    )


def read_page(fed: Fed) -> list[tuple[Any, ...]]:
    """A page, read by the adapter. Raises Bad for Malformed, which must hold the answer."""
    try:
        page = fed.client.read_page(1, now=NOW)
    except Malformed as failure:
        raise (Bad if failure.body == fed.body else AssertionError(failure.body)) from failure
    return [(r.iccid, r.counter, r.cycle, r.status, r.sms_sent) for r in page.readings]


def outcome(read: Any, *given: Any) -> Any:
    try:
        return read(*given)
    except Bad:
        return Bad


@often
@given(damaged(PAGE))
def test_a_damaged_page_is_read_as_its_fields_say_or_not_at_all(simbase_fed: Fed, data: Any) -> None:
    simbase_fed.body = json.dumps(data, allow_nan=True).encode("utf-8", "replace")
    try:
        data = parsed(simbase_fed.body)
    except ValueError:
        assert outcome(read_page, simbase_fed) is Bad
        return
    assert outcome(read_page, simbase_fed) == outcome(listed, data)


@often
@given(garbled(json.dumps(PAGE, ensure_ascii=False).encode()))
def test_a_garbled_page_is_read_as_its_fields_say_or_not_at_all(simbase_fed: Fed, body: bytes) -> None:
    simbase_fed.body = body
    found = outcome(read_page, simbase_fed)
    if found is not Bad:
        assert found == listed(parsed(body))


@often
@given(st.integers(0, len(json.dumps(PAGE)) - 1))
def test_half_a_page_is_no_page(simbase_fed: Fed, length: int) -> None:
    simbase_fed.body = json.dumps(PAGE).encode()[:length]
    assert outcome(read_page, simbase_fed) is Bad


@often
@given(damaged(USAGE))
def test_a_damaged_usage_is_read_as_its_fields_say_or_not_at_all(iotportal_fed: Fed, data: Any) -> None:
    iotportal_fed.body = json.dumps(data).encode("utf-8", "replace")
    try:
        reading = iotportal_fed.client.read_line(ICCID, now=NOW)
    except Malformed:
        return
    (row,) = data
    assert row["iccid"] == reading.iccid == ICCID
    assert type(row["ctdDataUsage"]) is int
    assert row["ctdDataUsage"] == reading.counter
    word = row.get("status")
    assert (reading.status is None) == (not word)
    for read, told in ((reading.imei, row.get("imei")), (reading.msisdn, row.get("msisdn"))):
        assert read is None or read in re.sub("[^0-9]", "", told)


@often
@given(st.binary(max_size=60) | st.text(max_size=20).map(str.encode) | anything.map(lambda x: json.dumps(x).encode()))
def test_whatever_answers_a_question_for_a_status_is_a_word_or_malformed(
    iotportal_fed: Fed, simbase_fed: Fed, body: bytes
) -> None:
    for fed in (iotportal_fed, simbase_fed):
        fed.body = body
        try:
            word = fed.client.get_status(ICCID).word
        except Malformed:
            continue
        assert 0 < len(word) <= 40
        assert word.isprintable()


@often
@given(st.binary(max_size=60) | anything.map(lambda x: json.dumps(x).encode()))
def test_whatever_answers_a_switch_it_is_done_accepted_or_unknown(
    iotportal_fed: Fed, simbase_fed: Fed, body: bytes
) -> None:
    for fed in (iotportal_fed, simbase_fed):
        fed.body = body
        try:
            answer = fed.client.set_switch(ICCID, on=True)
        except OutcomeUnknown:
            continue
        assert answer is None or isinstance(answer, Status)
