"""A month of one tracker, in numbers that its owner could check."""

from __future__ import annotations

from collections.abc import Callable

from simulator import Running

from billing.models import Entry
from tests.oracle import MB
from tests.worlds import Story


def test_a_tracker_pays_for_each_day_what_it_used_on_it(story: Callable[[str], Story], sim: Running) -> None:
    """0.01 a MB, read four times a day: 3 MB a day are 0.03 a day, in November 29 days of it and one of more."""
    tale = story("2026-11-01T00:00")
    tracker = sim.iccids("simbase", 1)[0]
    tale.carrier("simbase", per_mb="0.01")
    tale.account("acme", credit="20.00")
    tale.lines("acme", "simbase", [tracker])
    first = tale.sync()
    assert (first["readings"], first["bytes"], first["charged"]) == (1, 0, "0.000000")
    for day in range(1, 31):
        for hour in ("06", "18"):
            tale.at(f"2026-11-{day:02}T{hour}:00")
            tale.uses(tracker, 1.5 if day < 30 else 2.25)
            tale.sync(compare=day in (1, 2, 15, 30))
    balance = tale.balance("acme")
    # 29 x 0.03 + 0.045; the last day is accrued, the 29 before it are in the ledger.
    assert balance["available"] == "19.085000"
    assert balance["accrued"] == "0.045000"
    assert balance["average_daily"] == "0.030000"
    assert balance["minimum"] == "5.000000"
    assert balance["runway_days"] == 469.5  # (19.085 - 5) / 0.03
    assert balance["colour"] == "green"
    tale.at("2026-12-01T00:10")
    tale.sync()
    rows = tale.ledger("acme")
    assert rows[0] == ("adjustment", "2026-11-01", "20.000000")
    assert rows[1:] == [("usage", f"2026-11-{day:02}", "-0.030000") for day in range(1, 30)] + [
        ("usage", "2026-11-30", "-0.045000")
    ]
    uuid = tale.accounts["acme"]
    assert Entry.objects.filter(key=f"usage:{uuid}:2026-11-30").count() == 1
    assert tale.balance("acme")["available"] == "19.085000"
    assert tale.balance("acme")["accrued"] == "0.000000"


def test_what_a_sim_used_before_it_was_ours_is_not_charged(story: Callable[[str], Story], sim: Running) -> None:
    tale = story("2026-11-10T09:00")
    simbase, portal = sim.iccids("simbase", 1)[0], sim.iccids("iotportal", 1)[0]
    for iccid in (simbase, portal):
        tale.uses(iccid, 700)
    tale.carrier("simbase", per_mb="0.01")
    tale.carrier("iotportal", per_mb="0.02")
    tale.account("acme", credit="20.00")
    tale.lines("acme", "simbase", [simbase])
    tale.lines("acme", "iotportal", [portal])
    assert tale.sync()["charged"] == "0.000000"
    tale.at("2026-11-10T10:00")
    for iccid in (simbase, portal):
        tale.uses(iccid, 10)
    answer = tale.sync()
    assert answer["bytes"] == 20 * MB
    assert answer["charged"] == "0.300000"
    assert tale.sync()["charged"] == "0.000000"


def test_a_day_read_a_hundred_times_costs_what_it_costs_read_once(story: Callable[[str], Story], sim: Running) -> None:
    """0.0123 a MB in pieces of 137 bytes: rounding each piece would give 0.000200, rounding the day gives 0.000161."""
    tale = story("2026-11-10T09:00")
    often, once = sim.iccids("simbase", 2)
    tale.carrier("simbase", per_mb="0.0123")
    tale.account("acme", credit="20.00")
    tale.account("bolt", credit="20.00")
    tale.lines("acme", "simbase", [often])
    tale.lines("bolt", "simbase", [once])
    tale.sync()
    for minute in range(40):
        tale.at(f"2026-11-10T10:{minute:02}")
        sim.add_bytes(often, 137)
        tale.sync(compare=False)
    sim.add_bytes(once, 40 * 137)
    tale.sync()
    assert tale.balance("acme")["accrued"] == tale.balance("bolt")["accrued"] == "0.000064"
