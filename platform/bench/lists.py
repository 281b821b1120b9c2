"""The list of lines in `manage.py bench`: the account that holds them all looks, sorts, and takes them out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kit import kept

from accounts.models import Membership
from bench.fleet import NOW, TODAY, Fleet
from bench.report import Row
from lines.models import Line
from lines.queries.export import csv_for
from lines.queries.listing import Asked, list_lines
from lines.queries.order import SORTS


@dataclass(frozen=True, slots=True)
class Look:
    """A page of the list that a person asks for."""

    what: str
    asked: Asked


def rows(fleet: Fleet, rounds: int) -> list[Row]:
    """Milliseconds of a page of 25, with its count; an export's lines a second and its process' memory at its peak."""
    return [_look(fleet.owner, look, rounds) for look in _looks(fleet)] + _export(fleet.owner, fleet.big_lines)


def _looks(fleet: Fleet) -> list[Look]:
    tag = str(fleet.tag.pk)
    last = Line.objects.order_by("pk")[fleet.lines // 2].iccid
    looks = [
        Look("list: first page", Asked()),
        Look("list: page 40", Asked(page=40)),
        Look("list: end of an ICCID", Asked(q=last[-6:])),
        Look("list: a rare word of the notes", Asked(q="quay")),
        Look("list: a word that nearly all notes have", Asked(q="tracker")),
        Look("list: a word that none has", Asked(q="submarine")),
        Look("list: a tag", Asked(tag=tag)),
        Look("list: a tag, most used first", Asked(tag=tag, sort="-month")),
        Look("list: one status", Asked(status="activated")),
        Look("list: one plan", Asked(plan=str(Line.objects.order_by("pk")[0].plan_id))),
    ]
    return looks + [Look(f"list: sorted by {name}", Asked(sort=f"-{name}")) for name in SORTS]


def _look(viewer: Membership, look: Look, rounds: int) -> Row:
    took = []
    for _ in range(rounds + 1):
        kept.forget()
        took.append(_seconds(lambda: list_lines(viewer, look.asked, today=TODAY)))
    return Row(look.what, 1000 * statistics.median(took[1:]), "ms")  # the first one warms up


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _export(viewer: Membership, lines: int) -> list[Row]:
    """The whole file, as the page streams it, once."""
    _forget_peak()

    def read() -> None:
        for _ in csv_for(viewer, Asked(), today=NOW.date()):
            pass

    rate = lines / _seconds(read)
    return [
        Row(f"list: {lines:,} lines as CSV", rate, "lines a second"),
        Row("list: that process at its largest", _peak(), "MB"),
    ]


def _forget_peak() -> None:
    """Linux: the highest memory of this process begins anew here (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    (said,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(said.split()[1]) / 1024
