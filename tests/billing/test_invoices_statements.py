"""Months, their statements as files, and every figure opened into its sum."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import tracemalloc
import xml.etree.ElementTree as ET
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from kit.sheets import CsvBook, XlsxBook

from accounts.commands import open_account
from accounts.policy import OPERATOR
from billing import queries
from billing.commands import discount
from billing.commands.statements import claim_statement
from billing.models import Statement
from billing.policy import Balance, forecast
from lines import tasks as lines_tasks
from lines.models import Carrier, Line, LineDay, Price, RatePlan
from lines.work import statements
from tests.responses import streamed_content
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture, usd  # noqa: F401

MB = 1_048_576


@pytest.fixture
def used(till: Till) -> Till:
    """Two lines, two days, a refill and a discount: 3.00 and 1.25 used of 50.00 and 5.00."""
    carrier = Carrier.objects.create(name="simbase", kind="simbase", url="http://127.0.0.1:9", secrets="x")
    plan = RatePlan.objects.create(name="World", carrier=carrier)
    price = Price.objects.create(plan=plan, per_mb=usd("0.01"))
    bikes = open_account(name="City Bikes", owner_email="b@x.example", parent=till.account, by=OPERATOR)
    shared = {"carrier": carrier, "plan": plan, "payer": till.account}
    holders = [till.account, bikes]
    lines = [
        Line.objects.create(iccid=f"894453841580000{n:04}", account=holder, notes=notes, **shared)
        for n, holder, notes in ((1, till.account, "=HYPERLINK(1)"), (2, bikes, "@bike"))
    ]
    for line, day, megabytes in ((0, 18, 100), (1, 18, 100), (1, 19, 100), (0, 20, 125)):
        date = dt.date(2026, 11, day)
        cost = usd("0.01") * megabytes
        LineDay.objects.create(
            line=lines[line], day=date, payer=till.account, price=price, account_id=holders[line].pk,
            cycle=dt.date(2026, 11, 1), used=megabytes * MB, cost=cost,
        )  # fmt: skip
        till.uses(str(cost), day=date.isoformat())
    till.give_card()
    till.add("50")
    discount(account=till.account, amount=usd("5"), reason="=cmd|calc", by=OPERATOR)
    return till


def written(till: Till, format: str) -> bytes:
    """The file of November, as downloaded."""
    till.client.post(reverse("ask_statement"), {"month": "2026-11", "format": format})
    assert lines_tasks.write_statements() == 1
    page = till.client.get(reverse("billing_details")).content.decode()
    (address,) = re.findall(r'href="(/billing/details/statement/[0-9a-f]{32}/)"', page)[:1]
    answer: Any = till.client.get(address)
    return streamed_content(answer)


def sheets(content: bytes) -> dict[str, list[list[str]]]:
    """A workbook's cells as texts, and no formula anywhere."""
    found = {}
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = [one.get("name") for one in ET.fromstring(book.read("xl/workbook.xml")).iterfind(".//m:sheet", space)]
        for number, name in enumerate(names, 1):
            sheet = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            assert sheet.find(".//m:f", space) is None
            found[str(name)] = [
                ["".join(cell.itertext()) for cell in row.iterfind("m:c", space)]
                for row in sheet.iterfind(".//m:row", space)
            ]
    return found


# 6. Months and statements


def test_a_month_goes_from_its_starting_to_its_ending_balance(used: Till) -> None:
    used.at("2026-12-02T10:00")
    used.uses("2", day="2026-12-01")
    now, november = queries.months_of(used.account, today=dt.date(2026, 12, 2))
    assert (november.starting, november.paid_in, november.usage, november.other) == (
        usd("0"),
        usd("50"),
        usd("-4.25"),
        usd("5"),
    )
    assert november.ending == now.starting == usd("50.75")
    assert now.ending == usd("48.75")
    assert used.available == "48.75"
    page = used.client.get(reverse("billing_details")).content.decode()
    for figure in ("$50.75", "-$4.25", "$48.75"):
        assert figure in page


def test_an_xlsx_has_every_lines_usage_and_all_that_moved_the_balance(used: Till) -> None:
    found = sheets(written(used, "xlsx"))
    assert list(found) == ["Summary", "Transactions", "Usage", "Late usage", "SMS"]
    assert found["Summary"][1][1] == "acme"
    assert [Decimal(cell) for cell in found["Summary"][1][2:7]] == [0, 50, usd("-4.25"), 5, usd("50.75")]
    assert found["Summary"][1][7:] == ["0.000000", "no"]  # no late usage, and the month is not closed yet
    usage = found["Usage"][1:]
    assert len(usage) == 4
    assert usage[0][1:5] == ["8944538415800000001", "=HYPERLINK(1)", "World", "acme"]  # a text, not a formula
    assert sum(Decimal(row[9]) for row in usage) == Decimal("4.25")
    kinds = {row[1]: row for row in found["Transactions"][1:]}
    assert (kinds["refill"][3], kinds["refill"][5]) == ("Visa ending in 4242", "Paid")
    assert Decimal(kinds["refill"][4]) == 50
    assert kinds["discount"][3] == "=cmd|calc"


