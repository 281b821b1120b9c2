"""The control API: the hand of the network, the devices and the test."""

import time
from typing import Any

import httpx
import pytest
from simulator import Running, running


def list_line(client: httpx.Client, iccid: str) -> dict[str, Any]:
    lines = client.get("/simcards").json()["sims"]
    found: dict[str, Any] = next(line for line in lines if line["iccid"] == iccid)
    return found


def portal_bytes(client: httpx.Client, iccid: str) -> int:
    return int(client.get(f"/ctdUsage/{iccid}").json()[0]["ctdDataUsage"])


def test_a_frozen_clock_stands_still_and_moves_when_told(sim: Running) -> None:
    assert sim.ask("GET", "/clock") == {"now": "2026-11-20T08:30:00.000Z", "mode": "frozen", "speed": 0}
    assert sim.advance(days=1, hours=2, seconds=0.5) == "2026-11-21T10:30:00.500Z"
    assert sim.advance(to="2026-12-01") == "2026-12-01T00:00:00.000Z"
    with pytest.raises(RuntimeError, match="does not go back"):
        sim.advance(to="2026-11-01")
    with pytest.raises(RuntimeError, match="400"):
        sim.advance(weeks=1)
    with pytest.raises(RuntimeError, match="400"):
        sim.advance(days=4_000_000)
    with pytest.raises(RuntimeError, match="backwards"):
        sim.set_clock("2026-11-20T08:30:00Z", "running", -1)
    assert sim.ask("GET", "/clock")["now"] == "2026-12-01T00:00:00.000Z"


def test_a_running_clock_goes_at_its_speed(sim: Running) -> None:
    sim.set_clock("2026-11-20T08:30:00Z", "running", 86_400)
    time.sleep(0.05)
    shown = sim.ask("GET", "/clock")
    assert shown["mode"] == "running"
    assert shown["now"] > "2026-11-20T09:30"
    assert sim.advance(days=30) > "2026-12-20"


def test_the_real_clock_is_the_machines_and_may_be_moved_on(sim: Running) -> None:
    sim.ask("PUT", "/clock", {"mode": "real"})
    assert sim.ask("GET", "/clock")["now"][:4] == time.strftime("%Y", time.gmtime())
    assert sim.advance(days=400) > time.strftime("%Y-%m-%d", time.gmtime(time.time() + 399 * 86_400))


def test_the_oracle_adds_up_to_what_the_carriers_show() -> None:
    with running(simbase=40, iotportal=40, clock="2026-11-20T08:30:00Z") as sim:
        simbase = httpx.Client(base_url=sim.simbase, headers={"x-api-key": sim.api_key}, verify=False)
        portal = httpx.Client(base_url=sim.iotportal, verify=False)
        portal.headers["Authorization"] = portal.post("/Login", json={"apiToken": "iotportal-demo-token"}).json()[
            "data"
        ]["token"]
        shown = {line["iccid"]: line["usage_data"] for line in simbase.get("/simcards").json()["sims"]}
        truths = sim.ask("GET", "/truth", limit=100, **{"from": "2026-08"})["sims"]
        for one in truths:
            if one["carrier"] == "simbase":
                assert shown[one["iccid"]] == one["counter"] == one["months"][one["counter_month"]]["bytes"]
            else:
                assert portal_bytes(portal, one["iccid"]) == one["months"]["2026-11"]["bytes"]
        totals = sim.ask("GET", "/truth/total", month="2026-11")["bytes"]
        assert totals["simbase"] + totals["iotportal"] == sum(one["months"]["2026-11"]["bytes"] for one in truths)
        assert totals["iotportal"] > 0
        simbase.close()
        portal.close()


def test_the_fleet_is_listed_in_stretches_over_both_carriers(sim: Running) -> None:
    assert len(sim.fleet()) == 24
    assert sim.fleet(offset=10, limit=5) == sim.fleet()[10:15]
    assert sim.fleet("iotportal", offset=2, limit=3) == sim.fleet("iotportal")[2:5]
    assert sim.fleet(offset=100) == []
    assert sim.ask("GET", "/fleet", carrier="simbase", limit=0)["total"] == 12


def test_bytes_may_be_added_to_many_sims_as_one(sim: Running, one: str, other: str) -> None:
    sim.ask("POST", "/bytes", [{"iccid": one, "bytes": 5}, {"iccid": one, "bytes": 6}, {"iccid": other, "bytes": 7}])
    assert (sim.month_bytes(one), sim.month_bytes(other)) == (11, 7)
    with pytest.raises(RuntimeError, match="404"):
        sim.ask("POST", "/bytes", [{"iccid": one, "bytes": 5}, {"iccid": "1", "bytes": 6}])
    assert sim.month_bytes(one) == 11
    sim.event("bytes", carrier="simbase", bytes=100)
    assert sim.month_bytes(one) == 111
    assert sim.month_bytes(sim.iccids("simbase")[-1]) == 100


