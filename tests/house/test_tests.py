"""What the tests themselves must keep: each can fail for what it says, and none waits for a clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from embedded.addresses import REPOSITORY

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
REFUSES = {"raises", "fail", "warns", "raise_for_status"}  # calls that fail a test by themselves
PLAYWRIGHT = {"wait_for", "wait_for_url", "wait_for_selector", "wait_for_function", "expect"}


def _files() -> list[Path]:
    return [path for path in sorted((REPOSITORY / "tests").rglob("*.py")) if "planted" not in path.parts]


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))


@cache
def _called(node: ast.AST) -> set[str]:
    """The names of what is called in it, whatever it is called on."""
    calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}


@cache
def _says(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Assert | ast.Raise) for each in ast.walk(node)) or not _called(node).isdisjoint(
        REFUSES | PLAYWRIGHT
    )


def test_each_test_says_what_must_be_true() -> None:
    """By itself, or by a helper of the tests that does."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in _files()}
    helpers: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
    for tree in trees.values():
        for function in _functions(tree):
            helpers.setdefault(function.name, []).append(function)
    says = {name for name, found in helpers.items() if any(map(_says, found))}
    while more := {
        name
        for name, found in helpers.items()
        if name not in says and any(not _called(one).isdisjoint(says) for one in found)
    }:
        says |= more
    silent = [
        f"{path.relative_to(REPOSITORY)}::{function.name}"
        for path, tree in trees.items()
        if path.name.startswith("test_")
        for function in _functions(tree)
        if function.name.startswith("test_") and not _says(function) and _called(function).isdisjoint(says)
    ]
    assert silent == []
