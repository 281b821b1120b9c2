"""manage.py: what starts the services, what does not, and what reaches standard output."""

import subprocess
import sys
from pathlib import Path

import pytest
from embedded.addresses import REPOSITORY

from tests.house.house_processes import running_from


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "manage.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("arguments", [("help",), ("version",), ("check",), ("migrate", "--help")], ids=" ".join)
def test_what_needs_no_database_starts_none(own_data: Path, arguments: tuple[str, ...]) -> None:
    assert manage(*arguments).returncode == 0
    assert not (own_data / "postgres").exists()
    assert running_from(own_data) == []


def test_a_folder_that_cannot_be_used_is_refused_in_one_line(own_data: Path) -> None:
    own_data.write_text("a file where the folder should be")
    result = manage("migrate")
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert str(own_data) in result.stderr
