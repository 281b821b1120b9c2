"""What took long to find is good enough for a moment: kept in this process, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Answers by key for so many seconds, at most so many of them, and only those that are worth it."""

    def __init__(self, *, seconds: float, most: int, worth: Callable[[T], bool] = lambda _: True) -> None:
        self._seconds, self._most, self._worth = seconds, most, worth
        self._answers: dict[Hashable, tuple[T, float]] = {}
        _all.append(self)

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        kept, now = self._answers.get(key), time.monotonic()
        if kept is not None and kept[1] > now:
            return kept[0]
        self._forget_old(now)
        found = find()
        if self._worth(found) and len(self._answers) < self._most:
            self._answers[key] = found, time.monotonic() + self._seconds
        return found

    def _forget_old(self, now: float) -> None:
        """What was kept first ends first."""
        for key, (_, until) in list(self._answers.items()):
            if until > now:
                break
            self._answers.pop(key, None)


def forget() -> None:
    """Nothing is kept any more, whoever kept it."""
    for kept in _all:
        kept._answers.clear()


_all: list[Kept[Any]] = []
