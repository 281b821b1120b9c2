"""Faults hit the calls in their scope, as often as they were told, and nothing else."""

import datetime as dt
import json
import threading
import time
from typing import Any

import httpx
import pytest
from simulator import Running, running

WELL_WITHIN = 60.0  # seconds, on a busy machine
SOON_SILENT = httpx.Timeout(WELL_WITHIN, read=0.1)


def state(sim: Running, iccid: str) -> str:
    return str(sim.ask("GET", f"/sims/{iccid}")["status"])


def test_a_call_dropped_before_acting_changes_nothing(sim: Running, simbase: httpx.Client, one: str) -> None:
    sim.fault("drop_before", verb="PATCH", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        simbase.patch(f"/simcards/{one}", json={"sim_state": "disabled"})
    assert state(sim, one) == "enabled"
    assert simbase.patch(f"/simcards/{one}", json={"sim_state": "disabled"}).status_code == 200


def test_a_call_dropped_after_acting_has_acted(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.fault("drop_after", path="RequestStatusChange", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        portal.put(f"/RequestStatusChange/{other}", json={"status": "DEACTIVATED"})
    assert state(sim, other) == "DEACTIVATED"
    assert portal.get(f"/getStatus/{other}").text == "DEACTIVATED"


def test_a_call_that_hangs_acts_only_when_the_fault_comes_after(sim: Running, simbase: httpx.Client, one: str) -> None:
    sim.fault("hang", count=1)
    with pytest.raises(httpx.ReadTimeout):
        simbase.patch(f"/simcards/{one}", json={"sim_state": "disabled"}, timeout=SOON_SILENT)
    time.sleep(0.05)
    assert state(sim, one) == "enabled"
    sim.fault("hang_after", count=1)
    with pytest.raises(httpx.ReadTimeout):
        simbase.patch(f"/simcards/{one}", json={"sim_state": "disabled"}, timeout=SOON_SILENT)
    last = time.monotonic() + WELL_WITHIN
    while state(sim, one) != "disabled" and time.monotonic() < last:
        time.sleep(0.01)
    assert state(sim, one) == "disabled"


def test_a_simulator_that_stops_cuts_off_whoever_hangs() -> None:
    with running(sims=2, process=True) as own:
        own.fault("hang")
        client = threading.Thread(target=_hear_nothing, args=(own,))
        client.start()
        time.sleep(0.1)
    client.join(WELL_WITHIN)
    assert not client.is_alive()


def _hear_nothing(own: Running) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{own.simbase}/plans", timeout=30)


def test_a_delay_is_waited_out(sim: Running, simbase: httpx.Client) -> None:
    sim.fault("delay", seconds=0.15, count=1)
    began = time.perf_counter()
    assert simbase.get("/plans").status_code == 200
    assert time.perf_counter() - began >= 0.15


@pytest.mark.parametrize("status", [500, 502, 503, 429, 401])
def test_an_error_is_answered_instead_of_acting(sim: Running, simbase: httpx.Client, one: str, status: int) -> None:
    sim.fault("error", status=status, count=1)
    assert simbase.patch(f"/simcards/{one}", json={"sim_state": "disabled"}).status_code == status
    assert state(sim, one) == "enabled"


def test_retry_after_is_told_in_seconds_or_as_a_date(sim: Running, simbase: httpx.Client) -> None:
    sim.fault("error", status=429, retry_after=7, count=1)
    assert simbase.get("/plans").headers["retry-after"] == "7"
    sim.fault("error", status=503, retry_after=60, retry_as_date=True, count=1)
    assert simbase.get("/plans").headers["retry-after"].endswith("GMT")


def test_a_token_may_expire_at_any_call(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.fault("expire_token", path="ctdUsage", count=1)
    assert portal.get(f"/getStatus/{other}").status_code == 200
    assert portal.get(f"/ctdUsage/{other}").status_code == 401
    assert portal.get(f"/getStatus/{other}").status_code == 401


def test_html_comes_instead_of_json(sim: Running, simbase: httpx.Client) -> None:
    sim.fault("html", count=1)
    answer = simbase.get("/simcards")
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("kind", ["truncate", "trailing_comma"])
def test_json_may_be_broken(sim: Running, simbase: httpx.Client, one: str, kind: str) -> None:
    sim.fault(kind, count=1)
    with pytest.raises(json.JSONDecodeError):
        simbase.get(f"/simcards/{one}").json()
    assert simbase.get(f"/simcards/{one}").json()["iccid"] == one


@pytest.mark.parametrize(
    ("kind", "spoilt"),
    [
        ("usage_text", {"usage_data": "70"}),
        ("usage_negative", {"usage_data": -70}),
        ("usage_null", {"usage_data": None}),
        ("usage_huge", {"usage_data": 2**63}),
        ("usage_fraction", {"usage_data": 70.5}),
        ("missing_iccid", {"iccid": None}),
        ("unknown_status", {"sim_state": "PAUSED_BY_AUNT"}),
    ],
)
def test_one_row_of_a_page_may_be_wrong(sim: Running, simbase: httpx.Client, kind: str, spoilt: dict[str, Any]) -> None:
    iccid = sim.iccids("simbase")[3]
    sim.add_bytes(iccid, 70)
    good = simbase.get("/simcards").json()["sims"]
    sim.fault(kind, iccid=iccid, count=1, word="PAUSED_BY_AUNT")
    bad = simbase.get("/simcards").json()["sims"]
    assert {name: bad[3].get(name) for name in spoilt} == spoilt
    assert bad[:3] + bad[4:] == good[:3] + good[4:]
    assert simbase.get("/simcards").json()["sims"] == good


def test_a_list_may_lie_about_its_length_and_a_record_may_be_of_a_time_to_come(
    sim: Running, simbase: httpx.Client
) -> None:
    sim.fault("pages", carrier="simbase", rows=2**31 - 1, count=1)
    assert simbase.get("/simcards").json()["total_pages"] == 2**31 - 1
    sim.fault("update_ahead", carrier="simbase", row=2, seconds=3e7, count=1)
    sim.add_bytes(sim.iccids("simbase")[2], 70)
    ahead = simbase.get("/simcards").json()["sims"][2]["last_update"]
    assert dt.datetime.fromisoformat(f"{ahead}+00:00") > dt.datetime.now(dt.UTC) + dt.timedelta(days=300)


def test_a_fault_of_one_sim_waits_for_that_sim(sim: Running, portal: httpx.Client) -> None:
    first, second = sim.iccids("iotportal", 2)
    sim.fault("usage_text", iccid=second, count=1)
    assert portal.get(f"/ctdUsage/{first}").json()[0]["ctdDataUsage"] == 0
    assert portal.get(f"/ctdUsage/{second}").json()[0]["ctdDataUsage"] == "0"
    assert portal.get(f"/ctdUsage/{second}").json()[0]["ctdDataUsage"] == 0


def test_a_bare_status_may_be_unknown(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.fault("unknown_status", path="getStatus", word="ON_HOLD", count=1)
    assert portal.get(f"/getStatus/{other}").text == "ON_HOLD"
    assert portal.get(f"/getStatus/{other}").text == "ACTIVATED"


def test_pages_may_overlap(sim: Running, simbase: httpx.Client) -> None:
    sim.fault("overlap", rows=2, path=r"page=2", count=1)
    pages = [simbase.get(f"/simcards?pagesize=4&page={page}").json() for page in (1, 2, 3)]
    seen = [line["iccid"] for page in pages for line in page["sims"]]
    assert len(seen) == 14
    assert set(seen) == set(sim.iccids("simbase"))
    assert pages[1]["sims"][:2] == pages[0]["sims"][2:]


def test_a_line_may_come_twice_on_a_page(sim: Running, simbase: httpx.Client) -> None:
    sim.fault("repeat", row=5, count=1)
    page = simbase.get("/simcards").json()
    assert page["records"] == 13
    assert page["sims"][5] == page["sims"][12]


def test_figures_may_be_of_some_time_ago(sim: Running, simbase: httpx.Client, one: str) -> None:
    sim.add_bytes(one, 100)
    sim.advance(minutes=1)
    sim.fault("stale", seconds=120, count=1)
    assert [simbase.get(f"/simcards/{one}").json()["usage_data"] for _ in range(2)] == [0, 100]


def test_a_fault_lets_some_calls_pass_and_ends_after_its_count(sim: Running, simbase: httpx.Client) -> None:
    sim.fault("error", skip=2, count=2)
    assert [simbase.get("/plans").status_code for _ in range(5)] == [200, 200, 500, 500, 200]
    assert sim.ask("GET", "/faults") == {"faults": []}


def test_a_fault_ends_after_its_time_or_when_it_is_removed(sim: Running, simbase: httpx.Client) -> None:
    for seconds in (0.1, 1.0, 10.0):  # a busy machine may ask when the first is over
        sim.fault("error", for_seconds=seconds)
        first = simbase.get("/plans").status_code
        if first == 500:
            break
    assert first == 500
    time.sleep(seconds * 1.2)
    assert simbase.get("/plans").status_code == 200
    fault_id = sim.fault("error")
    assert simbase.get("/plans").status_code == 500
    sim.ask("DELETE", f"/faults/{fault_id}")
    assert simbase.get("/plans").status_code == 200


def test_a_fault_may_hit_only_a_share_of_the_calls(sim: Running, simbase: httpx.Client) -> None:
    sim.fault("error", share=0.5)
    hits = [simbase.get("/plans").status_code for _ in range(40)].count(500)
    assert 8 < hits < 32


def test_a_fault_keeps_to_its_carrier_and_the_log_names_it(
    sim: Running, simbase: httpx.Client, portal: httpx.Client, other: str
) -> None:
    sim.fault("error", carrier="simbase")
    assert portal.get(f"/getStatus/{other}").status_code == 200
    assert simbase.get("/plans").status_code == 500
    call = sim.calls()[-1]
    assert (call["faults"], call["status"]) == (["error"], 500)


@pytest.mark.parametrize("wrong", [{"kind": "earthquake"}, {"kind": "error", "path": "("}, {"kind": "error", "x": 1}])
def test_a_fault_without_sense_is_refused(sim: Running, wrong: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="400"):
        sim.ask("POST", "/faults", wrong)
