"""Where charts put what they show: figures that can be checked by eye."""

from __future__ import annotations

from kit.charts import HEIGHT, ROOM, levels, shares


def test_parts_stand_side_by_side_and_fill_the_whole() -> None:
    parts = shares([("on", "3 on", 3), ("none", "0", 0), ("off", "1 off", 1)])
    assert [(part.kind, part.x, part.width) for part in parts] == [
        ("on", "0.000%", "75.000%"), ("off", "75.000%", "25.000%"),
    ]  # fmt: skip
    assert shares([("on", "", 0)]) == []


def test_a_line_goes_as_far_as_it_has_values_over_the_same_scale_as_the_others() -> None:
    chart = levels([("", [0, 20]), ("before", [0, 10, 40]), ("none", [])], ticks=["1", "", "3"], unit="$")
    this, last = chart.lines
    assert this.points == f"0.000,{ROOM + HEIGHT}.0 50.000,{ROOM + HEIGHT / 2}"
    assert (last.end_x, last.end_y) == ("100.000%", f"{ROOM}.0")
    assert [rule.label for rule in chart.rules] == ["10", "20", "30", "$40"]
    assert chart.ticks == [("0.000%", "1"), ("100.000%", "3")]
    assert levels([("", [0, 0])], ticks=["1", "2"]).is_empty
