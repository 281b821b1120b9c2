"""Who hangs starves nobody else, and work goes on without a broker."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from config import limits, shares
from config.celery import app
from config.settings import base
from config.settings.work import CELERY_BEAT_SCHEDULE, WORK
from config.sweeping import SweepingScheduler
from django.core.cache import cache
from django.test import Client, override_settings

from accounts.models import User

OURS = ("accounts.", "billing.", "lines.", "automation.", "console.")


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


def test_every_task_is_in_the_queue_of_its_kind() -> None:
    app.loader.import_default_modules()
    tasks = {name for name in app.tasks if name.startswith(OURS)}
    assert {entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()} <= tasks
    named = {task for tasks in WORK.values() for task in tasks if "*" not in task}
    assert named <= tasks
    assert all(task in named or task.startswith("billing.tasks.") for task in tasks)
    assert set(WORK) == set(shares.QUEUES)
    assert (queue_of("billing.tasks.send_notices"), queue_of("billing.tasks.refill_balances")) == ("mail", "money")
    assert {queue.name for queue in app.conf.task_queues} == set(shares.QUEUES)


def test_slots_are_dealt_so_that_each_queue_has_one() -> None:
    assert shares.deal(8, shares.QUEUES) == dict.fromkeys(shares.QUEUES, 1)
    assert shares.deal(9, shares.QUEUES) == dict.fromkeys(shares.QUEUES, 1) | {"driving": 2}
    assert shares.deal(4, ["reading"]) == {"reading": 4}
    assert shares.deal(2, ["reading", "mail", "money"]) == {"reading": 1, "mail": 1, "money": 1}
    for slots in range(8, 40):
        assert sum(shares.deal(slots, shares.QUEUES).values()) == slots


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is a worker with a slot for each queue."""
    shares.begin(len(shares.QUEUES), shares.QUEUES)
    yield
    monkeypatch.setattr(shares, "_folder", None)


def test_a_slot_is_taken_once_and_free_after_its_holder_however_that_one_ended(node: None) -> None:
    with shares.slot("mail") as first, shares.slot("mail") as second, shares.slot("money") as other:
        assert (first, second, other) == (True, False, True)
    folder = shares._folder
    code = (
        f"import fcntl, os; h = os.open({str(folder)!r} + '/mail.0', os.O_RDWR);"
        " fcntl.flock(h, 2); print('held', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with shares.slot("mail") as taken:
            assert not taken
        holder.kill()
        holder.wait()
        with shares.slot("mail") as free:
            assert free


def test_a_worker_of_threads_ends_itself_when_a_task_should_have_ended_long_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "LOOK_EVERY", 0.001)
    codes: list[int] = []
    with limits.limited("lines.tasks.read_usage", 60):
        assert limits.overdue(time.monotonic()) == []
        assert limits.overdue(time.monotonic() + 61) == ["lines.tasks.read_usage"]
        with monkeypatch.context() as later:
            later.setattr(limits, "_ends", {1: (time.monotonic() - 1, "lines.tasks.read_usage")})
            limits.watch(leave=codes.append).join(60)
    assert codes == [limits.EXIT_CODE]
    assert limits.overdue(time.monotonic() + 61) == []


def small_app(done: list[str], hangs: threading.Event) -> Celery:
    """Two tasks that note that they were done, one that hangs; a broker that is not there."""
    small = Celery("small", broker="redis://127.0.0.1:1/0", task_cls="config.shares:SharedTask", set_as_current=False)
    small.conf.task_publish_retry_policy = {"max_retries": 0}
    small.conf.task_routes = {"mail.*": {"queue": "mail"}, "money.*": {"queue": "money"}}

    def hang() -> None:
        done.append("mail.hang")
        hangs.wait(20)

    def other() -> None:
        done.append("mail.other")

    def count() -> None:
        done.append("money.count")

    for task, name in ((hang, "mail.hang"), (other, "mail.other"), (count, "money.count")):
        small.task(task, name=name, shared=False)

    names = ("mail.hang", "mail.other", "money.count")
    small.conf.beat_schedule = {name: {"task": name, "schedule": 60.0} for name in names}
    return small


def test_a_task_that_hangs_leaves_every_other_queue_its_own_slot(node: None) -> None:
    done: list[str] = []
    hangs = threading.Event()
    small = small_app(done, hangs)

    def run(name: str) -> None:
        task = small.tasks[name]
        task.push_request(delivery_info={"routing_key": name.split(".")[0]})
        try:
            task()
        finally:
            task.pop_request()

    hung = threading.Thread(target=run, args=["mail.hang"])
    hung.start()
    end = time.monotonic() + 60
    while not done and time.monotonic() < end:
        time.sleep(0.001)
    run("mail.other")  # its queue's slot is taken: the next bell finds what is due
    run("money.count")
    assert done == ["mail.hang", "money.count"]
    hangs.set()
    hung.join(60)
    run("mail.other")
    assert done[-1] == "mail.other"


