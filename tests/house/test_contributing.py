"""What is written for whoever goes on with it is true of the code."""

from __future__ import annotations

import re

import pytest

from tests.house.drawings import REPOSITORY, decisions, states, tables

CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in CONTRIBUTING.split("\n## ")[1:]}
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def test_there_is_a_list_for_each_kind_of_change() -> None:
    assert SECTIONS.keys() == {
        "Add a page", "Add a trigger of rules", "Add a carrier", "Add a command", "Add a call of the API",
    }  # fmt: skip


@pytest.mark.parametrize("name", SECTIONS)
def test_each_file_of_a_list_has_its_example(name: str) -> None:
    section = SECTIONS[name]
    example = re.search(r"Example: `(\w+)`", section)
    files = ROW.findall(section)
    assert example
    assert files
    lost = [file for file in files if not (REPOSITORY / file).is_file()]
    assert lost == []
    assert [file for file in files if not _has(file, example[1])] == []


def _has(file: str, word: str) -> bool:
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    return word.lower() in file.lower() or re.search(rf"(?<![a-z]){word}", text, re.IGNORECASE) is not None


def test_the_states_of_the_docs_are_drawn_from_the_tables() -> None:
    assert (REPOSITORY / "docs/states.md").read_text(encoding="utf-8") == states(), "run make drawings"


def _rows(text: str, *, cells: int = 1) -> set[str]:
    """Arrows of diagrams, and the first cells of tables' rows."""
    return {
        "|".join(line.split("|")[1 : cells + 1]) if line.startswith("| ") else line.strip()
        for line in text.splitlines()
        if line.startswith(("| ", "    "))
    }


def test_no_table_or_key_is_drawn_that_is_not_there() -> None:
    drawn = _rows((REPOSITORY / "docs/data-model.md").read_text(encoding="utf-8"))
    assert len(drawn) > 100
    assert drawn - _rows(tables()) == set(), "run make drawings"


def test_each_decision_of_the_index_is_there_by_its_title() -> None:
    listed = _rows((REPOSITORY / "docs/decisions/README.md").read_text(encoding="utf-8"), cells=2)
    assert len(listed) > 30
    assert listed - _rows(decisions(), cells=2) == set(), "run make drawings"
