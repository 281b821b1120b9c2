"""A short run of the kill rig; a long one is a command (docs/testing.md)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_syncs_that_are_killed_leave_nothing_out_and_nothing_twice() -> None:
    command = [sys.executable, "-m", "tests.rigs.kill_rig", "--rounds", "2", "--simbase", "40", "--iotportal", "12"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["killed"] >= 1
