"""A carrier corrects itself downwards: nothing is paid back, nothing is paid twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from simulator import Running

from lines.models import LineState
from tests.oracle import MB
from tests.worlds import Story


@pytest.mark.parametrize("kind", ["simbase", "iotportal"])
def test_what_a_correction_took_off_is_used_up_before_anything_is_charged_again(
    story: Callable[[str], Story], sim: Running, kind: str
) -> None:
    """0.10 a MB: 100 MB, corrected to 60, up to 90 (free), up to 110 (10 MB): 11.00 and not 10.00, 15.00 or 7.00."""
    tale = story("2026-11-10T00:00")
    iccid = sim.iccids(kind, 1)[0]
    tale.carrier(kind, per_mb="0.10")
    tale.account("acme", credit="100.00")
    tale.lines("acme", kind, [iccid])
    tale.sync()
    tale.at("2026-11-10T10:00").uses(iccid, 100)
    assert tale.sync()["charged"] == "10.000000"
    assert LineState.objects.get().lower_at is None
    tale.at("2026-11-11T10:00")
    sim.event("corrections", iccid=iccid, bytes=40 * MB)
    assert tale.sync()["charged"] == "0.000000"
    state = LineState.objects.get()
    assert state.lower_at == tale.now
    assert state.lower_counter == 60 * MB
    tale.at("2026-11-12T10:00").uses(iccid, 30)
    assert tale.sync()["charged"] == "0.000000"
    tale.at("2026-11-13T10:00").uses(iccid, 20)
    assert tale.sync()["charged"] == "1.000000"
    tale.at("2026-11-14T10:00")
    tale.sync()
    assert tale.ledger("acme") == [
        ("adjustment", "2026-11-10", "100.000000"),
        ("usage", "2026-11-10", "-10.000000"),
        ("usage", "2026-11-13", "-1.000000"),
    ]
    assert tale.balance("acme")["available"] == "89.000000"


def test_a_corrected_counter_that_stands_over_the_month_is_not_charged_as_a_new_one(
    story: Callable[[str], Story], sim: Running
) -> None:
    """IoT Portal shows 100 MB, corrects to 60, and resets late: 60 after midnight is not lower than before."""
    tale = story("2026-11-29T00:00")
    iccid = sim.iccids("iotportal", 1)[0]
    tale.carrier("iotportal", per_mb="0.10")
    tale.account("acme", credit="100.00")
    tale.lines("acme", "iotportal", [iccid])
    tale.sync()
    tale.at("2026-11-29T10:00").uses(iccid, 100)
    assert tale.sync()["charged"] == "10.000000"
    sim.event("late-reset", iccid=iccid, seconds=6 * 3600, month="2026-12", mode="carry")
    tale.at("2026-11-30T10:00")
    sim.event("corrections", iccid=iccid, bytes=40 * MB)
    assert tale.sync()["charged"] == "0.000000"
    tale.at("2026-12-01T01:00")  # not reset yet: the same 60
    assert tale.sync()["charged"] == "0.000000"
    tale.at("2026-12-01T02:00").uses(iccid, 5)  # 65: still under the 100 that were paid
    assert tale.sync()["charged"] == "0.000000"
    tale.at("2026-12-01T07:00").uses(iccid, 3)  # reset at 06:00
    assert tale.sync()["charged"] == "0.300000"
    tale.at("2026-12-02T07:00")
    tale.sync()
    assert tale.balance("acme")["available"] == "89.700000"


def test_a_month_that_ends_lower_than_it_was_charged_pays_nothing_back(
    story: Callable[[str], Story], sim: Running
) -> None:
    """Simbase's final total of November is 70 MB after 100 were charged: the ledger stays, December begins at 0."""
    tale = story("2026-11-20T00:00")
    iccid = sim.iccids("simbase", 1)[0]
    tale.carrier("simbase", per_mb="0.10")
    tale.account("acme", credit="100.00")
    tale.lines("acme", "simbase", [iccid])
    tale.sync()
    tale.at("2026-11-29T10:00").uses(iccid, 100)
    tale.sync()
    tale.at("2026-12-01T00:00:05")
    sim.event("corrections", iccid=iccid, bytes=30 * MB, month="2026-11")
    answer = tale.sync()
    assert (answer["final_totals"], answer["charged"]) == (0, "0.000000")  # late records may still come: a day later
    tale.at("2026-12-02T10:00").uses(iccid, 5)
    answer = tale.sync()
    assert (answer["final_totals"], answer["charged"]) == (1, "0.500000")
    assert tale.sync()["final_totals"] == 0
    assert tale.balance("acme")["available"] == "89.500000"
