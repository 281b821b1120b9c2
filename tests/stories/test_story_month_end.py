"""The end of a month: counters that reset late, lines that say nothing, records that come late."""

from __future__ import annotations

from collections.abc import Callable

from simulator import Running

from tests.worlds import Story


def test_a_late_reset_is_never_charged_twice(story: Callable[[str], Story], sim: Running) -> None:
    """IoT Portal at 0.02 a MB: 250 MB in November, 10 more before the reset at 05:00, then December's own 4."""
    tale = story("2026-11-15T00:00")
    iccid = sim.iccids("iotportal", 1)[0]
    sim.event("late-reset", iccid=iccid, seconds=5 * 3600, month="2026-12", mode="carry")
    tale.carrier("iotportal", per_mb="0.02")
    tale.account("acme", credit="50.00")
    tale.lines("acme", "iotportal", [iccid])
    tale.sync()
    tale.at("2026-11-30T23:50").uses(iccid, 250)
    assert tale.sync()["charged"] == "5.000000"
    tale.at("2026-12-01T00:00:05")  # 250, as before: November is still open
    assert tale.sync()["charged"] == "0.000000"
    tale.at("2026-12-01T03:00").uses(iccid, 10)  # 260: November's, late
    assert tale.sync()["charged"] == "0.200000"
    tale.at("2026-12-01T06:00").uses(iccid, 4)  # reset: 4
    assert tale.sync()["charged"] == "0.080000"
    tale.at("2026-12-02T00:01")
    tale.sync()
    assert tale.ledger("acme")[1:] == [
        ("usage", "2026-11-30", "-5.000000"),  # sealed at midnight
        ("usage", "2026-11-30", "-0.200000"),  # found afterwards: a row of its own
        ("usage", "2026-12-01", "-0.080000"),
    ]
    assert tale.balance("acme")["available"] == "44.720000"


def test_a_reset_while_nobody_looked_loses_only_what_nobody_saw(story: Callable[[str], Story], sim: Running) -> None:
    tale = story("2026-11-15T00:00")
    iccid = sim.iccids("iotportal", 1)[0]
    tale.carrier("iotportal", per_mb="0.02")
    tale.account("acme", credit="50.00")
    tale.lines("acme", "iotportal", [iccid])
    tale.sync()
    tale.at("2026-11-20T00:00").uses(iccid, 250)
    tale.sync()
    tale.at("2026-12-03T09:00").uses(iccid, 40)
    assert tale.sync()["charged"] == "0.800000"
    assert tale.balance("acme")["available"] == "44.200000"


def test_a_portal_line_that_used_nothing_in_a_month_is_charged_from_the_next_months_first_byte(
    story: Callable[[str], Story], sim: Running
) -> None:
    tale = story("2026-11-15T00:00")
    iccid = sim.iccids("iotportal", 1)[0]
    tale.carrier("iotportal", per_mb="0.02")
    tale.account("acme", credit="50.00")
    tale.lines("acme", "iotportal", [iccid])
    tale.sync()
    tale.at("2026-12-01T09:00").uses(iccid, 7)
    assert tale.sync()["charged"] == "0.140000"
    tale.at("2026-12-02T09:00")
    tale.sync()
    assert tale.ledger("acme")[1:] == [("usage", "2026-12-01", "-0.140000")]


def test_a_silent_simbase_line_keeps_its_month_until_it_speaks_again(
    story: Callable[[str], Story], sim: Running
) -> None:
    """100 MB in November and silence: December's readings still say November; then late records, then December."""
    tale = story("2026-11-15T00:00")
    silent, busy = sim.iccids("simbase", 2)
    tale.carrier("simbase", per_mb="0.01")
    tale.account("acme", credit="50.00")
    tale.lines("acme", "simbase", [silent, busy])
    tale.sync()
    tale.at("2026-11-16T12:00").uses(silent, 100)
    tale.uses(busy, 1)
    assert tale.sync()["charged"] == "1.010000"
    tale.at("2026-12-01T00:00:05")
    answer = tale.sync()
    assert (answer["charged"], answer["final_totals"]) == ("0.000000", 0)  # a day later, when late records are in
    tale.at("2026-12-02T00:00:05")
    answer = tale.sync()
    assert (answer["charged"], answer["final_totals"]) == ("0.000000", 2)
    tale.at("2026-12-02T12:00").uses(busy, 2)
    assert tale.sync()["charged"] == "0.020000"
    tale.at("2026-12-03T12:00").uses(silent, 30, month="2026-11")  # comes late: its last record is still November's
    assert tale.sync()["charged"] == "0.300000"
    tale.at("2026-12-04T12:00").uses(silent, 5)
    assert tale.sync()["charged"] == "0.050000"
    tale.at("2026-12-05T00:01")
    tale.sync()
    assert tale.ledger("acme")[1:] == [
        ("usage", "2026-11-16", "-1.010000"),
        ("usage", "2026-12-02", "-0.020000"),
        ("usage", "2026-11-30", "-0.300000"),
        ("usage", "2026-12-04", "-0.050000"),
    ]


