"""Nothing stands in the product that nothing runs."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator

from embedded.addresses import REPOSITORY

READ = ("accounts", "billing", "lines", "automation", "subaccounts", "platform", "templates", "scripts", "manage.py")
# Found by others than our own code.
KEPT = {
    "handler500": "Django asks for it",
    "LEFT_OUT": "the tables that no account's file has: a test asks for each table's decision",
    "judge_without_time": "the case of a counter, beside the statement that decides it: a test compares",
    "unwrapped": "the same of a counter that wrapped",
    "is_plausible": "the same of a movement that is not believed",
    "data_price": "the second books' price of a day, for the model of the histories",
    "has_valid_check_digit": "for the tests of the simulated fleet",
}


def _texts() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", *READ], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.split() if name.endswith((".py", ".html")) or name.startswith("scripts/")]
    return {name: (REPOSITORY / name).read_text(encoding="utf-8") for name in names if (REPOSITORY / name).is_file()}


def _names(tree: ast.Module) -> Iterator[str]:
    """Functions, classes and constants of a module; what is decorated is registered somewhere."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list:
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def test_each_name_of_a_module_is_used_somewhere() -> None:
    texts = _texts()
    words = Counter(word for text in texts.values() for word in re.findall(r"\w+", text))
    once = {
        f"{name}: {found}"
        for name, text in texts.items()
        if name.endswith(".py")
        and "/migrations/" not in name
        and "/settings/" not in name
        and not name.endswith("/apps.py")
        for found in _names(ast.parse(text))
        if words[found] == 1 and not found.startswith("__")
    }
    assert {one for one in once if one.split(": ")[1] not in KEPT} == set()
    assert KEPT.keys() <= {one.split(": ")[1] for one in once}, "these are used after all"