def test_a_csv_has_the_same_and_its_formulas_are_defused(used: Till) -> None:
    text = written(used, "csv").decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    usage = [row for row in rows if row[0] == "Usage"]
    assert len(usage) == 4
    assert {row[3] for row in usage} == {"'=HYPERLINK(1)", "'@bike"}
    assert sum(Decimal(row[10]) for row in usage) == Decimal("4.25")
    assert any("Visa ending in 4242" in row for row in rows)
    assert any("'=cmd|calc" in row for row in rows)
    kept_whole = re.sub(r'"=""[0-9]+"""', "", text)  # a text that a spreadsheet takes for no number
    assert not re.search(r'(^|[,"])[=@+]', kept_whole, re.MULTILINE)


def test_asked_twice_it_is_written_once_and_a_dead_worker_is_followed(used: Till) -> None:
    for _ in range(2):
        used.client.post(reverse("ask_statement"), {"month": "2026-11", "format": "csv"})
    assert Statement.objects.count() == 1
    assert claim_statement() is not None
    assert claim_statement() is None
    assert "Begins" not in used.client.get(reverse("billing_details")).content.decode()
    used.later(minutes=7)
    assert lines_tasks.write_statements() == 1
    assert Statement.objects.get().attempts == 2
    used.later(days=8)
    lines_tasks.write_statements()
    assert not Statement.objects.exists()


NO_STATEMENTS = [
    {"month": "2027-01", "format": "csv"},
    {"month": "x", "format": "csv"},
    {"month": "2026-11", "format": "exe"},
]


@pytest.mark.parametrize("asked", NO_STATEMENTS)
def test_what_is_no_statement_is_refused(used: Till, asked: dict[str, str]) -> None:
    assert "Choose a month" in used.client.post(reverse("ask_statement"), asked, follow=True).content.decode()
    assert not Statement.objects.exists()


def test_nobody_else_reads_my_statement(used: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    written(used, "csv")
    other = Till(used.standin, monkeypatch, name="bolt").at("2026-11-20T12:00")
    assert other.client.get(reverse("statement", args=[Statement.objects.get().uuid.hex])).status_code == 404
    assert other.client.get(reverse("statement", args=["nonsense"])).status_code == 404


@pytest.mark.parametrize("kind", [XlsxBook, CsvBook])
def test_a_file_is_written_in_the_memory_of_a_row_however_long_it_is(kind: Any, tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        book = kind(tmp_path / f"{rows}")
        book.table("Usage", statements.USAGE)
        for number in range(rows):
            book.row(
                (
                    dt.date(2026, 11, 1),
                    f"8944{number:015}",
                    "Van",
                    "World",
                    "acme",
                    number,
                    1.5,
                    usd("1"),
                    usd("0"),
                    usd("1"),
                )
            )
        book.close()
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(100)
    assert peak(6_000) < peak(1_000) + 200_000


# 7. Explain


def test_every_figure_opens_into_its_sum(used: Till) -> None:
    page = used.client.get(reverse("explain")).content.decode()
    for anchor in ("colour", "minimum", "runway", "refill", "forecast", "day"):
        assert f'id="{anchor}"' in page
    for figure in ("$50.75", "$5.00", "$4.29"):  # available; minimum; 10 x 3.00 / 7
        assert figure in page, figure


def test_a_day_of_usage_opens_into_its_lines(used: Till) -> None:
    page = used.client.get(reverse("explain"), {"day": "2026-11-18"}).content.decode()
    assert page.count("$1.000000") >= 4
    assert "City Bikes" in page
    assert "$2.000000" in page
    assert "No line cost anything" in used.client.get(reverse("explain"), {"day": "2026-11-17"}).content.decode()
    assert used.client.get(reverse("explain"), {"day": "nonsense"}).status_code == 200


def test_a_day_is_the_payers_own(used: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Till(used.standin, monkeypatch, name="bolt").at("2026-11-20T12:00")
    assert "8944" not in other.client.get(reverse("explain"), {"day": "2026-11-18"}).content.decode()


# 8. The forecast


def test_the_forecast_adds_an_average_day_for_each_that_is_left() -> None:
    """30.00 in 30 days is 1.00 a day; on the 20th at 0.40 already: 0.60 of today and 10 days more."""
    balance = Balance(posted=usd("22"), accrued=usd("0"), window_usage=usd("30"), days=30)
    found = forecast(balance, month_so_far=usd("19.40"), used_today=usd("0.40"), today=dt.date(2026, 11, 20))
    assert (found.month_end, found.lasts_until) == (usd("30"), dt.date(2026, 12, 7))  # (22 - 5) / 1 = 17 days


def test_a_day_that_used_more_than_the_average_takes_nothing_back() -> None:
    balance = Balance(posted=usd("1"), accrued=usd("0"), window_usage=usd("30"), days=30)
    found = forecast(balance, month_so_far=usd("50"), used_today=usd("31"), today=dt.date(2026, 11, 30))
    assert (found.month_end, found.lasts_until) == (usd("50"), dt.date(2026, 11, 30))
    unused = Balance(usd("9"), usd("0"), usd("0"), 1)
    endless = forecast(unused, month_so_far=usd("0"), used_today=usd("0"), today=dt.date(2026, 11, 1))
    assert endless.lasts_until is None


def test_the_overview_says_until_when(used: Till) -> None:
    page = used.client.get(reverse("billing")).content.decode()
    assert "Forecast to the end of the month" in page
    assert "6 March 2027" in page  # (50.75 - 5) / (3.00 / 7) = 106.75 days