def test_without_a_broker_what_is_due_is_done_by_beat_and_who_hangs_delays_their_own_kind(tmp_path: Path) -> None:
    done: list[str] = []
    hangs = threading.Event()
    beat = SweepingScheduler(small_app(done, hangs), schedule_filename=str(tmp_path / "beat"))
    try:
        for name in ("mail.hang", "mail.other", "money.count", "money.count", "mail.hang"):
            beat.apply_entry(beat.schedule[name])
        end = time.monotonic() + 60
        while "money.count" not in done and time.monotonic() < end:
            time.sleep(0.005)
        assert sorted(done) == ["mail.hang", "money.count"]  # the second bell of each is too soon
        hangs.set()
        while "mail.other" not in done and time.monotonic() < end:
            time.sleep(0.005)
        assert sorted(done) == ["mail.hang", "mail.other", "money.count"]
    finally:
        hangs.set()
        beat.close()


def test_beat_rings_again_when_the_broker_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    small = small_app(done, threading.Event())
    beat = SweepingScheduler(small, schedule_filename=str(tmp_path / "beat"))
    rung: list[str] = []
    try:
        beat.apply_entry(beat.schedule["money.count"])
        monkeypatch.setattr(beat, "apply_async", lambda entry, **_named: rung.append(entry.name))
        monkeypatch.setattr(beat, "_heard", lambda _entry: True)
        beat.apply_entry(beat.schedule["mail.other"])  # too soon to knock
        assert rung == []
        beat._knocked = -1000.0
        for _ in range(2):
            beat.apply_entry(beat.schedule["money.count"])
        assert rung == ["money.count"] * 2
    finally:
        beat.close()


def test_the_console_asks_nothing_of_redis_and_still_limits_logins(db: None) -> None:
    assert "redis" not in str(base.CACHES).lower()
    assert "cache" not in str(getattr(base, "SESSION_ENGINE", "")).lower()
    with override_settings(CACHES=base.CACHES):
        User.objects.create_user(email="kate@acme.example", password="right-horse-1")
        given: dict[str, Any] = {"login": "kate@acme.example", "password": "wrong"}
        answers = [Client().post("/accounts/login/", given).content.decode() for _ in range(7)]
        assert "Too many" not in answers[0]
        assert "Too many" in answers[-1]
        assert cache.get("nothing") is None


def test_bells_have_no_time_that_a_workers_clock_could_miss_and_a_deaf_queue_gets_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not [name for name, entry in CELERY_BEAT_SCHEDULE.items() if "expires" in entry.get("options", {})]
    beat = SweepingScheduler(small_app([], threading.Event()), schedule_filename=str(tmp_path / "beat"))
    rung: list[str] = []
    waiting = {"mail": 50, "money": 49}
    try:
        monkeypatch.setattr(beat, "apply_async", lambda entry, **_named: rung.append(entry.name))
        monkeypatch.setitem(beat.__dict__, "_broker", type("Broker", (), {"llen": staticmethod(waiting.get)}))
        for name in ("mail.hang", "money.count"):
            beat.apply_entry(beat.schedule[name])
        assert rung == ["money.count"]
        assert not beat._running
    finally:
        beat.close()


def test_a_clock_that_jumps_ahead_and_back_costs_a_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beat counts turns by its host's clock: a day ahead and back would be a day without any."""
    beat = SweepingScheduler(small_app([], threading.Event()), schedule_filename=str(tmp_path / "beat"))
    rung: list[str] = []
    try:
        monkeypatch.setattr(beat, "apply_entry", lambda entry, producer=None: rung.append(entry.name))
        for entry in beat.schedule.values():
            entry.last_run_at -= dt.timedelta(minutes=2)
        for _ in range(10):
            beat.tick()
        assert sorted(rung) == ["mail.hang", "mail.other", "money.count"]
        day = dt.timedelta(days=1)
        for entry in beat.schedule.values():
            entry.last_run_at += day  # as the clock that stood wrong wrote them
        assert beat._offset is not None
        beat._heap, beat._offset = None, beat._offset + day.total_seconds()
        assert 0 < beat.tick() <= 60
        assert all(
            abs(entry.last_run_at - entry.default_now()) < 2 * dt.timedelta(minutes=1)
            for entry in beat.schedule.values()
        )
    finally:
        beat.close()
