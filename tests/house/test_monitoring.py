"""The alert rules and the dashboard ask for figures that there are, in a language that Prometheus reads."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from console import probes, vitals
from kit import kept

FOLDER = Path("docs/monitoring")
NAME = re.compile(r"\blinekeeper_[a-z_]+")
EXPR = re.compile(r"^ +expr: (.+)$", re.MULTILINE)
WORDS = {"absent", "or", "and", "sum", "rate", "by", "histogram_quantile", "unless"}


def expressions() -> list[str]:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    drawn = [target["expr"] for panel in panels for target in panel["targets"]]
    return drawn + EXPR.findall((FOLDER / "alerts.yml").read_text())


def known(db: Any) -> set[str]:
    kept.forget()
    names = {family.name for family in vitals.families()}
    counted = {
        probes.REQUESTS._name + "_total",
        *(f"{probes.SECONDS._name}_{end}" for end in ("bucket", "sum", "count")),
    }
    return names | counted | {"linekeeper_books_good", "linekeeper_books_checked_seconds"}


def faults(text: str, names: set[str]) -> list[str]:
    """What is wrong with an expression, as far as can be seen without Prometheus."""
    bare = re.sub(r'"[^"]*"', '""', text)
    found = [f"no such figure: {name}" for name in NAME.findall(bare) if name not in names]
    found += [f"no such word: {word}" for word in re.findall(r"\b([a-z]+)\s*\(", bare) if word not in WORDS]
    if any(bare.count(left) != bare.count(right) for left, right in ("()", "{}", "[]")):
        found.append("brackets do not match")
    return found if NAME.search(bare) else [*found, "it asks for nothing of ours"]


def test_every_expression_asks_for_figures_that_there_are(db: None) -> None:
    names = known(db)
    assert len(expressions()) >= 25
    for text in expressions():
        assert faults(text, names) == [], text


@pytest.mark.parametrize(
    "text", ["linekeeper_readings_lag > 5", "summ(linekeeper_up)", "(linekeeper_up", "up == 0", "linekeeper_up{a=1"]
)
def test_a_wrong_expression_is_found(db: None, text: str) -> None:
    assert faults(text, known(db))


def test_every_figure_is_drawn_or_watched(db: None) -> None:
    asked = {name for text in expressions() for name in NAME.findall(text)}
    only_context = {"linekeeper_http_request_seconds_sum", "linekeeper_http_request_seconds_count"}
    assert known(db) - asked <= only_context


def test_every_alert_says_how_bad_it_is_and_names_a_page_that_there_is() -> None:
    rules = (FOLDER / "alerts.yml").read_text().split("- alert: ")[1:]
    operating = Path("docs/operating.md").read_text()
    for rule in rules:
        name = rule.split("\n")[0]
        assert re.search(r"severity: (page|ticket)", rule), name
        assert "summary: " in rule, name
        (anchor,) = re.findall(r"runbook: docs/operating.md#(.+)", rule)
        assert f"## {anchor.replace('-', ' ')}" in operating.lower(), name
        assert f"`{name}`" in operating, f"{name} has no advice in docs/operating.md"


def test_prometheus_itself_reads_rules_and_settings_where_it_is_installed(tmp_path: Path) -> None:
    assert "job_name: linekeeper" in (FOLDER / "prometheus.yml").read_text()
    if shutil.which("promtool") is None:
        return  # what is checked above remains
    for path in FOLDER.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "linekeeper-token").write_text("a-token")
    for asked in (["rules", "alerts.yml"], ["config", "prometheus.yml"]):
        found = subprocess.run(["promtool", "check", *asked], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr + found.stdout
