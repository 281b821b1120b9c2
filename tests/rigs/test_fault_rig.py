"""A short run of the fault rig; the long one is `make faults` (docs/testing.md)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)
def test_reading_goes_on_after_postgresql_redis_and_every_session_were_taken_away() -> None:
    command = [sys.executable, "-m", "tests.rigs.fault_rig", "--short"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=580, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    said = json.loads(found.stdout)
    assert said["books"]
    assert [one["ok"] for one in said["faults"]] == [True] * 4