@pytest.mark.parametrize("row", [{"bytes": -1}, {"bytes": 1.5}, {"bytes": True}, {"bites": 1}, {"bytes": 1, "at": "x"}])
def test_an_event_without_sense_is_a_400(sim: Running, one: str, row: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="400"):
        sim.event("bytes", iccid=one, **row)
    with pytest.raises(RuntimeError, match="400"):
        sim.event("bytes", bytes=1)


def test_a_late_record_counts_for_its_month_and_shows_from_now_on(
    sim: Running, simbase: httpx.Client, one: str
) -> None:
    sim.add_bytes(one, 100)
    sim.set_clock("2026-12-02T00:00:00Z")
    sim.add_bytes(one, 7)
    sim.add_bytes(one, 40, month="2026-11")
    assert list_line(simbase, one)["usage_data"] == 7
    assert simbase.get(f"/simcards/{one}/usage/2026-11").json()["usage_data"] == 140
    assert (sim.month_bytes(one, "2026-11"), sim.month_bytes(one, "2026-12")) == (140, 7)


def test_a_late_record_of_a_silent_sim_lifts_the_old_months_total(
    sim: Running, simbase: httpx.Client, one: str
) -> None:
    sim.add_bytes(one, 100)
    sim.set_clock("2026-12-02T00:00:00Z")
    sim.add_bytes(one, 40, at="2026-11-30T12:00:00Z")
    line = list_line(simbase, one)
    assert (line["usage_data"], line["last_update"]) == (140, "2026-11-30 12:00:00")


