"""What the image would contain starts, migrates, answers and works (tests/rigs/image_run.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(900)
def test_the_image_starts_and_works_from_its_own_files_as_another_user() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DJANGO"))}
    command = [sys.executable, "-m", "tests.rigs.image_run"]
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-4000:]
    done = json.loads(found.stdout.splitlines()[-1])
    assert done["sheets"] > 0
    assert done["files"] > 1000
    assert set(done["ends"]) <= {0, -15}
