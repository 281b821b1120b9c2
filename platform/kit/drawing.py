"""_State machines as diagrams, drawn from their tables: what docs/ shows is what the code does."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeVar

_State = TypeVar("_State", bound=enum.StrEnum)
_News = TypeVar("_News", bound=enum.StrEnum)


def diagram(moves: Mapping[_State, Mapping[_News, _State]], *, first: _State) -> str:
    """A Mermaid state diagram: an arrow for each pair of states, with all the news that lead along it. News that change
    nothing have none."""
    lines = ["stateDiagram-v2", f"    [*] --> {_name(first)}"]
    for state, led in moves.items():
        arrows: dict[_State, list[str]] = {}
        for news, after in led.items():
            if after is not state:
                arrows.setdefault(after, []).append(news.value)
        lines += [f"    {_name(state)} --> {_name(after)}: {', '.join(news)}" for after, news in arrows.items()]
    return "\n".join(lines)


def _name(state: enum.StrEnum) -> str:
    return state.value.replace(" ", "_")
