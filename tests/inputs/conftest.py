"""A fleet in a database whose clock stands still."""

from __future__ import annotations

import pytest

from tests.fleets import Fleet

NOW = "2026-11-20T12:00:00+00:00"


@pytest.fixture(autouse=True)
def _noon_of_the_twentieth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEKEEPER_NOW", NOW)


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()
