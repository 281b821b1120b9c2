"""manage.py bench: it runs, says what it promises, and leaves nothing behind. How fast it is, is no test's business."""

import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from embedded.addresses import REPOSITORY

CASES = {"in_order", "shuffled", "one_account", "unmoved", "first_of_day", "batches"}


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Benchmarks share the name of their database; other workers' tests of them wait."""
    (REPOSITORY / ".local").mkdir(exist_ok=True)
    with (REPOSITORY / ".local/bench.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def bench(*arguments: str, command: str = "bench") -> subprocess.CompletedProcess[str]:
    """In a process of its own: it leads Django's connection to another database."""
    run = [sys.executable, str(REPOSITORY / "manage.py"), command, *arguments]
    return subprocess.run(run, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.django_db
def test_the_benchmark_answers_with_what_it_promises_and_drops_its_database() -> None:
    result = bench("--quick", "--lines", "1000", "--rounds", "1", "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer.keys() == {
        "machine", "lines", "accounts", "rounds", "applying", "enforcing", "looking", "more", "books_add_up",
        "broken_rules", "seconds",
    }  # fmt: skip
    assert (answer["lines"], answer["accounts"], answer["rounds"]) == (1000, 10, 1)
    assert answer["machine"].keys() == {"cores", "postgresql", "synchronous_commit"}
    assert answer["applying"].keys() == CASES
    for case in answer["applying"].values():
        assert case.keys() == {"lines_a_call", "hot_path", "floor", "orm", "ms_a_call", "of_floor", "times_orm"}
        assert case["hot_path"] > 0
        assert case["of_floor"] > 0
    assert answer["applying"]["in_order"]["times_orm"] > 0
    assert answer["enforcing"]["lines"] == 200
    assert answer["looking"].keys() == {"colours_ms", "balance_ms", "lines_list_ms"}
    assert len([row for row in answer["more"] if row["what"].startswith("API") and 0 < row["ratio"] < 1]) == 3
    pages = [row for row in answer["more"] if row["what"].startswith("page: ")]
    assert {row["unit"] for row in pages} == {"ms"}
    assert {"page: Home", "page: Lines", "page: line-usage", "page: back office, Ledger"} <= {
        row["what"] for row in pages
    }
    assert answer["books_add_up"] is True
    assert answer["broken_rules"] == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = 'linekeeper_bench'")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    "options",
    [{"lines": 999}, {"lines": 1000, "accounts": 1}, {"rounds": 7}, {"lines": 1000, "accounts": 1001}],
    ids=str,
)
def test_what_cannot_be_measured_is_refused_before_anything_is_made(options: dict[str, int]) -> None:
    with pytest.raises(CommandError):
        call_command("bench", **options)


def test_a_wrong_argument_is_a_matter_of_usage() -> None:
    assert bench("--lines", "many").returncode == 2


@pytest.mark.django_db
def test_the_second_books_agree_with_the_fleet_that_they_are_measured_on() -> None:
    result = bench("--lines", "120", "--days", "3", "--json", command="bench_books")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["lines"], answer["line_days"], answer["differences"]) == (120, 360, 0)
    assert answer["readings"] == 3 * 4 * 120 + 12  # one in ten is told once more
    assert answer["one_by_one"] == 2  # one in fifty


@pytest.mark.django_db
def test_reads_are_measured_behind_the_wall_and_without_it() -> None:
    result = bench("--lines", "100", "--rounds", "2", "--only", "API: 25 lines", "--json", command="bench_walls")
    assert result.returncode == 0, result.stderr
    reads = json.loads(result.stdout)["reads"]
    assert [read["what"] for read in reads] == [
        "API: 25 lines", "API: 25 lines, by status", "API: 25 lines, by a frequent word",
    ]  # fmt: skip
    assert all(read["without"] > 0 and read["behind"] > 0 for read in reads)


@pytest.mark.django_db
def test_the_api_is_measured_over_the_web_server() -> None:
    small = ("--lines", "100", "--rounds", "1", "--clients", "2", "--seconds", "0.1")
    result = bench(*small, "--json", command="bench_api")
    assert result.returncode == 0, result.stderr
    rates = {call["what"]: call["of_bare"] for call in json.loads(result.stdout)["calls"]}
    assert len(rates) == 6
    assert all(rate > 0 for rate in rates.values())


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "by_slices"), [("job items", 25_000), ("sessions", 25_000), ("events", 0)])
def test_a_month_is_measured_by_slices_and_at_once(kind: str, by_slices: int) -> None:
    result = bench("--kind", kind, "--rows", "60000", "--json", command="bench_months")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["rows"], answer["rows_by_slices"], answer["rows_left"]) == (60_000, by_slices, 0)
