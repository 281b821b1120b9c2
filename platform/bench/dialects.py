"""Each carrier's dialect in `manage.py bench`: its answers about one line made a reading, and a page of such readings
applied."""

from __future__ import annotations

import datetime as dt
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http.client import HTTPMessage
from typing import Any

import msgspec

from bench.fleet import NOW, TODAY, Fleet
from bench.report import Row
from bench.ways import Sim, sims_of
from lines.carriers import CLIENTS, open_client
from lines.carriers.base import Reading
from lines.carriers.deadline import Deadline
from lines.carriers.exchange import Answer
from lines.commands.readings import apply_readings

READS = 500  # in a round
PAGE, MOVED = 250, 20_000
ICCID, IMEI, MSISDN, IMSI = "8910000000000000018", "356938030147558", "3197040000000", "204084920000000"
ICCID_OF = {"iccid": ICCID, "imsi": IMSI, "msisdn": MSISDN}
DAYS = [TODAY.replace(day=day) for day in range(1, TODAY.day + 1)]


def _unix(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


def _traffic(day: dt.date) -> dict[str, Any]:
    traffic = {"uploadByteSizeTotal": 382_534, "downloadByteSizeTotal": 765_070}
    return {"date": f"{day}T00:00:00", "unixtime": _unix(day), "dataTrafficStatsMap": {"s1.standard": traffic}}


SID = "HS" + "0" * 31 + "1"
# By what stands in the address that is asked, what the carrier says of a line in the first days of a month.
SAID: dict[str, dict[str, Any]] = {
    "simbase": {
        "/simcards/": ICCID_OF
        | {"sim_state": "enabled", "usage_data": 208_716, "usage_sms_mo": 0, "usage_sms_mt": 0, "imei": IMEI}
        | {"last_update": f"{TODAY} 11:18:40", "carrier": "AT&T", "country_iso": "US", "ip": "Dynamic"}
    },
    "simbase2": {
        "/simcards/": ICCID_OF
        | {"state": "enabled", "name": "meter 1", "tags": ["Meter"], "imei": IMEI, "imei_lock": "off"}
        | {"current_month_usage": {"data": 208_716, "data_sessions": 132, "zero_sessions": 0, "sms_mo": 0, "sms_mt": 0}}
    },
    "iotportal": {
        "/Login": {"data": {"token": "t" * 43}},
        "/ctdUsage/": [
            ICCID_OF
            | {"imei": IMEI, "status": "ACTIVATED", "ctdDataUsage": 208_716, "ctdSMSUsage": 0, "ctdVoiceUsage": 0}
            | {"ctdSessionCount": 1}
        ],
    },
    "onence": {
        "/oauth/token": {"access_token": "t" * 43, "token_type": "bearer", "expires_in": 3600},
        "/usage": {"stats": [{"date": f"{day}T00:00:00.000Z", "data": {"volume": "0.162011"}} for day in DAYS]},
        "/v2/sims/": ICCID_OF | {"imei": IMEI, "imei_lock": False, "status": "Enabled", "label": "tracker 1"},
    },
    "emnify": {
        "/authenticate": {"auth_token": "t" * 43},
        "/stats": [{"current_month": {"data": {"volume": 147.482327, "month": f"{TODAY.replace(day=1)}"}}}],
        "/sim?": [ICCID_OF | {"id": 1, "status": {"id": 1, "description": "Activated"}, "endpoint": {"id": 5}}],
        "/endpoint/": {"id": 5, "name": "router 1", "imei": IMEI, "imei_lock": False, "sim": ICCID_OF | {"id": 1}},
    },
    "hologram": {
        "/links/cellular": {
            "success": True, "size": 1, "continues": False,
            "data": [{"id": 1, "deviceid": 7, "sim": ICCID, "msisdn": MSISDN, "planid": 73, "state": "LIVE"}],
        },
        "/devices/": {"success": True, "data": {"id": 7, "name": "camera 1", "imei": IMEI, "iccid": ICCID}},
        "/usage/data/daily": {
            "success": True, "size": len(DAYS), "continues": False,
            "data": [
                {"id": day.day, "deviceid": 7, "linkid": 1, "bytes": 45_973_413, "timestamp": f"{day} 00:00:00"}
                for day in DAYS
            ],
        },
    },
    "onomondo": {
        "/sims/find": [{"id": "300000001", "iccid": ICCID, "label": "tracker 1", "activated": True}],
        "/usage/": {
            "usage": [
                {"sim_id": "300000001", "bytes": 353_165, "timestamp": f"{day}T12:00:00.000Z"} for day in DAYS * 10
            ]
        },
    },
    "soracom": {
        "/auth": {"apiKey": "k" * 30, "operatorId": "OP1", "token": "t" * 43},
        "/stats/": [_traffic(day) for day in DAYS],
        "/sims/": {
            "simId": ICCID, "status": "active", "tags": {"name": "tracker 1"},
            "sessionStatus": {"imei": IMEI, "imsi": IMSI, "online": True},
            "profiles": {ICCID: {"iccid": ICCID, "subscribers": {IMSI: {"msisdn": MSISDN}}}},
        },
    },
    "keepgo": {
        "/daily_statistics": [{"date": f"{day}", "usage_kb": 21_533.3603515625} for day in DAYS],
        "/iot_sim_cards": {
            "data": [{"iccid": ICCID, "status": "Activated", "status_id": 1, "notes": "router 1"}], "total": 1
        },
    },
    "kore": {
        "/auth/token": {"access_token": "t" * 900, "token_type": "Bearer", "expires_in": "3600"},
        "/Sims?": {"sims": [{"sid": SID, "iccid": ICCID, "status": "active"}], "meta": {"next_page_url": None}},
        "/UsageRecords": {
            "usage_records": [
                {"sim_sid": SID, "period": {"start_time": f"{day}T00:00:00Z"}, "data_total": 560_590} for day in DAYS
            ],
            "meta": {"next_page_url": None},
        },
    },
    "supersim": {
        "/Sims?": {"sims": [{"sid": SID, "iccid": ICCID, "status": "active"}], "meta": {"next_page_url": None}},
        "/UsageRecords": {
            "usage_records": [
                {"sim_sid": SID, "period": {"start_time": f"{day}T00:00:00Z"}, "data_total": 560_590} for day in DAYS
            ],
            "meta": {"next_page_url": None},
        },
    },
}  # fmt: skip


class Canned:
    """A carrier that answers at once, from here."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.answers = {part: json.dumps(body).encode() for part, body in said.items()}
        self.asked: list[bytes] = []

    def ask(
        self, _method: str, target: str, _headers: Mapping[str, str], _body: bytes | None, _deadline: Deadline
    ) -> Answer:
        body = next(body for part, body in self.answers.items() if part in target)
        self.asked.append(body)
        return Answer(200, HTTPMessage(), body)

    def close(self) -> None: ...


def rows(fleet: Fleet, rounds: int) -> list[Row]:
    """Readings a second out of one line's answers, beside their bare JSON; lines a second of a page of them applied."""
    sims = list(sims_of(range(1, PAGE + 1)))
    found = []
    for kind in SAID:
        client, canned = _opened(kind)
        reading = client.read_line(ICCID, now=NOW)
        canned.asked.clear()
        client.read_line(ICCID, now=NOW)
        bodies = list(canned.asked)
        mine, bare = [], []
        for _ in range(rounds):
            mine.append(READS / _seconds(READS, lambda: client.read_line(ICCID, now=NOW)))  # noqa: B023 - at once
            bare.append(READS / _seconds(READS, lambda: [msgspec.json.decode(one) for one in bodies]))  # noqa: B023
        rate, floor = statistics.median(mine), statistics.median(bare)
        title = CLIENTS[kind].title
        found.append(Row(f"{title}: a line’s {len(bodies)} answers", rate, "a second", rate / floor, "their bare JSON"))
        found.append(Row(f"{title}: {PAGE} readings applied", _applied(fleet, kind, reading, sims, rounds), "lines/s"))
        client.close()
    return found


def _opened(kind: str) -> tuple[Any, Canned]:
    """The adapter, and what answers it in the place of a network."""
    secrets = dict.fromkeys(CLIENTS[kind].secret_names, "s" * 20)
    client: Any = open_client(kind, url="http://127.0.0.1:9", secrets=secrets)
    canned = Canned(SAID[kind])
    wire = client.wire if hasattr(client, "wire") else client._wire
    wire._exchange.close()
    wire._exchange = canned
    return client, canned


def _applied(fleet: Fleet, kind: str, like: Reading, sims: Sequence[Sim], rounds: int) -> float:
    """Lines a second of pages whose readings say what this carrier's say."""
    rates = []
    for number in range(rounds + 1):
        page = []
        for sim in sims:
            sim.counter += MOVED
            imei, msisdn = sim.imei if like.imei else None, sim.msisdn if like.msisdn else None
            given = replace(like, imei=imei, msisdn=msisdn, sms_sent=0, sms_mark=None)
            page.append(replace(given, iccid=sim.iccid, counter=sim.counter))
        _later[0] += dt.timedelta(seconds=1)
        has_finals = CLIENTS[kind].abilities.final_totals
        apply = _applying(fleet, page, _later[0], has_finals)
        took = _seconds(1, apply)
        if number:  # the first one warms up
            rates.append(len(page) / took)
    return statistics.median(rates)


_later = [NOW + dt.timedelta(hours=1)]  # each page is asked for later than the one before


def _applying(fleet: Fleet, page: list[Reading], read_at: dt.datetime, has_finals: bool) -> Callable[[], object]:
    return lambda: apply_readings(carrier=fleet.carrier, readings=page, read_at=read_at, has_finals=has_finals)


def _seconds(times: int, do: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(times):
        do()
    return time.perf_counter() - began
