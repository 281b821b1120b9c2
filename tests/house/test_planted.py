"""Every planted fault still applies to the tree, names tests that exist, and stands in docs/testing.md.

That the tests catch them is tried by `make planted`, which takes minutes.
"""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.rigs import planted

PATCHES = planted.patches()


@pytest.mark.parametrize(("kind", "least"), [(planted.MONEY, 40), (planted.SECURITY, 25)])
def test_there_are_so_many_of_them_at_least(kind: str, least: int) -> None:
    assert len([patch for patch in PATCHES if patch.kind == kind]) >= least


@pytest.mark.parametrize("patch", PATCHES, ids=[patch.name for patch in PATCHES])
def test_it_applies_and_names_a_test_that_is_there(patch: planted.Patch) -> None:
    check = ["git", "apply", "--check", str(patch.path)]
    done = subprocess.run(check, cwd=planted.TREE, capture_output=True, check=False, text=True)
    assert done.returncode == 0, f"{patch.name}: {done.stderr}: make it anew for the tree as it is"
    assert patch.caught_by
    for test in patch.caught_by:
        file, *names = test.split("::")
        assert {name.partition("[")[0] for name in names[:1]} <= functions(planted.TREE / file), test


@cache
def functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_a_run_that_was_broken_off_tries_again_what_was_not_caught(tmp_path: Path) -> None:
    kept = planted.Results(tmp_path / "results")
    for name, outcome in (("one", planted.CAUGHT), ("two", planted.MISSED), ("three", planted.BROKEN)):
        kept.add({"name": name, "fault": "it", "outcome": outcome, "by": "a test", "seconds": 1.0})
    kept.add({"passed": ["tests/a.py"]})
    again = planted.Results(kept.path)
    assert (set(again.outcomes), again.passed) == ({"one"}, {"tests/a.py"})


@pytest.mark.parametrize("kind", planted.KINDS)
def test_the_docs_list_them(kind: str) -> None:
    listed = (planted.TREE / "docs" / "testing.md").read_text()
    assert planted.table(kind) in listed, f"docs/testing.md wants `python -m tests.rigs.planted --list --kind {kind}`"
