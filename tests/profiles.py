"""How long the chosen profile of Hypothesis looks for what nobody would think of."""

from __future__ import annotations

from hypothesis import settings


def examples() -> int:
    assert settings.default is not None
    return settings.default.max_examples
