"""What ends by itself is started again: for a person who watches until it keeps ending, for nobody for ever."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from embedded import services, supervisor
from embedded.processes import CannotStart, Program
from embedded.supervisor import Supervisor


def ends_at_once(folder: Path) -> Program:
    return Program("short", [sys.executable, "-c", "pass"], folder / "short.log", lambda _pid: True)


def ended(children: Supervisor) -> list[str]:
    """What was started again, once the child has ended."""
    children.children[0].process.wait()
    return children.restart_ended()


def test_what_keeps_ending_is_given_up_in_words_or_started_again_with_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "MOST_RESTARTS", 2)
    watched, alone = Supervisor(stop_seconds=0), Supervisor(stop_seconds=0, is_patient=True)
    try:
        for children in (watched, alone):
            children.start(ends_at_once(tmp_path))
            assert [ended(children) for _ in range(2)] == [["short"], ["short"]]
        with pytest.raises(CannotStart, match="short keeps ending"):
            ended(watched)
        assert ended(alone) == []  # not yet
        monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.0)
        assert [ended(alone) for _ in range(3)] == [["short"]] * 3
    finally:
        for children in (watched, alone):
            children.stop_all()


def test_who_watches_bears_a_keeper_that_does_not_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise CannotStart("PostgreSQL does not start")

    monkeypatch.setattr(services, "is_running", lambda: False)
    monkeypatch.setattr(services, "ensure_running", refuse)
    watch = services.Watch()
    watch.look()
    watch.look()
    monkeypatch.setattr(services, "REVIVE_SECONDS", -1.0)
    with pytest.raises(CannotStart):
        watch.look()
    monkeypatch.setattr(services, "ensure_running", lambda **_: None)
    watch.look()
