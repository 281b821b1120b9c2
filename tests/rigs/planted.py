"""Plants each fault of tests/planted/ in a copy of the tree and runs the tests that must catch it.

    .venv/bin/python -m tests.rigs.planted [--only NAME ...] [--kind KIND] [--jobs N] [--results FILE] [--list] [--json]

Faults of money are in that folder itself, those of security in the one of that name. A patch begins with `Fault:`, one
line, and `Caught by:`, the tests (files or nodes) of which one at least must fail. Before anything is planted these
tests must pass. Exits 1 where a fault is missed, and names it.
Copies stand under .local/planted: their databases are kept from fault to fault and from run to run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

TREE = Path(__file__).resolve().parents[2]
PLANTED = TREE / "tests" / "planted"
COPIES = TREE / ".local" / "planted"
MONEY, SECURITY = KINDS = ("money", "security")
CAUGHT, MISSED, BROKEN = "caught", "missed", "broken"
LONGEST = 900  # seconds of one run of tests


@dataclass(frozen=True, slots=True)
class Patch:
    """A fault, as a change to the tree."""

    path: Path
    fault: str
    caught_by: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def kind(self) -> str:
        return MONEY if self.path.parent == PLANTED else self.path.parent.name


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    fault: str
    outcome: str
    by: str  # the first test that failed, or what went wrong
    seconds: float


def patches() -> list[Patch]:
    return [_read(path) for path in sorted(PLANTED.rglob("*.patch"))]


def _read(path: Path) -> Patch:
    head = dict(line.split(": ", 1) for line in path.read_text().split("\ndiff ", 1)[0].splitlines() if ": " in line)
    return Patch(path, head["Fault"], tuple(head["Caught by"].split()))


def table(kind: str = MONEY) -> str:
    """The faults as docs/testing.md lists them."""
    rows = ["| planted | fault | caught by |", "|---|---|---|"]
    for patch in (one for one in patches() if one.kind == kind):
        tests = ", ".join(f"`{test.removeprefix('tests/')}`" for test in patch.caught_by)
        rows.append(f"| `{patch.name}` | {patch.fault} | {tests} |")
    return "\n".join(rows)


class Results:
    """What is known already, a line of JSON each, in a file or in this process alone: a run that ended goes on."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.outcomes: dict[str, Outcome] = {}
        self.passed: set[str] = set()
        self._lock = threading.Lock()
        for line in path.read_text().splitlines() if path is not None and path.exists() else ():
            self._take(json.loads(line))

    def _take(self, row: dict[str, Any]) -> None:
        if "passed" in row:
            self.passed |= set(row["passed"])
        elif row["outcome"] == CAUGHT:  # another one is tried again
            self.outcomes[row["name"]] = Outcome(**row)

    def add(self, row: dict[str, Any]) -> None:
        with self._lock:
            self._take(row)
            if self.path is not None:
                with self.path.open("a") as file:
                    file.write(json.dumps(row) + "\n")