def test_bytes_in_the_future_show_when_it_comes(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.add_bytes(other, 9, at="2026-11-20T09:00:00Z")
    assert portal_bytes(portal, other) == 0
    sim.advance(minutes=30)
    assert portal_bytes(portal, other) == 9


def test_a_correction_lowers_the_counter_and_the_oracle_keeps_the_peak(
    sim: Running, simbase: httpx.Client, one: str
) -> None:
    sim.add_bytes(one, 100)
    sim.event("corrections", iccid=one, bytes=30)
    sim.add_bytes(one, 10)
    assert list_line(simbase, one)["usage_data"] == 80
    month = sim.ask("GET", "/truth", iccid=one)["sims"][0]["months"]["2026-11"]
    assert month == {"bytes": 80, "corrected": 30, "peak": 100}
    with pytest.raises(RuntimeError, match="more than there is"):
        sim.event("corrections", iccid=one, bytes=81)


def test_a_lag_shows_what_was(sim: Running, simbase: httpx.Client, portal: httpx.Client, one: str, other: str) -> None:
    sim.event("lag", iccid=one, seconds=600)
    sim.event("lag", carrier="iotportal", seconds=60)
    sim.add_bytes(one, 100)
    sim.add_bytes(other, 100)
    assert (list_line(simbase, one)["usage_data"], portal_bytes(portal, other)) == (0, 0)
    sim.advance(seconds=60)
    assert (list_line(simbase, one)["usage_data"], portal_bytes(portal, other)) == (0, 100)
    sim.advance(seconds=540)
    assert list_line(simbase, one)["usage_data"] == 100
    sim.event("lag", iccid=other, seconds=3600)
    assert portal_bytes(portal, other) == 0
    sim.event("lag", iccid=other, seconds=None)
    assert portal_bytes(portal, other) == 100


def test_a_held_reset_shows_the_old_months_end_and_loses_nothing(sim: Running, simbase: httpx.Client, one: str) -> None:
    sim.event("late-reset", iccid=one, seconds=7200)
    sim.add_bytes(one, 100)
    sim.set_clock("2026-12-01T01:00:00Z")
    sim.add_bytes(one, 5)
    line = list_line(simbase, one)
    assert (line["usage_data"], line["last_update"]) == (100, "2026-11-20 08:30:00")
    sim.set_clock("2026-12-01T02:00:00Z")
    line = list_line(simbase, one)
    assert (line["usage_data"], line["last_update"]) == (5, "2026-12-01 01:00:00")


def test_a_reset_may_be_late_every_month(sim: Running, portal: httpx.Client, other: str) -> None:
    sim.event("late-reset", carrier="iotportal", seconds=3600, month="every", mode="held")
    for month, expected in (("12", 10), ("01", 20)):
        sim.add_bytes(other, expected)
        sim.set_clock(f"{2026 if month == '12' else 2027}-{month}-01T00:59:59Z")
        assert portal_bytes(portal, other) == expected
        sim.advance(seconds=1)
        assert portal_bytes(portal, other) == 0


def test_the_network_may_say_any_word(
    sim: Running, simbase: httpx.Client, portal: httpx.Client, one: str, other: str
) -> None:
    sim.ask("POST", "/status", [{"iccid": one, "status": "paused"}, {"iccid": other, "status": "GESPERRT"}])
    assert list_line(simbase, one)["sim_state"] == "paused"
    assert portal.get(f"/getStatus/{other}").text == "GESPERRT"
    assert simbase.post(f"/simcards/{one}/sms", json={"message": "x"}).status_code == 400
    sim.event("status", iccid=one, status="roaming", open=True)
    assert simbase.post(f"/simcards/{one}/sms", json={"message": "x"}).status_code == 200
    with pytest.raises(RuntimeError, match="only Simbase"):
        sim.event("status", iccid=other, blocked=True)


def test_an_imei_changes_to_one_that_is_given_or_made_up(
    sim: Running, simbase: httpx.Client, portal: httpx.Client, one: str, other: str
) -> None:
    before = simbase.get(f"/simcards/{one}").json()["imei"]
    sim.event("imei", iccid=one)
    after = simbase.get(f"/simcards/{one}").json()
    assert after["imei"] not in (before, None)
    assert after["sim_state"] == "enabled"
    sim.event("imei", iccid=other, imei="8613300585142338")
    assert portal.get(f"/GetDevice/{other}").json()["imei"] == "8613300585142338"


def test_an_imei_lock_switches_the_sim_off_when_the_device_changes(
    sim: Running, simbase: httpx.Client, one: str
) -> None:
    simbase.patch(f"/simcards/{one}", json={"imei_lock": "on"})
    same = simbase.get(f"/simcards/{one}").json()["imei"]
    sim.event("imei", iccid=one, imei=same)
    assert list_line(simbase, one)["sim_state"] == "enabled"
    sim.event("imei", iccid=one)
    assert list_line(simbase, one)["sim_state"] == "disabled"


def test_a_device_that_is_turned_away_sends_no_message(sim: Running, one: str) -> None:
    sim.event("status", iccid=one, status="disabled")
    with pytest.raises(RuntimeError, match="409"):
        sim.event("sms", iccid=one, text="x")


def test_own_usage_may_be_switched_on_for_one_sim_or_for_all(sim: Running) -> None:
    tracker = next(one["iccid"] for one in sim.fleet("simbase") if one["kind"] == "tracker")
    sim.event("quiet", iccid=tracker, quiet=False)
    sim.advance(days=1)
    moved = sim.month_bytes(tracker)
    assert moved > 0
    sim.event("quiet", iccid=tracker)
    sim.advance(days=1)
    assert sim.month_bytes(tracker) == moved
    camera = sim.fleet("iotportal")[-1]["iccid"]
    assert sim.month_bytes(camera) == 0
    sim.event("quiet", all=True, quiet=False)
    assert sim.ask("GET", "/truth/total")["bytes"]["simbase"] == moved


def test_part_of_the_fleet_may_start_in_stock() -> None:
    with running(simbase=200, iotportal=200, stock=50) as sim:
        words = [one["status"] for one in sim.fleet()]
        off = httpx.get(f"{sim.simbase}/simcards?sim_state=disabled", headers={"x-api-key": sim.api_key}).json()
    assert 60 < words.count("disabled") < 140
    assert 60 < words.count("INVENTORY") < 140
    assert off["total_records"] == words.count("disabled")


def test_the_log_tells_each_call_with_its_body_and_time(sim: Running, simbase: httpx.Client, one: str) -> None:
    simbase.patch(f"/simcards/{one}?x=1", json={"sim_state": "disabled"})
    call = sim.calls(name="edit_sim")[-1]
    assert (call["carrier"], call["verb"], call["path"], call["query"]) == (
        "simbase",
        "PATCH",
        f"/simcards/{one}",
        "x=1",
    )
    assert (call["body"], call["iccid"], call["status"]) == ('{"sim_state":"disabled"}', one, 200)
    assert call["at"] == "2026-11-20T08:30:00.000Z"
    assert sim.ask("GET", "/calls")["counters"] == {"simbase PATCH edit_sim": 1}
    assert sim.calls(after=call["number"]) == []
    sim.ask("DELETE", "/calls")
    assert sim.ask("GET", "/calls") == {"calls": [], "counters": {}}


def test_settings_change_all_or_nothing(sim: Running) -> None:
    before = sim.ask("GET", "/settings")
    for wrong in ({"token_seconds": 5, "nonsense": 1}, {"cycle_day": 31}, {"api_key": 5}, {"simbase": {"rate": "x"}}):
        with pytest.raises(RuntimeError, match="400"):
            sim.settings(**wrong)
    assert sim.ask("GET", "/settings") == before
    changed = sim.settings(simbase={"rate": {"second": 3}, "lag_seconds": 1.5}, api_key="another")
    assert changed["simbase"]["rate"] == {"second": 3, "day": None}
    assert changed["simbase"]["lag_seconds"] == 1.5


def test_a_reset_forgets_everything(sim: Running, one: str) -> None:
    sim.add_bytes(one, 5)
    sim.advance(days=3)
    sim.fault("error")
    sim.settings(api_key="another")
    sim.reset()
    assert sim.month_bytes(one) == 0
    assert sim.ask("GET", "/faults") == {"faults": []}
    assert sim.ask("GET", "/settings")["api_key"] == sim.api_key
    assert sim.ask("GET", "/clock")["now"] == "2026-11-20T08:30:00.000Z"


@pytest.mark.parametrize("headers", [{"Host": "simulator.example.com"}, {"Origin": "http://example.com"}])
def test_the_control_api_answers_only_to_this_machine(sim: Running, headers: dict[str, str]) -> None:
    assert httpx.get(f"{sim.url}/_sim/clock", headers=headers).status_code == 403
