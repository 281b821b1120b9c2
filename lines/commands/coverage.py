"""Where rate plans work: loaded from a file, which is the whole truth about each plan that it names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from kit.countries import SPLIT, code_of, name_of, why_not
from kit.tables import Column, Table, read_file, read_table

from accounts.commands import record
from accounts.policy import Actor
from lines.models import Coverage, RatePlan
from lines.networks import TECHNOLOGIES, read_technologies

PLAN = Column("rate plan", ("rate_plan", "plan", "tariff", "tarif", "tarifa", "tariffa"))
COLUMNS = (
    PLAN,
    Column(
        "country", ("country name", "countryname", "land", "pays", "país", "paese", "kraj", "страна"), required=True
    ),
    Column(
        "code",
        ("iso", "iso code", "iso2", "iso 3166", "iso 3166 1", "alpha 2", "alpha2", "ländercode", "code pays"),
        required=True,
        otherwise=("country code", "countrycode"),
    ),
    Column(
        "network", ("operator", "netz", "operador", "opérateur", "operatore", "carrier", "network name"), required=True
    ),
    Column("status"),  # of the network itself
    Column("technologies", ("technology", "technologie", "technologien", "rat")),
    Column("bands"),  # of public tables, in whose own words stand technologies
)
HEADS = ("rate_plan", "country", "code", "network", "technologies")
MOST_ROWS = 100_000
LONGEST = 80
ENDED = ("not operational", "returned spare", "reserved", "planned", "upcoming", "allocated", "implement / design")
NOWHERE = ("", "n/a", "na/na", "-", "--", "international")  # networks of ships and satellites


@dataclass(slots=True)
class Loaded:
    """How many networks each plan has now; or, where nothing was changed, what is wrong with each bad row.

    `left_out`: rows that say nothing about a country, with why.
    """

    plans: dict[str, int] = field(default_factory=dict)
    bad_rows: list[dict[str, object]] = field(default_factory=list)
    left_out: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: int = 0


@transaction.atomic
def load_coverage(*, table: Table, by: Actor, plan: RatePlan | None = None) -> Loaded:
    """Replaces the coverage of each rate plan that the rows name, or, if any row is bad, nothing.

    `plan`: the one that rows are of which name none, as in tables of the world's networks.
    """
    loaded = Loaded(rows=table.total, notes=table.notes, bad_rows=[_bad(number, why) for number, why in table.bad])
    plans = {one.name: one for one in RatePlan.objects.all()}
    found: dict[str, dict[tuple[str, str], Coverage]] = defaultdict(dict)
    for row in table.rows:
        values = {name: " ".join(cell.split()) for name, cell in row.cells.items()}
        named = plan.name if plan and not values["rate plan"] else values["rate plan"]
        if why := _left_out(values):
            loaded.left_out.append(_bad(row.number, why))
        elif why := _wrong(values, named, plans):
            loaded.bad_rows.append(_bad(row.number, why))
        else:
            _join(found[named], plans[named], values)
    loaded.bad_rows.sort(key=lambda bad: int(str(bad["row"])))
    if loaded.bad_rows:
        return loaded
    for name, networks in sorted(found.items()):
        Coverage.objects.filter(plan=plans[name]).delete()
        Coverage.objects.bulk_create(networks.values(), batch_size=2000)
        loaded.plans[name] = len(networks)
        record(by=by, verb="coverage.loaded", subject=f"rate_plan:{name}", detail={"networks": len(networks)})
    return loaded


def _left_out(row: Mapping[str, str]) -> str:
    """Why a row says nothing about any country; tables of the world's networks have some."""
    if row["code"].lower() in NOWHERE:
        return f"{row['network']} belongs to no country"
    if row["code"].upper() in SPLIT:
        return f"{row['country']} is no country any more"
    if row["status"].lower() in ENDED:
        return f"{row['network'] or 'the network'} is not in operation"
    return "" if row["network"] else "the network has no name"


def _bad(number: int, why: str) -> dict[str, object]:
    return {"row": number, "why": why}


def _join(networks: dict[tuple[str, str], Coverage], plan: RatePlan, row: Mapping[str, str]) -> None:
    """A network that has several codes, and so several rows, is one, with all their technologies."""
    codes = _codes(row["code"])
    for code in codes:
        key = code, row["network"].casefold()
        before = networks[key].technologies if key in networks else ""
        technologies, _ = read_technologies(f"{before} {row['technologies'] or row['bands']}")
        country = row["country"] if len(codes) == 1 and key not in networks else name_of(code)
        if key in networks:
            networks[key].technologies = technologies
        else:
            networks[key] = Coverage(
                plan=plan, country=country, code=code, network=row["network"], technologies=technologies
            )


def _codes(text: str) -> list[str]:
    """`BL/GF/GP` is three countries; `GE-AB` is a part of one, as ISO 3166-2 has it."""
    return [code_of(part) for part in _parts(text) if part.strip()]


def _parts(text: str) -> list[str]:
    return [re.sub(r"^\s*([A-Za-z]{2})-[A-Za-z0-9]{1,3}\s*$", r"\1", part) for part in re.split(r"[/,;+]", text)]


def _wrong(row: Mapping[str, str], named: str, plans: Mapping[str, RatePlan]) -> str:
    if named not in plans:
        return f"there is no rate plan {named!r}" if named else "the rate plan is missing"
    for part in _parts(row["code"]):
        if not code_of(part):
            return why_not(part.strip())
    codes, meant = _codes(row["code"]), code_of(row["country"]) if len(row["country"]) > 3 else ""
    if meant and meant not in codes:
        return f"{row['code']} is {name_of(codes[0])}; {row['country']} is {meant}"
    if not 0 < len(row["country"]) <= LONGEST or not 0 < len(row["network"]) <= LONGEST:
        return f"country and network have 1 to {LONGEST} characters"
    if unknown := read_technologies(row["technologies"])[1]:
        return f"“{unknown}”: write technologies as {' '.join(TECHNOLOGIES)}"
    return ""


def coverage_in(*, content: bytes) -> Table:
    """The rows of a file that was uploaded. Raises Invalid."""
    return read_table(content, COLUMNS, most=MOST_ROWS)


def coverage_of(*, path: Path) -> Table:
    """The rows of a file on this machine. Raises NotFound, Invalid."""
    return read_file(path, COLUMNS, most=MOST_ROWS)
