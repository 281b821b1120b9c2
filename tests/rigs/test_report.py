"""Each rig's section of docs/reliability.md is replaced whole, and no other's is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rigs import report


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    report.write("make soak", "flat", page=page)
    report.write("make chaos", "| a |\n|---|\n| first |", page=page)
    report.write("make something", "else", page=page)
    report.write("make chaos", "### Kills\nsecond", page=page)
    text = page.read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## make chaos",
        "## make soak",
        "## make something",
    ]
    assert "first" not in text
    assert "### Kills\nsecond" in text
    assert text.count("Written on ") == 3
    assert text.startswith(report.TITLE)
    before = report._sections(text)
    report.write("make chaos", "### Kills\nsecond", page=page)
    assert {name: report._sections(page.read_text())[name] for name in ("make soak", "make something")} == {
        name: before[name] for name in ("make soak", "make something")
    }


def test_a_heading_that_would_end_the_section_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="second level"):
        report.write("make soak", "fine\n## Another\n", page=tmp_path / "page.md")
