"""Charts drawn on the server: what is where, in percent across and pixels down. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

HEIGHT = 160  # pixels of the plot
ROOM = 10  # pixels above it
UNITS = (("GB", 1024.0**3), ("MB", 1024.0**2), ("kB", 1024.0), ("bytes", 1.0))


@dataclass(frozen=True, slots=True)
class Bar:
    """One value. `tick` is written under it, `title` is what a pointer reads, `kind` is its look."""

    value: float
    title: str
    tick: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A bar in its place: x and width in percent, y and height in pixels."""

    bar: Bar
    x: str
    width: str
    middle: str
    slot_x: str
    slot_width: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across with the value that it stands for."""

    y: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Drawn]
    rules: list[Rule]
    base: int
    height: int  # with the ticks under the plot
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Level:
    """A line over the days: its points in a box of 100 by the chart's height, and where it ends."""

    kind: str
    points: str
    end_x: str
    end_y: str


@dataclass(frozen=True, slots=True)
class Levels:
    lines: list[Level]
    rules: list[Rule]
    ticks: list[tuple[str, str]]  # x and what is written there
    base: int
    height: int  # with the ticks under the plot
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts of one bar, the lowest first: kind and value."""

    parts: Sequence[tuple[str, float]]
    title: str
    tick: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    kind: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Piled:
    """A stack in its place: x and width in percent, y and height of its parts in pixels."""

    stack: Stack
    parts: list[Part]
    x: str
    width: str
    middle: str
    slot_x: str
    slot_width: str


@dataclass(frozen=True, slots=True)
class Stacks:
    bars: list[Piled]
    rules: list[Rule]
    base: int
    height: int  # with the ticks under the plot
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, side by side with the others: x and width in percent."""

    kind: str
    title: str
    x: str
    width: str


def unit_for(largest: float) -> tuple[str, float]:
    """What bytes are shown in where this is the largest: the unit's name and its size."""
    return next((one for one in UNITS if largest >= one[1]), UNITS[-1])


def scale(largest: float) -> tuple[float, int]:
    """A round step (1, 2 or 5 times a power of ten) and how many of them hold the largest value: at most 4."""
    if largest <= 0:
        return 1.0, 1
    exponent = 0
    while 10.0**exponent * 4 < largest:
        exponent += 1
    while exponent > -6 and 10.0 ** (exponent - 1) * 4 >= largest:
        exponent -= 1
    for step in (0.2, 0.5, 1.0):
        size = step * 10.0**exponent
        if size * 4 >= largest - 1e-9:
            return size, max(1, -int(-(largest - 1e-9) // size))
    raise AssertionError("unreachable: four steps of the power of ten hold it")


def bars(values: Sequence[Bar], *, unit: str = "") -> Chart:
    """Bars side by side over round lines."""
    largest = max((bar.value for bar in values), default=0.0)
    step, count = scale(largest)
    slot = 100 / max(1, len(values))
    base = ROOM + HEIGHT
    return Chart(
        bars=[_drawn(bar, number, slot, bar.value / (step * count) * HEIGHT) for number, bar in enumerate(values)],
        rules=_rules(step, count, unit),
        base=base,
        height=base + 24,
        is_empty=largest <= 0,
    )


def stacks(values: Sequence[Stack], *, unit: str = "") -> Stacks:
    """Stacked bars side by side over round lines."""
    largest = max((sum(value for _, value in stack.parts) for stack in values), default=0.0)
    step, count = scale(largest)
    slot, base = 100 / max(1, len(values)), ROOM + HEIGHT
    piled = []
    for number, stack in enumerate(values):
        top, parts = float(base), []
        for kind, value in stack.parts:
            height = value / (step * count) * HEIGHT
            top -= height
            if height > 0:
                parts.append(Part(kind, f"{top:.1f}", f"{height:.1f}"))
        piled.append(
            Piled(
                stack=stack,
                parts=parts,
                x=f"{slot * (number + 0.14):.3f}%",
                width=f"{slot * 0.72:.3f}%",
                middle=f"{slot * (number + 0.5):.3f}%",
                slot_x=f"{slot * number:.3f}%",
                slot_width=f"{slot:.3f}%",
            )
        )
    return Stacks(piled, _rules(step, count, unit), base, base + 24, largest <= 0)


def levels(series: Sequence[tuple[str, Sequence[float]]], *, ticks: Sequence[str], unit: str = "") -> Levels:
    """Lines from zero, each as far as it has values, over one place for each tick: (kind, values)."""
    largest = max((value for _, values in series for value in values), default=0.0)
    step, count = scale(largest)
    base, across = ROOM + HEIGHT, 100 / max(1, len(ticks) - 1)
    drawn = []
    for kind, values in series:
        places = [(across * n, base - value / (step * count) * HEIGHT) for n, value in enumerate(values)]
        if places:
            points = " ".join(f"{x:.3f},{y:.1f}" for x, y in places)
            drawn.append(Level(kind, points, f"{places[-1][0]:.3f}%", f"{places[-1][1]:.1f}"))
    return Levels(
        lines=drawn,
        rules=_rules(step, count, unit),
        ticks=[(f"{across * number:.3f}%", tick) for number, tick in enumerate(ticks) if tick],
        base=base,
        height=base + 24,
        is_empty=largest <= 0,
    )


def shares(parts: Sequence[tuple[str, str, int]]) -> list[Share]:
    """Parts of their sum, (kind, title, value), those of nothing left out."""
    whole, before, drawn = sum(value for _, _, value in parts), 0, []
    for kind, title, value in parts:
        if value:
            drawn.append(Share(kind, title, f"{100 * before / whole:.3f}%", f"{100 * value / whole:.3f}%"))
        before += value
    return drawn


def _rules(step: float, count: int, unit: str) -> list[Rule]:
    """Lines across at every step; the topmost has the unit."""
    return [
        Rule(f"{ROOM + HEIGHT - HEIGHT * number / count:.1f}", _label(step * number, unit if number == count else ""))
        for number in range(1, count + 1)
    ]


def _drawn(bar: Bar, number: int, slot: float, height: float) -> Drawn:
    height = max(height, 1.5) if bar.value > 0 else 0.0
    return Drawn(
        bar=bar,
        x=f"{slot * (number + 0.14):.3f}%",
        width=f"{slot * 0.72:.3f}%",
        middle=f"{slot * (number + 0.5):.3f}%",
        slot_x=f"{slot * number:.3f}%",
        slot_width=f"{slot:.3f}%",
        y=f"{ROOM + HEIGHT - height:.1f}",
        height=f"{height:.1f}",
    )


def _label(value: float, unit: str) -> str:
    number = f"{Decimal(str(round(value, 6))).normalize():,f}"
    return f"{number} {unit}".strip() if unit != "$" else f"${number}"
