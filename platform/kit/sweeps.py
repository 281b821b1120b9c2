"""Work on many things of which one may be bad: it costs itself and no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.db import DataError, IntegrityError, InternalError, transaction

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")


def apart(items: Sequence[T], act: Callable[[Sequence[T]], R], lost: Callable[[T, Exception], None]) -> list[R]:
    """Acts on all items in one transaction; where the database refuses what they say, on halves of them, down to the
    one that is bad, which is told to `lost`. What `act` answered, in the items' order."""
    if not items:
        return []
    try:
        with transaction.atomic():
            return [act(items)]
    except (DataError, IntegrityError, InternalError) as error:
        if len(items) == 1:
            lost(items[0], error)
            return []
    half = len(items) // 2
    return apart(items[:half], act, lost) + apart(items[half:], act, lost)


def each(items: Iterable[T], act: Callable[[T], R]) -> list[R]:
    """Acts on one item after another; one that fails is in the log, and the others get their turn."""
    done: list[R] = []
    for item in items:
        try:
            done.append(act(item))
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            log.exception("%s failed; the next sweep tries again", item)
    return done