def test_what_was_used_after_the_last_reading_of_a_month_comes_with_its_final_total(
    story: Callable[[str], Story], sim: Running
) -> None:
    """Read at 20:00, 12 MB more by midnight, 3 MB after it: the counter shows only 3, the final total all of them."""
    tale = story("2026-11-15T00:00")
    iccid = sim.iccids("simbase", 1)[0]
    tale.carrier("simbase", per_mb="0.01")
    tale.account("acme", credit="50.00")
    tale.lines("acme", "simbase", [iccid])
    tale.sync()
    tale.at("2026-11-30T20:00").uses(iccid, 40)
    tale.sync()
    tale.at("2026-11-30T23:00").uses(iccid, 12)
    tale.at("2026-12-01T00:30").uses(iccid, 3)
    answer = tale.sync()
    assert (answer["final_totals"], answer["charged"]) == (0, "0.030000")
    tale.at("2026-12-02T00:30")
    answer = tale.sync()
    assert (answer["final_totals"], answer["charged"]) == (1, "0.120000")
    assert tale.ledger("acme")[1:] == [
        ("usage", "2026-11-30", "-0.400000"),
        ("usage", "2026-12-01", "-0.030000"),
    ]
    assert tale.balance("acme")["accrued"] == "0.120000"  # in the ledger when the day is over on which it was found
    assert tale.sync()["final_totals"] == 0


def test_months_in_which_nobody_looked_are_settled_by_their_final_totals(
    story: Callable[[str], Story], sim: Running
) -> None:
    """No pass from September 20th to December 2nd: October and November are charged to their last days."""
    tale = story("2026-09-10T00:00")
    iccid = sim.iccids("simbase", 1)[0]
    tale.carrier("simbase", per_mb="0.01")
    tale.account("acme", credit="50.00")
    tale.lines("acme", "simbase", [iccid])
    tale.sync()
    tale.at("2026-09-20T00:00").uses(iccid, 10)
    tale.sync()
    tale.at("2026-09-25T00:00").uses(iccid, 1)
    tale.at("2026-10-05T00:00").uses(iccid, 20)
    tale.at("2026-11-05T00:00").uses(iccid, 30)
    tale.at("2026-12-02T00:00").uses(iccid, 40)
    tale.sync(compare=False)
    tale.at("2026-12-03T00:00")
    tale.sync(compare=False)
    assert sorted(tale.ledger("acme")[1:]) == [
        ("usage", "2026-09-20", "-0.100000"),
        ("usage", "2026-09-30", "-0.010000"),
        ("usage", "2026-10-31", "-0.200000"),
        ("usage", "2026-11-30", "-0.300000"),
        ("usage", "2026-12-02", "-0.400000"),
    ]


def test_a_line_that_was_silent_for_months_is_settled_for_each_of_them(
    story: Callable[[str], Story], sim: Running
) -> None:
    """Read all the while, silent since September; October's records come together with November's first."""
    tale = story("2026-09-10T00:00")
    iccid = sim.iccids("simbase", 1)[0]
    tale.carrier("simbase", per_mb="0.01")
    tale.account("acme", credit="50.00")
    tale.lines("acme", "simbase", [iccid])
    tale.sync()
    tale.at("2026-09-20T00:00").uses(iccid, 10)
    tale.sync()
    for day in ("2026-10-02", "2026-11-02"):
        tale.at(f"{day}T00:00")
        tale.sync()
    tale.at("2026-11-10T00:00").uses(iccid, 20, month="2026-10")
    tale.uses(iccid, 5)
    tale.sync(compare=False)
    tale.at("2026-11-11T00:00")
    tale.sync(compare=False)
    assert sorted(tale.ledger("acme")[1:]) == [
        ("usage", "2026-09-20", "-0.100000"),
        ("usage", "2026-10-31", "-0.200000"),
        ("usage", "2026-11-10", "-0.050000"),
    ]


def test_a_month_whose_counter_stood_still_over_its_end_is_charged_once(
    story: Callable[[str], Story], sim: Running
) -> None:
    """Simbase itself resets late and holds November's total for six hours of December."""
    tale = story("2026-11-15T00:00")
    iccid = sim.iccids("simbase", 1)[0]
    sim.event("late-reset", iccid=iccid, seconds=6 * 3600, month="2026-12", mode="held")
    tale.carrier("simbase", per_mb="0.01")
    tale.account("acme", credit="50.00")
    tale.lines("acme", "simbase", [iccid])
    tale.sync()
    tale.at("2026-11-30T20:00").uses(iccid, 40)
    tale.sync()
    tale.at("2026-12-01T02:00").uses(iccid, 6)
    tale.sync()
    tale.at("2026-12-01T08:00").uses(iccid, 2)
    tale.sync()
    assert tale.balance("acme")["available"] == "49.520000"
    assert tale.balance("acme")["accrued"] == "0.080000"
