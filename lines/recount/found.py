"""What a second set of books has found of days: one more rule of the books."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SHOWN = 20  # differences that are named
MILLION = 1_000_000


@dataclass(slots=True)
class DaysFound:
    """Days that were compared; what moved since it was charged or counted waits."""

    days: int = 0
    waiting: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)

    def as_check(self, name: str, says: str) -> dict[str, Any]:
        return {
            "name": name,
            "says": says,
            "ok": not self.differences,
            "breaches": len(self.differences),
            "first": self.differences[:SHOWN],
            "days": self.days,
            "waiting": self.waiting,
        }


def usd(millionths: int) -> str:
    return f"{'-' if millionths < 0 else ''}{abs(millionths) // MILLION}.{abs(millionths) % MILLION:06}"
