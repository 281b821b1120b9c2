"""Each rig's section of docs/reliability.md is replaced whole, and no other's is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rigs import chaos, fault_rig, report


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


def test_a_section_of_a_page_that_people_write_is_replaced_where_it_stands(tmp_path: Path) -> None:
    page = tmp_path / "guide.md"
    page.write_text("# Guide\n\nSo it goes.\n")
    report.put("Seen", "| first |", page=page)
    page.write_text(page.read_text() + "\n## After\nThe end.\n")
    report.put("Seen", "| second |", page=page)
    text = page.read_text()
    assert text.startswith("# Guide\n\nSo it goes.\n\n## Seen\nWritten on ")
    assert text.endswith("| second |\n\n## After\nThe end.\n")
    assert "first" not in text


def test_a_heading_that_would_end_the_section_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="second level"):
        report.write("make soak", "fine\n## Another\n", page=tmp_path / "page.md")


def test_each_run_of_chaos_adds_its_row_to_the_record_of_all() -> None:
    counts = dict.fromkeys(chaos.COUNTS + chaos.MORE_COUNTS, 0)
    fine: dict[str, Any] = {
        "ok": True,
        "usd_off": "0.000000",
        "rounds": 1,
        "minutes": 2.0,
        "lines": 90,
        "seed": 7,
        "acts": 3,
        "why": "",
    }
    fine |= {"killed": {"worker": 700}, "blows": {"FLUSHALL": 2}, "right_after": [1.0]} | counts
    first = chaos.page(
        fine | {"kills": 700, "bytes": 2_000}, [chaos.row(fine | {"kills": 700, "bytes": 2_000}, "2026-11-27 22:33")]
    )
    wrong = fine | {"ok": False, "kills": 1_400, "bytes_lost": 5, "usd_off": "-0.000001", "why": "bytes are lost"}
    cut = {"ok": False, "kills": 12}  # it ended before anybody could be asked
    rows = [chaos.row(cut, "2026-11-29 01:00"), chaos.row(wrong, "2026-11-28 01:00"), *chaos.record(first)]
    second = chaos.page(wrong, rows)
    assert chaos.record(second) == rows
    assert "| all | 2,112 | 2,000 | 5 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0.000001 | 1 of 3 |" in second
    assert "NOT RIGHT: bytes are lost" in second
    assert chaos.record("nothing yet") == []


def test_faults_that_were_not_played_keep_their_rows_and_days() -> None:
    one = {"seconds": 7.3, "whole": 7.5, "page": 200, "page_seconds": 0.1, "page_after": 7.6, "ok": True}
    names = ["worker killed", "web server killed"]
    slow = one | {"ok": False, "page": 999}
    first = [one | {"fault": names[0]}, slow | {"fault": names[1]}]
    before = fault_rig.page(first, books=True, seen="2026-11-27 22:07", before={})
    again = [one | {"fault": names[1]}, one | {"fault": "beat killed"}]
    after = fault_rig.page(again, books=True, seen="2026-11-28 02:00", before=fault_rig.kept(before))
    assert [row.split(" | ")[0] for row in fault_rig.kept(after).values()] == [
        "| worker killed",
        "| beat killed",
        "| web server killed",
    ]
    assert (
        fault_rig.kept(after)["worker killed"]
        == "| worker killed | 7.3 | 7.5 | 200 after 7.6 s | 2026-11-27 22:07 | yes |"
    )
    assert "NO: too slow" in before
    assert "NO: too slow" not in after
