"""Bells: an app below rings where an app above has work to do at once. What is due is a row; a bell may be lost."""

from __future__ import annotations

import enum
import logging
from collections import defaultdict
from collections.abc import Callable

log = logging.getLogger(__name__)


class Bell(enum.Enum):
    """When it is rung. Outside any transaction of the one who rings."""

    PAGE_APPLIED = "a page of readings was applied"
    BALANCES_DECIDED = "balances have decided what lines may run; carriers are driven next"


_listeners: dict[Bell, list[Callable[[], int]]] = defaultdict(list)


def listen(bell: Bell, do: Callable[[], int]) -> None:
    """`do` says how many lines it turned. For an app's `ready`."""
    _listeners[bell].append(do)


def ring(bell: Bell) -> int:
    """How many lines were turned. Who listens and fails is logged: the sweep comes again, and we go on."""
    turned = 0
    for do in _listeners[bell]:
        try:
            turned += do()
        except Exception:
            log.exception("%s failed at: %s", do, bell.value)
    return turned
