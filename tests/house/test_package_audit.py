"""The audit of packages finds a known fault of what is locked, and nothing else."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.rigs.audit import PROMISED, TREE, Pin, faults, is_affected, is_behind, pins, updated_on

DJANGO = next(pin for pin in pins() if pin.name == "django")


def advisory(**about: object) -> dict[str, object]:
    of = {"package": {"ecosystem": "PyPI", "name": "Django"}, "ranges": [], "versions": []} | about
    return {"id": "GHSA-made-up", "summary": "made up", "affected": [of]}


def upto(fixed: str) -> list[dict[str, object]]:
    return [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]


def test_every_locked_package_is_looked_for() -> None:
    names = {(pin.ecosystem, pin.name) for pin in pins()}
    assert {("PyPI", "django"), ("PyPI", "granian"), ("PyPI", "uv"), ("npm", "htmx.org")} <= names
    assert len(names) > 100


@pytest.mark.parametrize(
    ("ranges", "version", "is_open"),
    [(upto("5.2.1"), "5.2", True), (upto("5.2.1"), "5.2.1", False), (upto("5.2.10"), "5.2.9", True),
     ([{"type": "ECOSYSTEM", "events": [{"introduced": "5.0"}, {"last_affected": "5.2"}]}], "5.2", True),
     ([{"type": "ECOSYSTEM", "events": [{"introduced": "5.0"}, {"last_affected": "5.2"}]}], "5.2.1", False),
     ([{"type": "ECOSYSTEM", "events": [{"introduced": "6.0"}]}], "5.2", False),
     ([{"type": "SEMVER", "events": [{"introduced": "2.0.0-beta.1"}, {"fixed": "2.0.0"}]}], "2.0.0-beta.2", True),
     ([{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "2"}, {"fixed": "2.3"}]}],
      "2.2", True),
     ([{"type": "GIT", "events": [{"introduced": "0"}]}], "5.2", False)],
)  # fmt: skip
def test_a_range_is_read_as_the_schema_says(ranges: list[dict[str, object]], version: str, is_open: bool) -> None:
    assert is_affected({"ranges": ranges}, version) is is_open


def test_a_fault_of_what_is_locked_is_found_by_any_spelling_and_a_withdrawn_one_is_none() -> None:
    listed = advisory(versions=[DJANGO.version])
    assert [one.id for one in faults({DJANGO}, iter([listed]))[1]] == ["GHSA-made-up"]
    assert faults({DJANGO}, iter([listed | {"withdrawn": "2026-01-01T00:00:00Z"}]))[1] == []
    assert faults({Pin("npm", "django", DJANGO.version)}, iter([listed]))[1] == []


def test_each_fault_has_its_day_and_all_packages_their_quarter() -> None:
    """By the time frames that docs/security/README.md promises."""
    promised = (TREE / PROMISED).read_text()
    assert "within 7 days" in promised
    assert "within 30 days" in promised
    listed = advisory(versions=[DJANGO.version]) | {"published": "2026-11-01T10:00:00Z"}
    for weight, due in (
        ("HIGH", "2026-11-08"),
        ("CRITICAL", "2026-11-08"),
        ("MODERATE", "2026-12-01"),
        (None, "2026-12-01"),
    ):
        heavy = listed | {"database_specific": {"severity": weight}}
        assert [one.due for one in faults({DJANGO}, iter([heavy]))[1]] == [due]
    last = updated_on(promised)
    assert not is_behind(promised, last + dt.timedelta(days=92))
    assert is_behind(promised, last + dt.timedelta(days=93))
    with pytest.raises(ValueError, match="does not say"):
        updated_on("nothing")


def test_the_command_fails_where_something_is_open(tmp_path: Path) -> None:
    file = tmp_path / "all.zip"

    def run(*advisories: dict[str, object]) -> subprocess.CompletedProcess[str]:
        with zipfile.ZipFile(file, "w") as kept:
            for number, one in enumerate(advisories):
                kept.writestr(f"{number}.json", json.dumps(one))
        command = [sys.executable, "-m", "tests.rigs.audit", str(file)]
        return subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=False)

    bad = run(advisory(versions=[DJANGO.version]))
    assert (bad.returncode, f"django {DJANGO.version}: GHSA-made-up" in bad.stdout) == (1, True)
    well = run(advisory(ranges=upto("1.0")))
    assert well.returncode == ("more than a quarter ago" in well.stdout)
    assert run().returncode == 2
