"""A simulator that is killed goes on where it stopped."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from simulator import Running, running
from simulator.options import Options, from_command_line


def everything(sim: Running) -> dict[str, Any]:
    found = {
        "clock": sim.ask("GET", "/clock"),
        "truth": sim.ask("GET", "/truth"),
        "settings": sim.ask("GET", "/settings"),
        "sims": [sim.ask("GET", f"/sims/{iccid}") for iccid in sim.iccids()],
        "faults": sim.ask("GET", "/faults"),
    }
    headers = {"x-api-key": sim.api_key}
    found["page"] = httpx.get(f"{sim.simbase}/simcards", headers=headers).json()
    return found


def test_a_killed_process_loses_nothing_that_it_answered(tmp_path: Path) -> None:
    state = str(tmp_path / "fleet.sqlite")
    start: dict[str, Any] = {"simbase": 6, "iotportal": 6, "clock": "2026-11-20T08:30:00Z", "state": state}
    with running(process=True, seed=5, **start) as sim:
        one, other = sim.iccids("simbase", 1)[0], sim.iccids("iotportal", 1)[0]
        sim.advance(hours=5)
        httpx.patch(f"{sim.simbase}/simcards/{one}", json={"tags": ["x"]}, headers={"x-api-key": sim.api_key})
        sim.event("status", iccid=other, status="DEACTIVATED")
        sim.add_bytes(one, 77)
        sim.event("corrections", iccid=one, bytes=7)
        sim.event("imei", iccid=one)
        sim.event("sms", iccid=one, text="Connected")
        sim.event("lag", iccid=other, seconds=60)
        sim.event("late-reset", carrier="iotportal", seconds=60)
        sim.fault("unknown_status", carrier="iotportal", count=3)
        before = everything(sim)
        assert sim.process is not None
        sim.process.kill()
        sim.process.wait()
    # Another seed and clock on the second start: the file's own go on.
    with running(seed=6, **{**start, "clock": "real"}) as again:
        assert everything(again) == before
        again.event("sms", iccid=one, text="again")
        identities = [message[0] for message in again.ask("GET", f"/sims/{one}")["history"]["messages"]]
    assert identities == [1, 2]


def test_a_queued_bulk_edit_is_carried_out_after_the_restart(tmp_path: Path) -> None:
    start: dict[str, Any] = {"simbase": 0, "iotportal": 2, "state": str(tmp_path / "fleet.sqlite"), "allow_edit": True}
    with running(process=True, **start) as sim:
        sim.settings(bulk_seconds=1)
        iccid = sim.iccids()[0]
        login = httpx.post(f"{sim.iotportal}/Login", json={"apiToken": "iotportal-demo-token"})
        order = {"update": {"status": "DEACTIVATED"}, "iccids": [iccid]}
        headers = {"Authorization": login.json()["data"]["token"]}
        assert httpx.put(f"{sim.iotportal}/BulkEditDevice", json=order, headers=headers).status_code == 200
        sim.settings(bulk_seconds=0)
        assert sim.process is not None
        sim.process.kill()
        sim.process.wait()
    with running(**start) as again:
        words = (again.ask("GET", f"/sims/{iccid}")["status"] for _ in range(200))
        assert "DEACTIVATED" in words


def test_two_simulators_of_one_seed_say_the_same() -> None:
    start: dict[str, Any] = {"sims": 10, "seed": 3, "clock": "2026-11-20T08:30:00Z"}
    with running(**start) as first, running(**start) as second:
        assert everything(first) == everything(second)


def test_the_command_line_takes_every_option() -> None:
    given = "--port 0 --sims 7 --seed 2 --state x --clock 2026-11-20 --speed 60 --rate 10/s,5000/day --quiet --lag 5"
    listener, options = from_command_line(given.split(" "))
    with listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    assert options == Options(
        sims=7, seed=2, state="x", clock="2026-11-20", speed=60, rate="10/s,5000/day", quiet=True, lag=5
    )
    settings = options.settings()
    assert (settings.simbase_count, settings.iotportal_count) == (4, 3)
    assert (settings.simbase.rate.second, settings.simbase.rate.day) == (10, 5000)
    assert settings.clock.mode == "running"


@pytest.mark.parametrize(
    "wrong", [{"rate": "fast"}, {"clock": "soon"}, {"cycle_day": 30}, {"stock": 101}, {"simbase": -1}]
)
def test_an_option_without_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Options(**wrong).world()
