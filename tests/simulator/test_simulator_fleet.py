"""Cards and usage are functions of seed, index and time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator.digits import has_valid_check_digit
from simulator.fleet import Fleet
from simulator.history import History, LateReset, QuietChange, Settings, StatusChange
from simulator.instants import DAY, MINUTE, month_of, month_start, parse, parse_month
from simulator.options import Options
from simulator.sim import Sim
from simulator.simbase import page_rows, quick_row, row

START, END = parse("2025-01-01"), parse("2027-06-01")
instants = st.integers(START, END)
cards = st.integers(0, 5000)
SIMBASE, PORTAL = Fleet("simbase", 5001, 7), Fleet("iotportal", 5001, 7)


def untouched(fleet: Fleet, index: int, history: History | None = None) -> Sim:
    return Sim(fleet.card(index), history or History(), Settings())


@given(cards)
def test_every_iccid_has_its_length_its_check_digit_and_leads_back_to_its_card(index: int) -> None:
    short, long = SIMBASE.card(index).iccid, PORTAL.card(index).iccid
    assert len(short) == 19
    assert len(long) in (19, 20)
    for fleet, iccid in ((SIMBASE, short), (PORTAL, long)):
        assert has_valid_check_digit(iccid)
        found = fleet.find(iccid)
        assert found is not None
        assert found.index == index


def test_both_lengths_of_iccid_occur_at_the_portal() -> None:
    assert {len(PORTAL.card(index).iccid) for index in range(40)} == {19, 20}


def test_an_imei_has_a_check_digit_and_an_imeisv_has_none() -> None:
    assert all(has_valid_check_digit(SIMBASE.card(index).imei) for index in range(100))
    assert all(len(PORTAL.card(index).imei) == 16 for index in range(100))


@pytest.mark.parametrize("iccid", ["", "x", "8944538", "²" * 19, "8" * 19, "8" * 20])
def test_a_number_of_another_fleet_is_not_found(iccid: str) -> None:
    assert SIMBASE.find(iccid) is None


def test_another_seed_is_another_fleet_and_the_same_seed_the_same() -> None:
    first, same, another = (Fleet("simbase", 10, seed).card(3) for seed in (1, 1, 2))
    assert (first.iccid, first.imei, first.pattern) == (same.iccid, same.imei, same.pattern)
    assert first.iccid != another.iccid


def test_all_kinds_of_device_occur() -> None:
    kinds = {SIMBASE.card(index).kind.name for index in range(300)}
    assert kinds == {"tracker", "meter", "camera", "router", "idle"}


@given(cards, st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_usage_never_falls_and_its_parts_add_up(index: int, times: list[int]) -> None:
    low, middle, high = times
    sim = untouched(SIMBASE, index)
    first, second = sim.bytes_between(low, middle, END), sim.bytes_between(middle, high, END)
    assert first >= 0
    assert second >= 0
    assert first + second == sim.bytes_between(low, high, END)


@given(cards, instants)
def test_the_last_record_is_where_the_usage_last_moved(index: int, at: int) -> None:
    sim = untouched(SIMBASE, index)
    last = sim.last_record(at + 1, at)
    assert last <= at
    assert sim.bytes_between(last + 1, at + 1, at) == 0
    assert last == sim.card.created or sim.bytes_between(last, last + 1, at) > 0


@given(cards, st.lists(instants, min_size=4, max_size=4, unique=True).map(sorted))
def test_a_sim_that_is_off_sends_nothing_and_loses_nothing_else(index: int, times: list[int]) -> None:
    start, off, on, end = times
    changes = (StatusChange(off, "disabled", False), StatusChange(on, "enabled", True))
    cut, whole = untouched(SIMBASE, index, History(statuses=changes)), untouched(SIMBASE, index)
    assert cut.bytes_between(off, on, END) == 0
    assert cut.bytes_between(start, end, END) == (
        whole.bytes_between(start, off, END) + whole.bytes_between(on, end, END)
    )


@given(cards, instants)
def test_the_quick_line_of_a_page_is_the_same_as_the_slow_one(index: int, at: int) -> None:
    assert quick_row(SIMBASE.card(index), at) == row(untouched(SIMBASE, index), at)


@given(cards, instants)
def test_the_counter_is_the_month_of_the_last_record(index: int, at: int) -> None:
    sim = untouched(SIMBASE, index)
    counter = sim.counter(at)
    assert counter.month == month_of(counter.last_record)
    assert counter.bytes == sim.month_bytes(counter.month, at)


@given(cards, st.integers(1, 20 * 24 * 60), st.sampled_from(["carry", "held"]))
@settings(max_examples=60)
def test_a_late_reset_moves_bytes_between_cycles_but_loses_and_doubles_none(index: int, late: int, mode: str) -> None:
    november, december = parse_month("2026-11"), parse_month("2026-12")
    reset = LateReset(december, late * MINUTE, mode)  # type: ignore[arg-type]
    sim = untouched(PORTAL, index, History(resets=(reset,)))
    boundary, end = month_start(december), month_start(december + 1) - 1
    before = sim.counter(boundary + late * MINUTE - 1)
    assert before.month == november
    after = sim.counter(end)
    assert after.month == december
    assert before.bytes + after.bytes == sim.month_bytes(november, end) + sim.month_bytes(december, end)
    assert (before.bytes, after.bytes) == (sim.cycle_bytes(november, end), sim.cycle_bytes(december, end))
    if mode == "held":
        assert before.bytes == sim.month_bytes(november, end)


@given(cards, instants)
def test_a_cycle_day_divides_time_at_that_day(index: int, at: int) -> None:
    sim = Sim(PORTAL.card(index), History(), Settings(cycle_day=10))
    counter = sim.counter(at)
    assert counter.span.start <= at
    assert counter.span.start % DAY == 0
    assert counter.bytes == sim.bytes_between(counter.span.start, at + 1, at)


def test_a_device_that_was_quiet_for_a_while_sends_what_it_sent_before_and_after() -> None:
    at = parse("2026-11-20")
    changes = (QuietChange(at, True), QuietChange(at + DAY, False))
    index = next(i for i in range(100) if SIMBASE.card(i).kind.name == "tracker")
    sim, loud = untouched(SIMBASE, index, History(quiets=changes)), untouched(SIMBASE, index)
    assert sim.bytes_between(at, at + DAY, END) == 0
    assert sim.bytes_between(at + DAY, at + 2 * DAY, END) == loud.bytes_between(at + DAY, at + 2 * DAY, END) > 0


def test_a_million_sims_start_at_once_and_their_pages_are_cheap_anywhere() -> None:
    began = time.process_time()  # others may have the processor meanwhile
    world = Options(simbase=1_000_000, iotportal=1_000_000, clock="2026-11-20").world()
    assert time.process_time() - began < 2
    began = time.process_time()
    rows = page_rows(world, range(999_750, 1_000_000), world.now())
    assert time.process_time() - began < 0.25
    assert len({line["iccid"] for line in rows}) == 250
    assert rows == page_rows(world, range(999_750, 1_000_000), world.now())
