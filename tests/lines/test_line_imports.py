"""Lines as they come: every bad row is named with its reason, the good ones are added."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from lines.models import Drive, Line
from lines.policy import Wanted
from tests.fleets import Fleet, state
from tests.worlds import operator

GOOD = "8944538415800000004"


def imported(file: Path, *more: object, code: int = 0) -> dict[str, Any]:
    return operator("import_lines", file, "--carrier", "simbase", "--rate-plan", "simbase", *more, code=code)


def test_every_bad_row_is_named_and_the_good_ones_are_added(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(
        "note,ICCID\n"
        f"a,{GOOD}\n"
        "b,123\n"
        "c,\n"
        f"d,{GOOD}\n"
        "e,8944538415800000012x\n"
        "f,89445384158000000123456\n"
        "g,8944 5384 1580 0000 129\n"
        '"h","89445384158000000136"\n'
        "\n"
        "i,８９４４５３８４１５８０００００１４５\n"
        "j\n",
        encoding="utf-8-sig",
    )
    answer = imported(file)
    assert (answer["rows"], answer["added"], answer["already_there"], answer["refused"]) == (10, 4, 0, 6)
    rows = {row["row"]: row["why"] for row in answer["bad_rows"]}
    assert sorted(rows) == [3, 4, 5, 6, 7, 12]
    assert "row 2" in rows[5]
    assert set(Line.objects.values_list("iccid", flat=True)) == {
        GOOD,
        "8944538415800000129",
        "89445384158000000136",
        "8944538415800000145",
    }
    assert Line.objects.get(iccid=GOOD).account is None


def test_a_file_that_was_imported_already_adds_nothing(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(f"iccid\n{GOOD}\n")
    assert imported(file)["added"] == 1
    again = imported(file)
    assert (again["rows"], again["added"], again["already_there"], again["refused"]) == (1, 0, 1, 0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"imsi\n1\n", "No heading was found"),
        (b"", "No heading was found"),
        (b"iccid\n\x81\n", "Row 2: a character can’t be read"),
    ],
)
def test_a_file_that_is_none_is_refused(fleet: Fleet, tmp_path: Path, text: bytes, complaint: str) -> None:
    file = tmp_path / "lines.csv"
    file.write_bytes(text)
    with pytest.raises(CommandError, match=complaint):
        imported(file)
    assert not Line.objects.exists()


def test_a_file_that_is_not_there_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(CommandError, match="cannot be read"):
            imported(path)


def test_a_nul_in_a_row_is_a_bad_row_and_no_crash(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_bytes(b"iccid\n8944\x00538415800000004\n" + GOOD.encode() + b"\n")
    assert imported(file)["added"] == 1


def test_names_that_nobody_knows_are_refused_with_those_there_are(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(f"iccid\n{GOOD}\n")
    for carrier, plan in (("nobody", "simbase"), ("simbase", "nobody")):
        with pytest.raises(CommandError, match="there are: iotportal, simbase"):
            operator("import_lines", file, "--carrier", carrier, "--rate-plan", plan)
    with pytest.raises(CommandError, match="belongs to carrier"):
        operator("import_lines", file, "--carrier", "simbase", "--rate-plan", "iotportal")
    with pytest.raises(CommandError, match="stock cannot be active"):
        imported(file, "--activate")
    with pytest.raises(CommandError, match="No account"):
        imported(file, "--account", "00000000-0000-0000-0000-000000000000")
    assert not Line.objects.exists()


@pytest.mark.parametrize(
    ("credit", "active", "wanted", "why", "driven"),
    [
        ("5", True, Wanted.ACTIVE, "", True),
        ("4.99", True, Wanted.SUSPENDED, "balance", False),
        ("5", False, Wanted.DEACTIVATED, "new", False),
        ("0", False, Wanted.DEACTIVATED, "new", False),
    ],
)
def test_what_is_wanted_of_an_imported_line(
    fleet: Fleet, tmp_path: Path, credit: str, active: bool, wanted: Wanted, why: str, driven: bool
) -> None:
    account = fleet.account(credit=credit)
    file = tmp_path / "lines.csv"
    file.write_text(f"iccid\n{GOOD}\n")
    imported(file, "--account", account.uuid, *(["--activate"] if active else []))
    line = Line.objects.get()
    assert (line.account, line.payer) == (account, account)
    assert (state(line).wanted, state(line).why) == (wanted, why)
    assert Drive.objects.exists() == driven


def test_a_sub_accounts_lines_are_paid_by_its_parent(fleet: Fleet, tmp_path: Path) -> None:
    parent = fleet.account()
    child = fleet.account(parent=parent)
    line = fleet.line(child)
    assert (line.account, line.payer) == (child, parent)
