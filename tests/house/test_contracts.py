"""Each contract between modules catches what it is there for: one violation of each, planted in a copy of the tree."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from embedded.addresses import REPOSITORY

FOLDERS = ("accounts", "billing", "lines", "automation", "subaccounts", "platform")
# Contract: the file in which its violation is planted, and the line.
PLANTS = {
    "Apps import downwards": ("billing/words.py", "import lines.models"),
    "Inside an app": ("automation/gadget.py", "import json"),  # a word that no module has
    "Policy is pure": ("lines/policy/looks.py", "import django"),
    "The second books share nothing with what charges": ("lines/recount/rules.py", "import kit.money"),
    "Carriers know nothing of the database": ("lines/carriers/base.py", "import django.db"),
    "The simulator knows nobody": ("platform/simulator/__init__.py", "import kit.clock"),
    "Nobody knows the simulator": ("platform/kit/money.py", "import simulator"),
    "The doors of lines are private": ("subaccounts/queries.py", "import lines.views"),
    "The doors of accounts are private": ("billing/queries/balances.py", "import accounts.views"),
    "The doors of billing are private": ("automation/queries/due.py", "import billing.stripe"),
    "The doors of automation are private": ("platform/console/queries.py", "import automation.views"),
    "The doors of subaccounts are private": ("platform/console/queries.py", "import subaccounts.views"),
    "What an installation is made of knows no demo and no benchmark": ("platform/embedded/programs.py", "import demo"),
    "Only what runs an installation knows the embedded servers": ("lines/queries/scope.py", "import embedded.services"),
    "The embedded servers know no app": ("platform/embedded/postgres.py", "import lines.models"),
    "Stripe is talked to in one place, and without the database": ("billing/stripe/client.py", "import billing.models"),
    "The stand-in for Stripe knows nobody": ("platform/stripe_proxy/state.py", "import kit.clock"),
    "Nobody knows the stand-in for Stripe": ("platform/embedded/addresses.py", "import stripe_proxy"),
}


def broken(root: Path) -> set[str]:
    """The contracts that do not hold in this tree."""
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'platform'}", "COLUMNS": "200"}
    command: list[str | Path] = [
        Path(sys.executable).with_name("lint-imports"),
        "--no-cache",
        "--config",
        root / "pyproject.toml",
    ]
    told = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert "Contracts: " in told.stdout, told.stdout + told.stderr
    return {line.removesuffix(" BROKEN") for line in told.stdout.splitlines() if line.endswith(" BROKEN")}


def test_each_contract_catches_its_violation(tmp_path: Path) -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {one["name"] for one in contracts} == PLANTS.keys()
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for folder in FOLDERS:
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file, line in PLANTS.values():
        with (tmp_path / file).open("a") as planted:
            planted.write(f"\n{line}\n")
    assert broken(tmp_path) == PLANTS.keys()
