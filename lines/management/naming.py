"""What an operator names on the command line, found. Each raises NotFound with the names there are."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from kit.errors import Invalid, NotFound

from lines.models import Carrier, RatePlan


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


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Each row of a CSV file that has one of these columns' cells. Raises NotFound, Invalid."""
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    with file:
        try:
            reader = csv.DictReader(file)
            names = {(name or "").strip().lower(): name for name in reader.fieldnames or []}
            if missing := [name for name in columns if name not in names]:
                raise Invalid(f"{path} has no column {missing[0]}; its first row must name the columns")
            for row in reader:
                found = {name: (row[names[name]] or "").strip() for name in columns}
                if any(found.values()):
                    yield found
        except (UnicodeDecodeError, csv.Error) as error:
            raise Invalid(f"{path} is no CSV file in UTF-8: {error}") from None


def _list(names: object) -> str:
    return ", ".join(sorted(name for (name,) in names)[:20]) or "none"  # type: ignore[attr-defined]
