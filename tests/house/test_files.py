"""What the committed files may say."""

import itertools
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from embedded import programs
from embedded.addresses import REPOSITORY

# Put together here so that this file does not name them.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
]
SCRIPTS = [f"scripts/{path.name}" for path in sorted((REPOSITORY / "scripts").iterdir())]


def committed_texts() -> list[tuple[str, str]]:
    command = ["git", "ls-files", "-z"]
    names = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split("\0")
    texts = []
    for name in filter(None, names):
        path = REPOSITORY / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            texts.append((name, content.decode("utf-8", errors="replace")))
    return texts


def test_no_committed_file_names_a_package_registry() -> None:
    named = [(name, host) for name, text in committed_texts() for host in REGISTRY_HOSTS if host in text]
    assert named == []


def test_no_committed_file_names_the_folder_of_whoever_wrote_it() -> None:
    if len(REPOSITORY.parts) < 3:
        pytest.skip("the repository lies in a folder with a short name that anything may contain")
    assert [name for name, text in committed_texts() if f"{REPOSITORY}/" in text] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_python_package_has_its_hashes(lock: str) -> None:
    text = (REPOSITORY / lock).read_text()
    assert not re.search(r"^--|://", text, re.MULTILINE)
    requirements = [block for block in re.split(r"\n(?=\S)", text.strip()) if not block.startswith("#")]
    assert len(requirements) > 50
    assert [block.splitlines()[0] for block in requirements if "--hash=sha256:" not in block] == []


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    names = {re.split(r"[\[<>=;! ]", requirement)[0].lower() for requirement in wanted} - {"linekeeper"}
    locked = re.findall(r"^([a-z0-9._-]+)==", (REPOSITORY / "requirements-dev.lock").read_text(), re.MULTILINE)
    assert names <= set(locked)


def test_every_dependency_says_why() -> None:
    lines = (REPOSITORY / "pyproject.toml").read_text().split("dependencies = [")[1].split("]\n")[0].splitlines()
    assert [line for line in lines if line.strip().startswith('"') and "# " not in line] == []


def test_front_end_packages_are_exact_and_locked() -> None:
    wanted = json.loads((REPOSITORY / "package.json").read_text())["dependencies"]
    packages = json.loads((REPOSITORY / "package-lock.json").read_text())["packages"]
    assert wanted == {name: packages[f"node_modules/{name}"]["version"] for name in wanted}
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_vendored_files_are_there() -> None:
    lines = (REPOSITORY / "static" / "vendor.txt").read_text().splitlines()
    names = [line.split()[1] for line in lines if not line.startswith("#")]
    assert [name for name in names if not (REPOSITORY / "static" / "vendor" / name).exists()] == []


@pytest.mark.parametrize("command", [programs.WEB, programs.WORKER, programs.BEAT], ids=["web", "worker", "beat"])
def test_compose_runs_the_commands_of_the_demo(command: str) -> None:
    assert f"command: python -m {command}" in (REPOSITORY / "docker-compose.yml").read_text()


def test_links_of_the_readme_lead_somewhere() -> None:
    page = (REPOSITORY / "README.md").read_text()
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page) + re.findall(r'(?:src|srcset)="([^"]+)"', page)
    assert [link for link in links if not (REPOSITORY / link).exists()] == []


@pytest.mark.parametrize("name", [*SCRIPTS, ".ci/run"])
def test_scripts_are_valid_and_may_be_run(name: str) -> None:
    path: Path = REPOSITORY / name
    assert path.stat().st_mode & 0o111
    if path.read_text().startswith("#!/bin/sh\n"):
        subprocess.run(["sh", "-n", str(path)], check=True)


def test_every_command_is_named_in_the_docs_and_is_there() -> None:
    """Ours, not the framework's."""
    ours = {path.stem for path in REPOSITORY.glob("*/management/commands/*.py")}
    ours |= {path.stem for path in REPOSITORY.glob("platform/*/management/commands/*.py")}
    rows = re.findall(r"^\| (`.+?) \|", (REPOSITORY / "docs" / "commands.md").read_text(), re.M)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)", row)}
    assert named == ours - {"__init__"}
