"""A short run of the restore drill; the long one is `make restore-drill`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("whose", [[], ["--given"]], ids=["embedded", "given"])
def test_what_was_lost_comes_back_to_the_moment_and_the_rest_from_the_counters(whose: list[str]) -> None:
    command = [sys.executable, "-m", "tests.rigs.restore_drill", "--simbase", "12", "--iotportal", "4", *whose]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    found = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1780, check=False
    )
    assert found.returncode == 0, found.stderr
    steps = {one["step"]: one for one in json.loads(found.stdout)["steps"]}
    assert steps["restored to a moment before the mistake"]["rows"] > 50
    assert steps["caught up from the carriers' counters, books and audit true"]["bytes"] > 0
