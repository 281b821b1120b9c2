"""What a first visit loads, compressed as the image serves it: the Dockerfile's own step makes the files."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.branding.identity import ACCENT
from accounts.models import Account
from accounts.queries import owner_of
from lines.models import Line
from tests.fleets import sum_day_rows

ROOT = Path(__file__).parents[2]
MOST = 120_000  # bytes
LOADED = re.compile(r'<(?:link|script)[^>]+?(?:href|src)="/static/([^"?]+)"')


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the image's step makes."""
    data = tmp_path_factory.mktemp("image")
    steps = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    step = next(line.removeprefix("RUN ") for line in steps.splitlines() if "collectstatic" in line)
    step = step.replace("/venv/bin", str(ROOT / ".venv/bin")).replace("/app", str(ROOT))
    around = {"PATH": os.environ["PATH"], "LINEKEEPER_DATA": str(data), "HOME": str(data)}
    subprocess.run(["/bin/sh", "-c", step], check=True, cwd=ROOT, env=around)
    return data / "static"


def sizes(served: Path, html: bytes) -> dict[str, int]:
    """What the page and each of its files take on the wire, where the browser takes brotli."""
    names: dict[str, str] = json.loads((served / "staticfiles.json").read_text())["paths"]
    found = {"the page": len(gzip.compress(html, 6))}
    for name in LOADED.findall(html.decode()):
        whole = served / names[name]
        packed = [path for end in (".br", ".gz") if (path := Path(f"{whole}{end}")).exists()]
        assert packed or whole.suffix in {".woff2", ".svg", ".png"}, f"{name} is not compressed"
        found[name] = (packed[0] if packed else whole).stat().st_size
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/lines/", "/usage/", "line", "/billing/", "/accounts/login/"])
def test_a_first_visit_loads_under_120_kb(served: Path, acme: Account, fleet: dict[str, Line], path: str) -> None:
    sum_day_rows()
    client = Client()
    if "login" not in path:
        client.force_login(owner_of(acme))
    html = client.get(f"/lines/{fleet['running'].iccid}/" if path == "line" else path).content
    found = sizes(served, html)
    assert any(name.endswith("inter.woff2") for name in found)
    assert sum(found.values()) < MOST, found


def test_every_class_of_the_kit_that_a_page_names_is_kept() -> None:
    """The kit's CSS is cut when files are vendored: a class that came later would be without its look."""
    name = re.compile(r"\.(-?[_a-zA-Z][\w-]*)")
    whole = set(name.findall((ROOT / "node_modules/@tabler/core/dist/css/tabler.min.css").read_text()))
    kept = set(name.findall((ROOT / "static/vendor/tabler.min.css").read_text()))
    pages = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "platform").rglob("*.py"), *(ROOT / "static").glob("*.js")]
    pages += [
        path
        for app in ("accounts", "billing", "lines", "automation", "subaccounts")
        for path in (ROOT / app).rglob("*.py")
    ]
    named: set[str] = set()
    for path in pages:
        for words in re.findall(r'class"?[=:] ?"([^"]*)"', path.read_text()):
            named |= set(words.split())
    assert (named & whole) - kept == set()


def test_console_back_office_and_mails_have_one_accent(settings: Any) -> None:
    tokens = (ROOT / "static/tokens.css").read_text()
    assert f"--accent: light-dark({ACCENT}," in tokens
    assert f"--fill: {ACCENT};" in tokens
    assert settings.UNFOLD["COLORS"]["primary"]["600"] == ACCENT
    assert ACCENT in (ROOT / "static/favicon.svg").read_text()
    assert any("tokens.css" in style(None) for style in settings.UNFOLD["STYLES"])


def test_what_is_vendored_needs_no_node_of_the_machine(tmp_path: Path) -> None:
    """The image is built where there is none."""
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    found = subprocess.run(
        ["/bin/sh", "scripts/node", "--version"], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, check=True
    )
    assert found.stdout.startswith(b"v")
    assert " npm exec" not in (ROOT / "scripts/vendor").read_text()
