"""A carrier that fails costs time and never money: whole pages or nothing, and the next pass has it all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import connection
from simulator import running

from lines.carriers import open_client
from lines.carriers.base import CallKind, OpenGate
from lines.models import Chunk, Line, LineDay, Quarantine, ReadingPass
from lines.work.clients import close_clients
from tests.fleets import state
from tests.oracle import MB
from tests.worlds import Story

PAGE = {"simbase": "^/simcards[?]", "iotportal": "^/ctdUsage"}


@pytest.fixture
def tale(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[Story]:
    """Three lines of each carrier, read once; then each used a megabyte."""
    with running(simbase=3, iotportal=3, quiet=True, clock="2026-11-20") as sim:
        story = Story(sim, monkeypatch, "2026-11-20T12:00")
        for kind in ("simbase", "iotportal"):
            story.carrier(kind, per_mb="0.01")
        story.account("acme", credit="50.00")
        for kind in ("simbase", "iotportal"):
            story.lines("acme", kind, sim.iccids(kind))
        story.sync()
        story.at("2026-11-20T13:00")
        for iccid in story.oracle.lines:
            story.uses(iccid, 1)
        yield story
        close_clients()


def charged_bytes() -> int:
    return sum(LineDay.objects.values_list("used", flat=True))


@pytest.mark.parametrize("fault", ["truncate", "html"])
def test_a_page_that_is_none_is_kept_whole_and_not_applied(tale: Story, fault: str) -> None:
    number = tale.sim.fault(fault, carrier="simbase", path=PAGE["simbase"])
    answer = tale.sync(compare=False)
    assert answer["bytes"] == 3 * MB  # IoT Portal's
    assert answer["failed"] == 1
    assert LineDay.objects.filter(line__carrier__kind="simbase").count() == 0
    kept = Quarantine.objects.get()
    assert bytes(kept.body)
    assert kept.times >= 2  # it was asked again, and answered the same
    assert ReadingPass.objects.filter(carrier__kind="simbase").order_by("-pk")[0].lost == 1
    tale.sim.ask("DELETE", f"/faults/{number}")
    assert tale.sync()["bytes"] == 3 * MB
    assert charged_bytes() == 6 * MB


@pytest.mark.parametrize("fault", ["usage_text", "usage_negative", "usage_null", "missing_iccid"])
def test_a_record_that_cannot_be_read_costs_its_own_line_alone(tale: Story, fault: str) -> None:
    bad = tale.sim.iccids("simbase")[1]
    number = tale.sim.fault(fault, carrier="simbase", path=PAGE["simbase"], row=1)
    has_name = fault != "missing_iccid"
    for times in (1, 2):
        answer = tale.sync(compare=False)
        assert answer["failed"] == int(has_name)
        kept = Quarantine.objects.get()
        assert (kept.times, kept.line and kept.line.iccid) == (times, bad if has_name else None)
        assert kept.error
        assert kept.body
    assert charged_bytes() == 5 * MB
    assert not LineDay.objects.filter(line__iccid=bad).exists()
    last = ReadingPass.objects.filter(carrier__kind="simbase").order_by("-pk")[0]
    assert (last.readings, last.failed, last.lost) == (2, int(has_name), 0)
    tale.sim.ask("DELETE", f"/faults/{number}")
    assert tale.sync()["bytes"] == MB
    assert charged_bytes() == 6 * MB


def test_a_page_that_is_bad_once_is_asked_for_again_in_the_same_pass(tale: Story) -> None:
    tale.sim.fault("truncate", carrier="simbase", path=PAGE["simbase"], count=1)
    answer = tale.sync()
    assert (answer["bytes"], answer["failed"]) == (6 * MB, 0)
    assert len(answer["errors"]) == 1
    assert Quarantine.objects.count() == 1


@pytest.mark.parametrize("fault", ["usage_text", "usage_negative", "truncate"])
def test_one_bad_line_keeps_its_last_numbers_and_the_others_are_charged(tale: Story, fault: str) -> None:
    bad = tale.sim.iccids("iotportal")[1]
    number = tale.sim.fault(fault, carrier="iotportal", path=f"^/ctdUsage/{bad}")
    answer = tale.sync(compare=False)
    assert (answer["bytes"], answer["failed"]) == (5 * MB, 1)
    read_at = state(Line.objects.get(iccid=bad)).read_at
    assert read_at is not None
    assert read_at.hour == 12
    tale.sim.ask("DELETE", f"/faults/{number}")
    assert tale.sync()["bytes"] == MB


@pytest.mark.parametrize("kind", ["simbase", "iotportal"])
def test_a_carrier_that_is_down_stops_nobody_else_and_is_caught_up(
    tale: Story, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("lines.work.sync.PATIENCE", 2.0)
    number = tale.sim.fault("error", carrier=kind, status=503)
    answer = tale.sync(compare=False)
    assert answer["bytes"] == 3 * MB
    assert answer["failed"] >= 1
    assert answer["errors"]
    assert not Chunk.objects.exists()
    assert not ReadingPass.objects.filter(finished_at=None).exists()
    tale.sim.ask("DELETE", f"/faults/{number}")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lines_breaker SET open_until = clock_timestamp()")  # the break is over
    assert tale.sync()["bytes"] == 3 * MB


class Slow(OpenGate):
    """A gate at which the first call waits longer than a call may take."""

    waits = iter([1.5])

    def enter(self, kind: CallKind) -> None:
        time.sleep(next(self.waits, 0.0))


def test_many_wait_for_one_login_as_long_as_it_must_wait_at_the_gate(tale: Story) -> None:
    secrets = {"client_id": tale.sim.client_id, "secret_key": tale.sim.secret_key}
    url = tale.sim.iotportal
    client = open_client("iotportal", url=url, secrets=secrets, gate=Slow(), timeout=1.0)
    with closing(client), ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda iccid: client.read_line(iccid, now=tale.now), tale.sim.iccids("iotportal")))
    assert [reading.counter for reading in found] == [MB] * 3


def test_not_now_is_waited_out(tale: Story) -> None:
    tale.sim.fault("error", carrier="simbase", path=PAGE["simbase"], status=429, retry_after=1, count=1)
    answer = tale.sync()
    assert answer["bytes"] == 6 * MB
    assert answer["seconds"] >= 1


def test_a_token_that_expires_in_the_middle_costs_nothing(tale: Story) -> None:
    tale.sim.ask("POST", "/tokens/expire")
    assert tale.sync()["bytes"] == 6 * MB


def test_a_line_that_comes_twice_and_a_word_nobody_knows_change_no_total(tale: Story) -> None:
    tale.sim.fault("repeat", carrier="simbase", path=PAGE["simbase"], row=1)
    tale.sim.fault("unknown_status", carrier="simbase", path=PAGE["simbase"], row=0, word="hibernating")
    answer = tale.sync()
    assert (answer["bytes"], answer["failed"]) == (6 * MB, 0)
    words = [line.state.reported_word for line in Line.objects.filter(carrier__kind="simbase")]
    assert sorted(words) == ["enabled", "enabled", "hibernating"]


def test_stale_figures_charge_nothing_and_pay_nothing_back(tale: Story) -> None:
    tale.sync()
    tale.sim.fault("stale", carrier="simbase", path=PAGE["simbase"], seconds=7200, count=1)
    answer = tale.sync(compare=False)
    assert answer["charged"] == "0.000000"
    assert charged_bytes() == 6 * MB
