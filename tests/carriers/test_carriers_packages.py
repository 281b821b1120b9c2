"""Adapters of other packages: found by their entry points, and refused by name where they are none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lines.carriers import CLIENTS, OURS, BadAdapter, find_clients, open_client
from lines.carriers.base import Abilities, Refused
from lines.carriers.simbase import Simbase

ROOT = Path(__file__).parents[2]
ACME = """
from lines.carriers.simbase import Simbase

class Acme(Simbase):
    kind = "acme"
    title = "Acme Mobile"

class Taken(Simbase):
    pass

word = "acme"
"""


def package(folder: Path, entry: str) -> None:
    """What an installer leaves behind of a package with one module."""
    (folder / "acme_linekeeper.py").write_text(ACME)
    info = folder / "acme_linekeeper-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-linekeeper\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[linekeeper.carriers]\nacme = {entry}\n")


def test_an_installed_package_adds_its_carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "acme_linekeeper:Acme")
    monkeypatch.syspath_prepend(tmp_path)
    clients = find_clients()
    assert list(clients) == [*(client.kind for client in OURS), "acme"]
    assert issubclass(clients["acme"], Simbase)
    assert clients["acme"].title == "Acme Mobile"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("acme_linekeeper:Nobody", "cannot be loaded"),
        ("acme_other:Acme", "cannot be loaded"),
        ("acme_linekeeper:word", "no whole CarrierClient"),
        ("lines.carriers.base:CarrierClient", "no whole CarrierClient"),
        ("acme_linekeeper:Taken", "'simbase', which is taken"),
    ],
)
def test_what_is_no_adapter_is_named_with_its_package(
    entry: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, entry)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadAdapter, match=f"of acme-linekeeper.*{says}"):
        find_clients()


def test_its_carrier_can_be_added_by_its_kind(tmp_path: Path) -> None:
    package(tmp_path, "acme_linekeeper:Acme")
    said = subprocess.run(
        [sys.executable, "manage.py", "add_carrier", "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{{{','.join(sorted(['acme', *CLIENTS]))}}}" in "".join(said.stdout.split())


def test_a_kind_whose_package_is_gone_can_do_nothing_and_is_never_called() -> None:
    assert CLIENTS["acme"].abilities == Abilities()
    assert "acme" not in CLIENTS
    with pytest.raises(Refused, match="no carrier of the kind 'acme'"):
        open_client("acme", url="https://carrier.example", secrets={})
