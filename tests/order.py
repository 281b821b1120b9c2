"""Which tests the workers begin with, so that none is left alone with a long one at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

# Files whose tests start installations of their own, walk the whole console or draw histories: the longest first.
LONG = (
    "tests/rigs/test_short.py",
    "tests/house/test_operating.py",
    "tests/rigs/test_restore_drill.py",
    "tests/house/test_demo.py",
    "tests/lines/test_histories.py",
    "tests/lines/test_bench_command.py",
    "tests/upgrade/test_upgrade.py",
    "tests/house/test_services.py",
    "tests/console/test_every_page.py",
    "tests/automation/test_rules_watch.py",
    "tests/console/test_walks.py",
    "tests/tenants/test_walls.py",
)


class Test(Protocol):
    @property
    def nodeid(self) -> str: ...


One = TypeVar("One", bound=Test)


def longest_first(tests: Sequence[One], workers: int) -> list[One]:
    """The same tests: each worker's share of them, as `--dist worksteal` deals them out, begins with long ones."""
    ranks = {name: rank for rank, name in enumerate(LONG)}
    long = sorted((one for one in tests if _file(one) in ranks), key=lambda one: ranks[_file(one)])
    short = [one for one in tests if _file(one) not in ranks]
    hands = [long[number::workers] for number in range(workers)]
    found: list[One] = []
    for number, hand in enumerate(hands):
        share = (len(tests) - len(found)) // (workers - number)
        begun = sum(map(len, hands[:number]))
        rest = len(found) - begun
        found += hand + short[rest : rest + max(0, share - len(hand))]
    return found + short[len(found) - len(long) :]


def _file(test: Test) -> str:
    return str(PurePosixPath(test.nodeid.split("::")[0]))
