"""A fleet at noon of the twentieth, and rules for it."""

from __future__ import annotations

import pytest

from tests.automation.ruled import Ruled

NOW = "2026-11-20T12:00:00+00:00"


@pytest.fixture
def ruled(db: None, monkeypatch: pytest.MonkeyPatch) -> Ruled:
    return Ruled(monkeypatch, NOW)
