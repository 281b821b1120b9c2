"""A simulator and an empty installation for each story."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from simulator import Running, running

from lines.work.clients import close_clients
from tests.worlds import Story


@pytest.fixture
def sim() -> Iterator[Running]:
    """Four SIMs of each carrier, all silent, all switched on."""
    with running(simbase=4, iotportal=4, quiet=True, clock="2026-11-01") as served:
        yield served
    close_clients()


@pytest.fixture
def story(sim: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Callable[[str], Story]:
    """Begins a story at a time."""
    return lambda now: Story(sim, monkeypatch, now)
