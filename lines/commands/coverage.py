"""Where rate plans work: loaded from a file, which is the whole truth about each plan that it names."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from django.db import transaction
from kit.errors import Invalid, NotFound

from accounts.commands import record
from accounts.policy import Actor
from lines.models import Coverage, RatePlan

COLUMNS = ("rate_plan", "country", "code", "network", "technologies")
TECHNOLOGIES = ("2G", "3G", "4G", "5G", "LTE-M", "NB-IoT")


@dataclass(slots=True)
class Loaded:
    """How many networks each plan has now; or, where nothing was changed, what is wrong with each bad row."""

    plans: dict[str, int] = field(default_factory=dict)
    bad_rows: list[dict[str, object]] = field(default_factory=list)


@transaction.atomic
def load_coverage(*, rows: Iterable[tuple[int, Mapping[str, str]]], by: Actor) -> Loaded:
    """Replaces the coverage of each rate plan that the rows name, or, if any row is bad, nothing."""
    loaded = Loaded()
    plans = {plan.name: plan for plan in RatePlan.objects.all()}
    found: dict[str, dict[tuple[str, str], Coverage]] = defaultdict(dict)
    for number, row in rows:
        values = {name: " ".join((row.get(name) or "").split()) for name in COLUMNS}
        known = found[values["rate_plan"]]
        if why := _wrong(values, plans, known):
            loaded.bad_rows.append({"row": number, "why": why})
            continue
        code = values["code"].upper()
        known[code, values["network"].lower()] = Coverage(
            plan=plans[values["rate_plan"]],
            country=values["country"],
            code=code,
            network=values["network"],
            technologies=_technologies(values["technologies"]),
        )
    if loaded.bad_rows:
        return loaded
    for name, networks in sorted(found.items()):
        Coverage.objects.filter(plan=plans[name]).delete()
        Coverage.objects.bulk_create(networks.values(), batch_size=2000)
        loaded.plans[name] = len(networks)
        record(by=by, verb="coverage.loaded", subject=f"rate_plan:{name}", detail={"networks": len(networks)})
    return loaded


def _wrong(row: dict[str, str], plans: Mapping[str, RatePlan], known: Mapping[tuple[str, str], Coverage]) -> str:
    if row["rate_plan"] not in plans:
        return f"there is no rate plan {row['rate_plan']!r}"
    if not re.fullmatch(r"[A-Za-z]{2}", row["code"]):
        return f"{row['code']!r} is no country code of two letters"
    if not 0 < len(row["country"]) <= 80 or not 0 < len(row["network"]) <= 80:
        return "country and network have 1 to 80 characters"
    if unknown := set(row["technologies"].split()) - set(TECHNOLOGIES):
        return f"{', '.join(sorted(unknown))}: write technologies as {' '.join(TECHNOLOGIES)}"
    if (row["code"].upper(), row["network"].lower()) in known:
        return f"{row['network']} stands in {row['country']} of this plan already"
    return ""


def _technologies(text: str) -> str:
    """In one order."""
    return " ".join(one for one in TECHNOLOGIES if one in text.split())


def rows_of(*, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line number of a file with its values by column. Raises NotFound, Invalid."""
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    with file:
        yield from rows_in(file=file, name=path.name)


def rows_in(*, file: TextIO, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The same of an open file. Raises Invalid."""
    try:
        reader = csv.DictReader(file)
        reader.fieldnames = [(column or "").strip().lower() for column in reader.fieldnames or []]
        if missing := set(COLUMNS) - {"technologies"} - set(reader.fieldnames):
            raise Invalid(f"{name} has no column {', '.join(sorted(missing))}; its first row names the columns")
        for row in reader:
            yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"{name} is no CSV file in UTF-8: {error}") from None
