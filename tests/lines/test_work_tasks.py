"""Celery rings the bell; what is due is rows. Each task may run twice, beside itself, or never."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import close_old_connections, connection
from kombu.exceptions import OperationalError
from simulator import Running, running

from billing.models import Entry
from lines import tasks
from lines.commands import passes
from lines.models import Carrier, Chunk, Drive, LineDay, ReadingPass
from lines.work.clients import close_clients
from tests.oracle import MB
from tests.worlds import Story, books


@pytest.fixture
def sim() -> Iterator[Running]:
    with running(simbase=3, iotportal=3, quiet=True, clock="2026-11-20") as served:
        yield served
    close_clients()


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bells that tasks rang; nobody hears them."""
    heard: list[str] = []
    for task in (tasks.read_usage, tasks.drive_lines):
        monkeypatch.setattr(task, "delay", lambda name=task.name: heard.append(name))
    return heard


@pytest.fixture
def tale(sim: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Story:
    """Six lines of one account, read once, each of which then used a megabyte."""
    story = Story(sim, monkeypatch, "2026-11-20T12:00")
    for kind in ("simbase", "iotportal"):
        story.carrier(kind, per_mb="0.01")
    story.account("acme", credit="5.03")
    for kind in ("simbase", "iotportal"):
        story.lines("acme", kind, sim.iccids(kind))
    story.sync()
    story.at("2026-11-20T13:00")
    for iccid in story.oracle.lines:
        story.uses(iccid, 1)
    return story


def test_tasks_alone_read_charge_decide_and_drive(tale: Story, rung: list[str]) -> None:
    assert tasks.plan_passes() == 2
    assert tasks.read_usage() == 6
    assert tasks.drive_lines() == 6  # 6 cents of 5.03: red
    assert tasks.keep_books() == 0
    tale.hear()
    tale.compare()
    assert {tale.word(iccid) for iccid in tale.sim.iccids("simbase")} == {"disabled"}
    assert rung == ["lines.tasks.read_usage", "lines.tasks.drive_lines"]


def test_every_task_run_twice_is_the_same_as_once(tale: Story, rung: list[str]) -> None:
    found = [(task(), task()) for task in (tasks.plan_passes, tasks.read_usage, tasks.drive_lines, tasks.keep_books)]
    assert found == [(2, 0), (6, 0), (6, 0), (0, 0)]
    tale.hear()
    tale.compare()
    tale.at("2026-11-21T00:00:10")
    tasks.keep_books()
    tasks.keep_books()
    assert Entry.objects.filter(kind="usage").count() == 1
    assert books()


def test_a_pass_is_planned_when_the_last_one_is_long_enough_ago(tale: Story, rung: list[str]) -> None:
    assert tasks.plan_passes() == 2
    tale.at("2026-11-20T14:00")
    assert tasks.plan_passes() == 0  # not read yet: it goes on
    tasks.read_usage()
    assert tasks.plan_passes() == 2
    tasks.read_usage()
    tale.at("2026-11-20T14:04:59")
    assert tasks.plan_passes() == 0
    tale.at("2026-11-20T14:05")
    assert tasks.plan_passes() == 2
    assert ReadingPass.objects.filter(finished_at=None).count() == 2


def test_without_redis_the_rows_stay_and_the_next_sweep_does_the_work(
    tale: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OperationalError("Redis is gone")

    for task in (tasks.read_usage, tasks.drive_lines):
        monkeypatch.setattr(task, "delay", gone)
    with pytest.raises(OperationalError):
        tasks.plan_passes()
    assert Chunk.objects.count() == 2
    with pytest.raises(OperationalError):
        tasks.read_usage()
    assert Drive.objects.count() == 6
    assert tasks.drive_lines() == 6
    tale.hear()
    tale.compare()


def left_by_dead_workers(*, attempts: int, run_out: bool = False) -> None:
    """Every chunk was taken so often, and the session that had it last is gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lines_chunk SET attempts = %s, leased_until = clock_timestamp() + %s * interval '1 second',"
            " leased_pid = 1, leased_session = now() - interval '1 day'",
            [attempts, -1 if run_out else 150],
        )


def test_what_a_dead_worker_had_taken_is_done_by_the_next(tale: Story, rung: list[str]) -> None:
    tasks.plan_passes()
    left_by_dead_workers(attempts=1)
    assert tasks.read_usage() == 6
    assert sum(LineDay.objects.values_list("used", flat=True)) == 6 * MB


def test_a_chunk_that_kills_its_workers_waits_and_then_ends_unread(tale: Story, rung: list[str]) -> None:
    tasks.plan_passes()
    left_by_dead_workers(attempts=5)
    assert tasks.read_usage() == 0
    assert ReadingPass.objects.filter(finished_at=None).count() == 2
    left_by_dead_workers(attempts=5, run_out=True)
    assert tasks.read_usage() == 0
    ended = ReadingPass.objects.order_by("-pk")[:2]
    assert [(one.failed, one.finished_at is None) for one in ended] == [(1, False)] * 2
    tale.at("2026-11-20T14:30")
    assert tasks.plan_passes() == 2
    assert tasks.read_usage() == 6


def test_a_pass_that_fails_again_and_again_ends_and_the_next_one_reads(
    tale: Story, rung: list[str], sim: Running
) -> None:
    number = sim.fault("truncate", carrier="simbase", path="^/simcards[?]")
    tasks.plan_passes()
    for minute in (1, 5, 15, 25, 40, 55):
        tale.at(f"2026-11-20T13:{minute:02}")
        tasks.read_usage()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE lines_breaker SET open_until = NULL, failures = 0")
    assert not ReadingPass.objects.filter(finished_at=None).exists()
    assert not LineDay.objects.filter(line__carrier__kind="simbase").exists()
    sim.ask("DELETE", f"/faults/{number}")
    tale.at("2026-11-20T14:30")
    assert tasks.plan_passes() == 2
    tasks.read_usage()
    assert sum(LineDay.objects.values_list("used", flat=True)) == 6 * MB


def test_bells_at_once_do_the_work_once(tale: Story, rung: list[str]) -> None:
    from tests.lines.test_concurrency import side_by_side

    bells: list[Callable[[], object]] = [tasks.read_usage, tasks.read_usage, tasks.drive_lines, tasks.keep_books]
    tasks.plan_passes()
    side_by_side(*bells, *bells)
    tasks.read_usage()
    tasks.drive_lines()
    tale.hear()
    tale.compare()
    assert not Drive.objects.exists()


def session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_a_session_in_which_work_was_claimed_ends_with_its_task_and_another_is_kept(
    tale: Story, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    connection.close()
    first = session()
    assert passes.claim_chunks(carrier=Carrier.objects.get(kind="simbase"), limit=4) == []
    close_old_connections()
    assert session() == first
    tasks.plan_passes()
    [chunk] = passes.claim_chunks(carrier=Carrier.objects.get(kind="simbase"), limit=4)
    close_old_connections()
    assert session() != first
    [again] = passes.claim_chunks(carrier=Carrier.objects.get(kind="simbase"), limit=4)
    assert (again.pk, again.attempts) == (chunk.pk, 2)
