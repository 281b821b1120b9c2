"""docs/operating.md as a new operator follows it: every command of it, in its order, on an installation of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedded.addresses import REPOSITORY
from simulator import Running, running

from tests.preloaded import preload

PAGE = (REPOSITORY / "docs" / "operating.md").read_text()
COMMAND = "docker compose run --rm "
COMPOSE = yaml.safe_load(re.sub(r"\$\{[^}]*\}", "1", (REPOSITORY / "docker-compose.yml").read_text()))
TYPED = re.compile(r"^\$ (.+)$", re.MULTILINE)


def typed() -> list[tuple[str, str]]:
    """The commands of the page with their sections, in order."""
    found = []
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE):
        for block in re.findall(r"```console\n(.*?)```", part, re.DOTALL):
            found += [(part.split("\n")[0], line) for line in TYPED.findall(block)]
    return found


class Operator:
    """Somebody who types what the page says; containers are processes here, and their folders are in `folder`."""

    def __init__(self, folder: Path, sim: Running) -> None:
        self.folder, self.sim = folder, sim
        self.account = self.dump = self.moment = ""
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "DJANGO_SETTINGS_MODULE": "config.settings.local",
            "LINEKEEPER_DATA": str(folder / "data"),
            "WAL_ARCHIVE": str(folder / "archive"),
            "LINEKEEPER_URL": "https://console.example.com",
        }
        preload(folder / "data")
        (folder / "secrets").mkdir()
        (folder / "secrets" / "simbase_key").write_text(f"{sim.api_key}\n")
        iccids = sim.iccids("simbase", 3)
        (folder / "lines.csv").write_text("iccid\n" + "".join(f"{iccid}\n" for iccid in iccids))

    def manage(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def types(self, line: str) -> None:
        """One command of the page. What only containers have is looked up in docker-compose.yml."""
        line, _, source = line.partition(" < ")
        words = shlex.split(line)
        if words[:2] == ["docker", "compose"]:
            self.composes(words[2:], source)
        elif words[0] == "kubectl":
            files = [word for word in words if word.startswith("deploy/")]
            assert all((REPOSITORY / name).exists() for name in files), line
        else:
            assert words[0] in ("cp", "scripts/new-secrets", "scripts/pin-images"), line
            assert (REPOSITORY / words[1 if words[0] == "cp" else 0]).exists()

    def composes(self, words: list[str], source: str) -> None:
        verb, rest = words[0], words[1:]
        if verb != "run":
            assert verb in ("build", "up", "stop"), words
            assert {word for word in rest if not word.startswith("-")} <= set(COMPOSE["services"])
            return
        at = rest.index("operate")
        arguments = [self.filled(word) for word in rest[at + 1 :]]
        said = self.manage(*arguments, given=(self.folder / source).read_text() if source else "")
        self.remember(arguments[0], said)

    def filled(self, word: str) -> str:
        known = {
            "ACCOUNT": self.account,
            "MOMENT": self.moment,
            "/backups/FILE.dump": self.dump,
            "/backups": str(self.folder / "backups"),
            "/lines.csv": str(self.folder / "lines.csv"),
            "https://api.simbase.com": self.sim.simbase,
        }
        return known.get(word, word)

    def remember(self, command: str, said: str) -> None:
        told = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
        if command == "add_account":
            self.account = told["account uuid"]
        elif command == "backup":
            self.dump = told["backup"]
        elif command == "base_backup":
            self.moment = "latest"
        elif command == "back_office":
            assert "https://console.example.com/" in said


@pytest.fixture
def operator() -> Iterator[Operator]:
    """In a folder of its own: pytest's is closed to others, PostgreSQL's user among them, whenever a pytest begins."""
    with (
        running(simbase=5, iotportal=0, quiet=True) as sim,
        tempfile.TemporaryDirectory(prefix="linekeeper-operator-", ignore_cleanup_errors=True) as folder,
    ):
        yield Operator(Path(folder), sim)


def test_the_page_has_a_command_for_each_moment() -> None:
    commands = {shlex.split(line.partition(" < ")[0])[-1 if "operate" not in line else 0] for _, line in typed()}
    assert commands
    done = " ".join(line for _, line in typed())
    for name in ("back_office", "add_carrier", "import_lines", "backup", "verify_backup", "restore", "base_backup"):
        assert f"operate {name}" in done
    for name in ("rotate_keys", "migrate", "retention", "check_books", "check_audit"):
        assert f"operate {name}" in done


def test_every_link_within_the_page_leads_to_a_section() -> None:
    titles = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^## (.+)$", PAGE, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= titles
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE):
        assert (REPOSITORY / "docs" / target).exists(), target


@pytest.mark.timeout(1800)
def test_every_command_of_the_page_works_in_its_order(operator: Operator) -> None:
    for section, line in typed():
        try:
            operator.types(line)
        except AssertionError as error:
            raise AssertionError(f"{section}: {line}\n{error}") from error
    books: dict[str, Any] = json.loads(operator.manage("check_books"))
    assert books["ok"]
    assert "25.00" in operator.manage("balance", operator.account)
