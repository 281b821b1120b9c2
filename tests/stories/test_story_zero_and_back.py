"""The balance passes its minimum and zero, the lines stop at their carriers, and a credit brings them back."""

from __future__ import annotations

from collections.abc import Callable

from simulator import Running

from lines.models import Drive, Line
from lines.policy import Wanted
from tests.worlds import Story, operator


def words(tale: Story, iccids: list[str]) -> list[str]:
    return [tale.word(iccid) for iccid in iccids]


def test_a_balance_passes_zero_and_is_refilled(story: Callable[[str], Story], sim: Running) -> None:
    tale = story("2026-11-10T00:00")
    simbase, portal = sim.iccids("simbase", 2), sim.iccids("iotportal", 2)
    tale.carrier("simbase", per_mb="0.01")
    tale.carrier("iotportal", per_mb="0.02")
    tale.account("acme", credit="10.00")
    tale.lines("acme", "simbase", simbase)
    tale.lines("acme", "iotportal", portal)
    answer = tale.sync()
    assert (answer["suspended"], answer["driven"]) == (0, 0)  # all are on already, as wanted
    # 300 MB on Simbase are 3.00, 100 MB on IoT Portal 2.00: 5.00 are left, which is the minimum, not below it.
    tale.at("2026-11-10T10:00").uses(simbase[0], 300)
    tale.uses(portal[0], 100)
    assert tale.sync()["suspended"] == 0
    assert tale.balance("acme")["colour"] == "green"  # no complete day with usage: an average of 0
    # One millionth more is red.
    tale.at("2026-11-10T11:00")
    sim.add_bytes(simbase[1], 105)  # 0.000001
    answer = tale.sync()
    assert (answer["charged"], answer["suspended"], answer["driven"], answer["confirmed"]) == ("0.000001", 4, 4, 4)
    assert tale.balance("acme")["colour"] == "red"
    assert words(tale, simbase) == ["disabled"] * 2
    assert words(tale, portal) == ["DEACTIVATED"] * 2
    # What was already used is charged though: the balance goes below zero.
    tale.at("2026-11-11T09:00").uses(portal[1], 400)
    answer = tale.sync()
    assert (answer["charged"], answer["suspended"], answer["driven"]) == ("8.000000", 0, 0)
    assert tale.balance("acme")["available"] == "-3.000001"
    # A credit that does not reach the minimum changes nothing.
    answer = tale.credit("acme", "8.00")
    assert (answer["available"], answer["colour"], answer["reactivated"]) == ("4.999999", "red", 0)
    assert tale.sync()["driven"] == 0
    # The last millionth does: yesterday's 5.000001 are the average and the minimum.
    answer = tale.credit("acme", "0.000002")
    assert (answer["available"], answer["colour"], answer["reactivated"]) == ("5.000001", "orange", 4)
    answer = tale.sync()
    assert (answer["driven"], answer["confirmed"]) == (4, 4)
    assert words(tale, simbase) == ["enabled"] * 2
    assert words(tale, portal) == ["ACTIVATED"] * 2
    assert not Drive.objects.exists()


def test_an_average_above_five_raises_the_minimum_overnight(story: Callable[[str], Story], sim: Running) -> None:
    """68.00 credited, 56.00 used in a day: 12.00 left: green, and orange the next day (minimum 56 / 7)."""
    tale = story("2026-11-10T00:00")
    iccid = sim.iccids("simbase", 1)[0]
    tale.carrier("simbase", per_mb="0.02")
    tale.account("acme", credit="68.00")
    tale.lines("acme", "simbase", [iccid])
    tale.sync()
    tale.at("2026-11-10T10:00").uses(iccid, 2800)
    tale.sync()
    assert tale.balance("acme")["colour"] == "green"
    tale.at("2026-11-11T00:00:05")
    tale.sync()
    balance = tale.balance("acme")
    assert (balance["minimum"], balance["colour"], balance["runway_days"]) == ("8.000000", "orange", 0.5)
    tale.at("2026-11-11T10:00").uses(iccid, 250)
    assert tale.sync()["suspended"] == 1  # 7.00 are less than 8.00
    assert tale.word(iccid) == "disabled"
    # Nothing more is used: on the 19th the average and minimum are 61.00 / 9, and 7.00 are enough again.
    tale.at("2026-11-19T00:00:05")
    answer = tale.sync()
    assert (answer["reactivated"], answer["confirmed"]) == (1, 1)
    assert tale.word(iccid) == "enabled"
    assert tale.balance("acme")["average_daily"] == "6.777778"


def test_a_line_that_was_switched_off_by_hand_stays_off_when_the_others_come_back(
    story: Callable[[str], Story], sim: Running
) -> None:
    tale = story("2026-11-10T00:00")
    on, off = sim.iccids("simbase", 2)
    tale.carrier("simbase", per_mb="0.01")
    tale.account("acme", credit="6.00")
    tale.lines("acme", "simbase", [on])
    tale.lines("acme", "simbase", [off], active=False)
    tale.sync()
    assert words(tale, [on, off]) == ["enabled", "disabled"]
    assert tale.credit("acme", "-3.00")["suspended"] == 1
    tale.sync()
    assert words(tale, [on, off]) == ["disabled", "disabled"]
    assert tale.credit("acme", "3.00")["reactivated"] == 1
    tale.sync()
    assert words(tale, [on, off]) == ["enabled", "disabled"]
    assert Line.objects.get(iccid=off).state.wanted == Wanted.DEACTIVATED


def test_lines_of_a_red_account_start_suspended(story: Callable[[str], Story], sim: Running) -> None:
    tale = story("2026-11-10T00:00")
    iccid = sim.iccids("iotportal", 1)[0]
    tale.carrier("iotportal", per_mb="0.01")
    tale.account("acme")
    tale.lines("acme", "iotportal", [iccid])
    tale.sync()
    assert tale.word(iccid) == "DEACTIVATED"
    tale.credit("acme", "5.00")
    tale.sync()
    assert tale.word(iccid) == "ACTIVATED"


def test_a_daily_fee_is_paid_for_each_day_that_a_line_is_on(story: Callable[[str], Story], sim: Running) -> None:
    """0.25 a day and 6.00: the 4th day's fee leaves 5.00, the 5th's makes it red; off, it pays no more."""
    tale = story("2026-11-10T06:00")
    iccid = sim.iccids("simbase", 1)[0]
    tale.carrier("simbase", per_mb="0.01", per_day="0.25")
    tale.account("acme", credit="6.00")
    tale.lines("acme", "simbase", [iccid])
    expected = ["5.750000", "5.500000", "5.250000", "5.000000", "4.750000", "4.750000", "4.750000"]
    for number, available in enumerate(expected):
        day = 10 + number
        for hour in (6, 18):
            tale.at(f"2026-11-{day}T{hour:02}:00")
            tale.sync(compare=False)
        assert tale.balance("acme")["available"] == available, day
        assert tale.word(iccid) == ("enabled" if day < 14 else "disabled")
    assert operator("check_books")["ok"]
    assert [row for row in tale.ledger("acme") if row[0] == "usage"] == [
        ("usage", f"2026-11-{day}", "-0.250000") for day in range(10, 15)
    ]
