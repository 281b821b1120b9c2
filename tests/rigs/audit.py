"""Looks for known faults of the locked packages in a set of advisories that lies on this machine.

    .venv/bin/python -m tests.rigs.audit FILE [FILE ...] [--json]

FILE is what osv.dev exports: a zip or a folder of its JSON files for PyPI or npm, or one such file. Nothing is asked of
the network. What is known and does no harm here stands in KEPT with its reason. Exits 1 where a fault is open.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

TREE = Path(__file__).resolve().parents[2]
LOCKS = ("requirements-dev.lock", "requirements.lock", "requirements-uv.lock")
# How long a fault may be known, in days, and how long all packages may stay as they are: docs/security/README.md.
WITHIN = {"CRITICAL": 7, "HIGH": 7}
WITHIN_OTHERWISE, QUARTER = 30, 92
PROMISED = "docs/security/README.md"
UPDATED = re.compile(r"last brought up\s+to\s+date\s+on\s+(\d+ \w+ \d{4})")
KEPT: dict[str, str] = {}  # id of an advisory -> why it does no harm here


@dataclass(frozen=True, slots=True)
class Pin:
    """One package as it is locked."""

    ecosystem: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Found:
    id: str
    package: str
    version: str
    summary: str
    fixed: str  # the versions that are well again, as far as the advisory says
    due: str  # the last day on which it may be locked, as ISO date


def pins(tree: Path = TREE) -> set[Pin]:
    """Every package that an installation or the suite has."""
    found = set()
    for lock in LOCKS:
        for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", (tree / lock).read_text(), re.MULTILINE):
            found.add(Pin("PyPI", _plain(name), version))
    for path, one in json.loads((tree / "package-lock.json").read_text())["packages"].items():
        if path:
            found.add(Pin("npm", path.rpartition("node_modules/")[2], one["version"]))
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def advisories(paths: list[Path]) -> Iterator[dict[str, Any]]:
    """What these files hold. Raises OSError, ValueError for what is none."""
    for path in paths:
        if path.is_dir():
            yield from (json.loads(file.read_text()) for file in sorted(path.rglob("*.json")))
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as kept:
                yield from (json.loads(kept.read(name)) for name in kept.namelist() if name.endswith(".json"))
        else:
            yield json.loads(path.read_text())


def faults(locked: set[Pin], known: Iterator[dict[str, Any]]) -> tuple[int, list[Found]]:
    """How many advisories were read, and those that are about a locked version."""
    by_name: dict[tuple[str, str], list[Pin]] = {}
    for pin in locked:
        by_name.setdefault((pin.ecosystem, pin.name), []).append(pin)
    read, found = 0, []
    for advisory in known:
        read += 1
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
            for pin in by_name.get((ecosystem, _plain(name) if ecosystem == "PyPI" else name), ()):
                if is_affected(affected, pin.version):
                    fixed = ", ".join(event["fixed"] for event in _events(affected) if "fixed" in event)
                    found.append(
                        Found(
                            advisory["id"],
                            pin.name,
                            pin.version,
                            advisory.get("summary", "")[:200],
                            fixed or "none",
                            due_of(advisory).isoformat(),
                        )
                    )
    return read, sorted(set(found), key=lambda one: (one.package, one.id))


def due_of(advisory: dict[str, Any]) -> dt.date:
    """Until when a locked version may have this fault: by its weight, from the day on which it was published."""
    weight = str(advisory.get("database_specific", {}).get("severity", "")).upper()
    published = dt.date.fromisoformat(str(advisory.get("published", "1970-01-01"))[:10])
    return published + dt.timedelta(days=WITHIN.get(weight, WITHIN_OTHERWISE))


def updated_on(text: str) -> dt.date:
    """When all packages were last brought up to date, as the document says. Raises ValueError."""
    found = UPDATED.search(text)
    if found is None:
        raise ValueError(f"{PROMISED} does not say when all packages were last brought up to date")
    return dt.datetime.strptime(found[1], "%d %B %Y").date()  # noqa: DTZ007 - a day


def is_behind(text: str, today: dt.date) -> bool:
    return today - updated_on(text) > dt.timedelta(days=QUARTER)


def is_affected(affected: dict[str, Any], version: str) -> bool:
    """As the OSV schema says: the version is listed, or lies in a range."""
    if version in affected.get("versions", ()):
        return True
    at = _version(version)
    for one in affected.get("ranges", ()):
        if one.get("type") == "GIT":
            continue
        inside = False
        for event in sorted(one.get("events", ()), key=lambda event: _version(str(next(iter(event.values()))))):
            (kind, text), *_ = event.items()
            bound = _version(str(text))
            if kind == "introduced" and at >= bound:
                inside = True
            elif (kind in ("fixed", "limit") and at >= bound) or (kind == "last_affected" and at > bound):
                inside = False
        if inside:
            return True
    return False


def _events(affected: dict[str, Any]) -> Iterator[dict[str, str]]:
    for one in affected.get("ranges", ()):
        if one.get("type") != "GIT":
            yield from one.get("events", ())


def _version(text: str) -> Version:
    """npm's pre-releases, too; what nobody can order comes first."""
    try:
        return Version(re.sub(r"-(alpha|beta|rc)\.?", r"\1", text.removeprefix("v").partition("+")[0]))
    except InvalidVersion:
        return Version("0")


def main() -> int:
    parser = argparse.ArgumentParser(description="Look for known faults of the locked packages.")
    parser.add_argument(
        "file", nargs="+", type=Path, metavar="FILE", help="a zip, a folder or a file of OSV advisories"
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    options = parser.parse_args()
    locked = pins()
    today, promised = dt.datetime.now(dt.UTC).date(), (TREE / PROMISED).read_text()
    try:
        behind = is_behind(promised, today)
        read, found = faults(locked, advisories(options.file))
    except (OSError, ValueError, KeyError) as error:
        print(f"These are no advisories: {error}", file=sys.stderr)
        return 2
    if not read:
        print("There is no advisory in it; take what osv.dev exports for PyPI and for npm", file=sys.stderr)
        return 2
    still = [one for one in found if one.id not in KEPT]
    if options.json:
        print(
            json.dumps(
                {
                    "packages": len(locked),
                    "advisories": read,
                    "updated": updated_on(promised).isoformat(),
                    "is_behind": behind,
                    "open": [asdict(one) for one in still],
                },
                indent=2,
            )
        )
    else:
        print(f"{read:,} advisories, {len(locked)} locked packages, {len(still)} open")
        for one in still:
            print(f"{one.package} {one.version}: {one.id}: {one.summary} (fixed in {one.fixed}),", _due(one, today))
        if behind:
            print(f"All packages were last brought up to date on {updated_on(promised)}: more than a quarter ago")
    return 1 if still or behind else 0


def _due(one: Found, today: dt.date) -> str:
    return f"late: to be replaced by {one.due}" if one.due < today.isoformat() else f"to be replaced by {one.due}"


if __name__ == "__main__":
    sys.exit(main())
