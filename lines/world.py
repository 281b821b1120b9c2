"""The world's countries as shapes to draw: Natural Earth's, in its own projection, from the vendored topology.

The countries that are too small for its scale of 1:110 million are not among them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pycountry
from django.conf import settings
from kit.countries import KOSOVO, name_of

WIDTH, HEIGHT = 1000, 450  # what the paths are drawn in, without Antarctica
TOP = 1.43  # of the projection at the northernmost land
ANTARCTICA = "010"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """A country by its ISO 3166-1 code, and the path of its borders in a box of WIDTH by HEIGHT."""

    code: str
    name: str
    path: str


@cache
def shapes() -> tuple[Shape, ...]:
    """Read once in each process."""
    topology = json.loads((Path(settings.BASE_DIR) / "static/vendor/world.json").read_text())
    arcs = [list(_arc(arc, topology["transform"])) for arc in topology["arcs"]]
    found = []
    for country in topology["objects"]["countries"]["geometries"]:
        if country.get("id") != ANTARCTICA:
            code = _code(country)
            polygons = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
            path = "".join(_path(ring, arcs) for polygon in polygons for ring in polygon)
            found.append(Shape(code, name_of(code) if code else country["properties"]["name"], path))
    return tuple(found)


def _code(country: dict[str, Any]) -> str:
    """The two letters; none for what has no code of its own."""
    if country["properties"]["name"] == KOSOVO[1]:
        return KOSOVO[0]
    known = pycountry.countries.get(numeric=country.get("id", ""))
    return known.alpha_2 if known else ""


def _arc(deltas: list[list[int]], transform: dict[str, Any]) -> Iterator[Point]:
    """A piece of a border, in pixels."""
    (across, down), (west, south) = transform["scale"], transform["translate"]
    x = y = 0
    for move_x, move_y in deltas:
        x, y = x + move_x, y + move_y
        yield _projected(math.radians(x * across + west), math.radians(y * down + south))


def _projected(longitude: float, latitude: float) -> Point:
    """The Natural Earth projection (Patterson, Šavrič, Jenny 2012)."""
    two = latitude * latitude
    four = two * two
    x = longitude * (0.8707 - 0.131979 * two + four * (-0.013791 + four * (0.003971 * two - 0.001529 * four)))
    y = latitude * (1.007226 + two * (0.015085 + four * (-0.044475 + 0.028874 * two - 0.005916 * four)))
    size = WIDTH / (2 * 0.8707 * math.pi)
    return WIDTH / 2 + x * size, (TOP - y) * size


def _path(ring: list[int], arcs: list[list[Point]]) -> str:
    """A closed border, by whole pixels from one point to the next."""
    points: list[tuple[int, int]] = []
    for index in ring:
        for x, y in reversed(arcs[~index]) if index < 0 else arcs[index]:
            if not points or points[-1] != (round(x), round(y)):
                points.append((round(x), round(y)))
    return "".join(_piece(piece) for piece in _split(points))


def _split(points: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Apart where a border leaves the map at one edge and comes in at the other."""
    cuts = [at for at, (one, other) in enumerate(pairwise(points), 1) if abs(one[0] - other[0]) > WIDTH / 2]
    if not cuts:
        return [points]
    points = points[cuts[0] :] + points[: cuts[0]]
    ends = [cut - cuts[0] for cut in cuts[1:]] + [len(points)]
    return [points[start:end] for start, end in pairwise([0, *ends])]


def _piece(points: list[tuple[int, int]]) -> str:
    moves = " ".join(f"{x - before_x} {y - before_y}" for (before_x, before_y), (x, y) in pairwise(points))
    return f"M{points[0][0]} {points[0][1]}l{moves}z" if moves else ""
