"""What the papers on security claim is there to be looked at."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from accounts import policy
from accounts.login.passwords import CONTEXT

ROOT = Path(__file__).resolve().parents[2]
PAPER = (ROOT / "docs/security/README.md").read_text()
ROWS = list(csv.DictReader((ROOT / "docs/asvs.csv").open()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["requirement"])
def test_each_requirement_names_what_shows_it_or_why_it_is_not_met(row: dict[str, str]) -> None:
    assert row["result"] in ("met", "not met")
    if row["result"] == "not met":
        assert row["note"]
        assert not row["shown_by"]
        return
    file, _, test = row["shown_by"].partition("::")
    assert (ROOT / file).is_file()
    assert not test or re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_every_applicable_requirement_stands_there_once() -> None:
    assert len({row["requirement"] for row in ROWS}) == len(ROWS) == 176


def test_the_limits_on_paper_are_those_of_the_rules() -> None:
    at_address, network = policy.GUESSES_AT_ADDRESS, policy.GUESSES_FROM_NETWORK
    waits = [int(at_address.wait(at_address.free + n).total_seconds() // 60) for n in range(5)]
    assert f"{at_address.free} free, then a wait of {', '.join(map(str, waits))} minutes" in PAPER
    assert f"{network.free} free" in PAPER
    assert f"{policy.INVITATION_MAILS_A_DAY} a day" in PAPER
    assert f"{policy.INVITATION_MAILS_OF_NEWCOMERS} in its first {policy.NEWCOMER_DAYS} days" in PAPER
    hours = [int(ends.idle.total_seconds() // 3600) for ends in (policy.SESSION,)]
    minutes = int(policy.OFFICE_SESSION.idle.total_seconds() // 60)
    assert f"| {hours[0]} hours | {minutes} minutes |" in PAPER
    days, office = policy.SESSION.absolute.days, int(policy.OFFICE_SESSION.absolute.total_seconds() // 3600)
    assert f"| {days} days | {office} hours |" in PAPER
    assert f"within {policy.OFFICE_PASS_HOURS} hours" in PAPER


def test_the_words_that_no_password_may_be_are_on_paper() -> None:
    assert [word for word in CONTEXT if word.removesuffix("s") not in PAPER] == []


@pytest.mark.parametrize("title", ["Values that are judged together", "What shows each control"])
def test_each_paper_row_names_what_shows_it(title: str) -> None:
    _, _, rest = PAPER.partition(f"## {title}\n")
    rows = [row for row in rest.partition("\n## ")[0].splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 6
    for row in rows:
        shown = row.strip("| ").rpartition("| ")[2]
        assert shown.startswith("tests/"), row
        assert re.search(r"^def test_", (ROOT / shown).read_text(), re.MULTILINE), row