class Copy:
    """A copy of the tree with servers and a database of its own; the installed packages stay where they are."""

    def __init__(self, root: Path, number: int) -> None:
        self.tree, self.data = root / f"tree{number}", root / f"data{number}"
        shutil.rmtree(self.tree, ignore_errors=True)
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
        by_content = [sys.executable, "-m", "compileall", "-qq", "--invalidation-mode", "checked-hash", "."]
        subprocess.run(by_content, cwd=self.tree, check=False)  # what a patch changes is read anew, the rest is not
        self.environment = os.environ | {
            "PYTHONPATH": f"{self.tree}{os.pathsep}{self.tree / 'platform'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LINEKEEPER_DATA": str(self.data),
            "GIT_CEILING_DIRECTORIES": str(root),
        }

    def __enter__(self) -> Self:
        """Its servers run until it is left: a run of tests finds them."""
        hold = "from embedded import services; services.ensure_running(migrate=False); print(1, flush=True); input()"
        self.holder = subprocess.Popen(
            [sys.executable, "-c", hold],
            cwd=self.tree, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        if self.holder.stdout is None or not self.holder.stdout.readline():
            raise SystemExit(f"The servers of {self.tree} do not start")
        return self

    def __exit__(self, *_: object) -> None:
        self.holder.communicate(b"\n")

    def change(self, patch: Patch, *, back: bool = False) -> bool:
        """Plants it, or takes it out again."""
        way = ["--reverse"] if back else []
        done = subprocess.run(
            ["git", "apply", *way, str(patch.path)],
            cwd=self.tree, env=self.environment, capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode == 0

    def run(self, tests: list[str]) -> tuple[int, str]:
        """pytest's exit code, and the tests that failed or its last words. The database is made where none of this
        schema is kept."""
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--reuse-db"]
        command += ["--timeout", str(LONGEST)]  # a first test also makes the tables, where a fault is in who sees what
        stop = ["-x"] if len(tests) < 20 else []
        stamp, schema = self.data / "schema", self._schema()
        is_kept = stamp.exists() and stamp.read_text() == schema
        stamp.unlink(missing_ok=True)  # what is broken off keeps nothing
        try:
            done = subprocess.run(
                [*command, *stop, *([] if is_kept else ["--create-db"]), *tests],
                cwd=self.tree, env=self.environment, capture_output=True, text=True, check=False, timeout=LONGEST,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return -1, f"no end within {LONGEST} s"
        if done.returncode in (0, 1):
            stamp.write_text(schema)
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return done.returncode, "\n".join(failed) or (done.stdout + done.stderr)[-1500:]

    def _schema(self) -> str:
        """A digest of every migration, and of who sees which rows."""
        digest = hashlib.sha256()
        for path in [*sorted(self.tree.glob("*/migrations/*.py")), self.tree / "platform/console/roles.py"]:
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()


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


def run(chosen: list[Patch], jobs: int, results: Results) -> list[Outcome]:
    """Every fault, in so many copies side by side. Raises SystemExit where the tests fail without a fault."""
    due = [patch for patch in chosen if patch.name not in results.outcomes]
    free: queue.Queue[Copy] = queue.Queue()

    def one(patch: Patch) -> Outcome:
        copy = free.get()
        try:
            outcome = plant(copy, patch)
        finally:
            free.put(copy)
        print(f"{outcome.outcome:7} {outcome.name}  {outcome.by}  {outcome.seconds} s", file=sys.stderr, flush=True)
        results.add(asdict(outcome))
        return outcome

    with ExitStack() as servers, ThreadPoolExecutor(jobs) as pool:
        copies = [servers.enter_context(Copy(COPIES, number)) for number in range(min(jobs, len(due)))]
        tests = sorted({test for patch in due for test in patch.caught_by} - results.passed)
        if tests:
            code, said = copies[0].run(tests)
            if code:
                raise SystemExit(f"The tests fail without any fault:\n{said}")
            results.add({"passed": tests})
        for copy in copies:
            free.put(copy)
        tried = {outcome.name: outcome for outcome in pool.map(one, due)}
    return [tried.get(patch.name) or results.outcomes[patch.name] for patch in chosen]


def main() -> int:
    parser = argparse.ArgumentParser(description="Plant faults, and see the tests catch them.")
    parser.add_argument("--kind", choices=KINDS, help="faults of this kind alone")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these faults, by the names of their patches")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="copies side by side (1)")
    parser.add_argument("--results", type=Path, metavar="FILE", help="keep outcomes here, and try none caught again")
    parser.add_argument("--list", action="store_true", help="say what there is, and plant nothing")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    options = parser.parse_args()
    if options.list:
        print("\n\n".join(table(kind) for kind in KINDS if options.kind in (None, kind)))
        return 0
    of_kind = [patch for patch in patches() if options.kind in (None, patch.kind)]
    chosen = [patch for patch in of_kind if not options.only or patch.name in options.only]
    unknown = set(options.only or ()) - {patch.name for patch in chosen}
    if unknown or not chosen:
        print(f"No such fault: {', '.join(sorted(unknown)) or 'none is there'}", file=sys.stderr)
        return 2
    outcomes = run(chosen, max(1, options.jobs), Results(options.results))
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
