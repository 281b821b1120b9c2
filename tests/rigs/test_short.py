"""Short runs of the rigs; the long ones are commands (docs/testing.md)."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from simulator.faults import AFTER, BEFORE

from tests.rigs import auditor, fault_rig, soak

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(2700)
def test_what_was_killed_or_taken_away_comes_back_with_nothing_lost_doubled_or_grown() -> None:
    """One installation serves all three, so that the suite starts one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "tests.rigs.short"]
    found = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=2680, check=False
    )
    assert found.stdout, found.stderr
    said: dict[str, dict[str, Any]] = json.loads(found.stdout)
    chaos, faults, grown = said["chaos"], said["faults"], said["soak"]
    assert (grown["grown"], grown["failed"], grown["books"]) == ({}, 0, [])
    assert grown["series"]["sessions of the database"][1] > 0
    assert ([one for one in faults["faults"] if not one["ok"]], faults["books"]) == ([], True)
    assert len(faults["faults"]) == 2
    assert chaos["ok"], chaos["why"]
    figures = ("bytes_lost", "bytes_doubled", "payments_lost", "payments_doubled", "webhooks_lost", "lines_wrong")
    assert [chaos[name] for name in figures] == [0] * 6
    assert (chaos["usd_off"], chaos["kills"], chaos["bytes"] > 0) == ("0.000000", 12, True)


def test_every_fault_that_the_simulator_knows_is_played() -> None:
    played: set[object] = set()

    class Noted(fault_rig.Rig):
        def while_carriers(self, **fault: object) -> None:
            played.add(fault["kind"])

    for play in fault_rig.FAULTS.values():
        if "while_carriers" in play.__code__.co_names:
            play(Noted(one=None))  # type: ignore[arg-type]
    assert played == BEFORE | AFTER


def test_the_auditor_imports_nothing_of_the_product() -> None:
    tree = ast.parse(Path(auditor.__file__).read_text())
    named = {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    named |= {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    assert {name.split(".")[0] for name in named} - set(sys.stdlib_module_names) == {"psycopg"}


def test_what_grows_is_seen() -> None:
    assert soak.grows("memory of worker, MB", *soak.middles([100.0 + number for number in range(60)]))
    assert soak.grows("rows of lines_chunk", *soak.middles([20.0 * number for number in range(90)]))
    assert soak.grows("sessions of the database", 35.0, 44.0)  # one kept by each reading, for 90 seconds
    assert not soak.grows("sessions of the database", 14.0, 18.0)
    assert not soak.grows("memory of worker, MB", *soak.middles([50.0, 90.0, 120.0] + [121.0, 122.0] * 20))
