"""What an operator names on the command line, found. Each raises NotFound with the names there are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from kit.errors import Invalid, NotFound
from kit.identifiers import NotAnIccid, read_iccid, sim_key
from kit.tables import Column, read_file

from lines.commands.lists import ICCIDS
from lines.models import Carrier, RatePlan

MOST_ROWS = 2_000_000


def carrier_named(name: str) -> Carrier:
    carrier = Carrier.objects.filter(name=name).first()
    if carrier is None:
        raise NotFound(f"There is no carrier named {name!r}; there are: {_list(Carrier.objects.values_list('name'))}")
    return carrier


def rate_plan_named(name: str) -> RatePlan:
    plan = RatePlan.objects.select_related("carrier").filter(name=name).first()
    if plan is None:
        raise NotFound(
            f"There is no rate plan named {name!r}; there are: {_list(RatePlan.objects.values_list('name'))}"
        )
    return plan


def file_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Each row of a file about SIMs, of which each stands in it once. Raises NotFound, Invalid."""
    wanted = [ICCIDS if name == ICCIDS.name else Column(name, required=True) for name in columns]
    table = read_file(path, wanted, most=MOST_ROWS)
    bad, rows_of = list(table.bad), dict[str, int]()
    for row in table.rows:
        with suppress(NotAnIccid):  # the command says which
            key = sim_key(read_iccid(row.cells[ICCIDS.name]))
            if rows_of.setdefault(key, row.number) != row.number:
                bad.append((row.number, f"the same SIM stands in row {rows_of[key]}"))
    if bad:
        said = " ".join(f"Row {number}: {why}." for number, why in sorted(bad)[:10])
        raise Invalid(f"{path.name} is not taken. {said}")
    return [row.cells for row in table.rows]


def _list(names: object) -> str:
    return ", ".join(sorted(name for (name,) in names)[:20]) or "none"  # type: ignore[attr-defined]
