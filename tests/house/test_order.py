"""The order in which workers take the tests."""

from dataclasses import dataclass

from embedded.addresses import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st

from tests.order import LONG, longest_first


@dataclass(frozen=True)
class One:
    nodeid: str


def test_every_file_that_is_called_long_is_there() -> None:
    assert [name for name in LONG if not (REPOSITORY / name).is_file()] == []


@given(long=st.lists(st.sampled_from(LONG), max_size=30), short=st.integers(0, 60), workers=st.integers(1, 5))
def test_no_test_is_lost_and_each_workers_share_begins_with_long_ones(
    long: list[str], short: int, workers: int
) -> None:
    tests = [One(f"{name}::{number}") for number, name in enumerate(long)]
    tests += [One(f"tests/x.py::{number}") for number in range(short)]
    dealt = longest_first(tests, workers)
    assert sorted(one.nodeid for one in dealt) == sorted(one.nodeid for one in tests)
    if len(long) >= workers and short >= len(long) * workers:
        begins, left = [], len(dealt)
        for number in range(workers):
            begins.append(dealt[len(dealt) - left])
            left -= left // (workers - number)
        assert [one.nodeid.split("::")[0] in LONG for one in begins] == [True] * workers
