"""Plants each fault of tests/planted/ in a copy of the tree and runs the tests that must catch it.

    .venv/bin/python -m tests.rigs.planted [--only NAME ...] [--jobs N] [--list] [--json]

A patch begins with `Fault:`, one line, and `Caught by:`, the tests (files or nodes) of which one at least must fail.
Before anything is planted these tests must pass. Exits 1 where a fault is missed, and names it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PLANTED = TREE / "tests" / "planted"
CAUGHT, MISSED, BROKEN = "caught", "missed", "broken"
LONGEST = 900  # seconds of one run of tests


@dataclass(frozen=True, slots=True)
class Patch:
    """A fault of money code, as a change to the tree."""

    path: Path
    fault: str
    caught_by: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    fault: str
    outcome: str
    by: str  # the first test that failed, or what went wrong
    seconds: float


def patches() -> list[Patch]:
    return [_read(path) for path in sorted(PLANTED.glob("*.patch"))]


def _read(path: Path) -> Patch:
    head = dict(line.split(": ", 1) for line in path.read_text().split("\ndiff ", 1)[0].splitlines() if ": " in line)
    return Patch(path, head["Fault"], tuple(head["Caught by"].split()))


def table() -> str:
    """The faults as docs/testing.md lists them."""
    rows = ["| planted | fault | caught by |", "|---|---|---|"]
    for patch in patches():
        tests = ", ".join(f"`{test.removeprefix('tests/')}`" for test in patch.caught_by)
        rows.append(f"| `{patch.name}` | {patch.fault} | {tests} |")
    return "\n".join(rows)


class Copy:
    """A copy of the tree with a database of its own; the installed packages stay where they are."""

    def __init__(self, root: Path, number: int) -> None:
        self.tree = root / f"tree{number}"
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=TREE, capture_output=True, check=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        for name in filter(None, names):
            source = TREE / name
            if source.is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, self.tree / name)
        vendored = TREE / "static" / "vendor"
        if vendored.is_dir():
            shutil.copytree(vendored, self.tree / "static" / "vendor", dirs_exist_ok=True)
        self.environment = os.environ | {
            "PYTHONPATH": f"{self.tree}{os.pathsep}{self.tree / 'platform'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LINEKEEPER_DATA": str(root / f"data{number}"),
            "GIT_CEILING_DIRECTORIES": str(root),
        }

    def change(self, patch: Patch, *, back: bool = False) -> bool:
        """Plants it, or takes it out again."""
        way = ["--reverse"] if back else []
        done = subprocess.run(
            ["git", "apply", *way, str(patch.path)],
            cwd=self.tree, env=self.environment, capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode == 0

    def run(self, tests: list[str]) -> tuple[int, str]:
        """pytest's exit code, and the tests that failed or its last words."""
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--reuse-db"]
        stop = ["-x"] if len(tests) < 20 else []
        try:
            done = subprocess.run(
                [*command, *stop, *tests], cwd=self.tree, env=self.environment, capture_output=True,
                text=True, check=False, timeout=LONGEST,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return -1, f"no end within {LONGEST} s"
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return done.returncode, "\n".join(failed) or (done.stdout + done.stderr)[-1500:]


def plant(copy: Copy, patch: Patch) -> Outcome:
    """Plants one fault, runs its tests, takes it out."""
    began = time.monotonic()
    if not copy.change(patch):
        return Outcome(patch.name, patch.fault, BROKEN, "does not apply to the tree", 0)
    code, said = copy.run(list(patch.caught_by))
    copy.change(patch, back=True)
    outcome = {0: MISSED, 1: CAUGHT}.get(code, BROKEN)
    if outcome == CAUGHT and "FAILED " not in said:  # an error of the setting up is no test that failed
        outcome = BROKEN
    by = said.splitlines()[0].removeprefix("FAILED ").split(" - ")[0] if said else ""
    return Outcome(patch.name, patch.fault, outcome, by, round(time.monotonic() - began, 1))


def run(chosen: list[Patch], jobs: int) -> list[Outcome]:
    """Every fault, in so many copies side by side. Raises SystemExit where the tests fail without a fault."""
    with tempfile.TemporaryDirectory(prefix="planted") as folder:
        copies = [Copy(Path(folder), number) for number in range(jobs)]
        tests = sorted({test for patch in chosen for test in patch.caught_by})
        with ThreadPoolExecutor(jobs) as pool:
            for code, said in pool.map(lambda copy: copy.run(tests if copy is copies[0] else tests[:1]), copies):
                if code:
                    raise SystemExit(f"The tests fail without any fault:\n{said}")
        own = threading.local()

        def one(patch: Patch) -> Outcome:
            if not hasattr(own, "copy"):
                own.copy = copies.pop()
            outcome = plant(own.copy, patch)
            print(f"{outcome.outcome:7} {outcome.name}  {outcome.by}  {outcome.seconds} s", file=sys.stderr, flush=True)
            return outcome

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, chosen))


def main() -> int:
    parser = argparse.ArgumentParser(description="Plant faults of money code, and see the tests catch them.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these faults, by the names of their patches")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="copies side by side (1)")
    parser.add_argument("--list", action="store_true", help="say what there is, and plant nothing")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    options = parser.parse_args()
    if options.list:
        print(table())
        return 0
    chosen = [patch for patch in patches() if not options.only or patch.name in options.only]
    unknown = set(options.only or ()) - {patch.name for patch in chosen}
    if unknown or not chosen:
        print(f"No such fault: {', '.join(sorted(unknown)) or 'none is there'}", file=sys.stderr)
        return 2
    outcomes = run(chosen, max(1, min(options.jobs, len(chosen))))
    missed = [outcome for outcome in outcomes if outcome.outcome != CAUGHT]
    if options.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    else:
        print(f"{len(outcomes) - len(missed)} of {len(outcomes)} faults caught")
        for outcome in missed:
            print(f"{outcome.outcome}: {outcome.name}: {outcome.fault}\n  {outcome.by}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
