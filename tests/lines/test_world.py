"""The map: each country once, inside its box, and nothing drawn across the world."""

from __future__ import annotations

import re
from itertools import pairwise

from lines.world import HEIGHT, WIDTH, shapes


def test_every_country_is_drawn_once_and_by_its_code() -> None:
    codes = [one.code for one in shapes() if one.code]
    assert len(codes) == len(set(codes)) > 170
    assert {"NL", "US", "KE", "XK", "RU", "FJ"} <= set(codes)
    assert all(one.path.startswith("M") and one.name for one in shapes())


def test_no_border_leaves_the_box_or_runs_across_it() -> None:
    for shape in shapes():
        for piece in shape.path.split("M")[1:]:
            numbers = [int(one) for one in re.findall(r"-?\d+", piece)]
            x, y, points = 0, 0, []
            for move_x, move_y in zip(numbers[::2], numbers[1::2], strict=True):
                x, y = x + move_x, y + move_y
                points.append((x, y))
            assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points), shape.name
            assert all(abs(one[0] - other[0]) < WIDTH / 4 for one, other in pairwise(points)), shape.name
