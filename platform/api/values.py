"""Values in paths: one of the caller's own to begin with, so that a call can be tried at once."""

from __future__ import annotations

from collections.abc import Callable

from accounts.queries import Caller
from lines.api.asked import ICCID
from lines.queries.scope import lines_of


def _first_iccid(caller: Caller) -> str:
    return lines_of(caller).order_by("iccid").values_list("iccid", flat=True).first() or ICCID


OWN: dict[str, Callable[[Caller], str]] = {"iccid": _first_iccid}


def own_value(name: str, caller: Caller) -> str:
    """Of the caller's own, or, where there is none, the samples'."""
    return OWN[name](caller)
