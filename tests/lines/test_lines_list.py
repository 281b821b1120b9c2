"""The list of lines: its filters, columns and files, its sentences with the button that mends."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile

from django.test import Client
from kit.sheets import defused

from accounts.models import Account
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from lines.commands.tags import tag_lines
from lines.commands.wishes import deactivate
from lines.models import Line, LineState
from lines.policy import Wanted, Why
from lines.queries import Asked
from lines.queries.export import rows_for
from tests.console.console_people import place_of
from tests.fleets import MB, Fleet
from tests.responses import streamed_content


def browser(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def listed(client: Client, query: str = "") -> int:
    return client.get(f"/lines/{query}", follow=True).content.decode().count('role="row" id="line-')


def test_tags_and_carriers_are_filters_and_a_strangers_are_none(fleet: Fleet) -> None:
    account, stranger = fleet.account(), fleet.account()
    one, _ = fleet.lines(account, 2)
    fleet.lines(account, 3, "iotportal")
    other = fleet.line(stranger)
    tag_lines(line_ids=[one.pk], account=account, names=["north"], by=OPERATOR)
    tag_lines(line_ids=[other.pk], account=stranger, names=["CANARY"], by=OPERATOR)
    client = browser(account)
    assert listed(client, f"?tag={one.tags.get().pk}") == 1
    assert listed(client, f"?carrier={fleet.carriers['iotportal'].pk}") == 3
    assert listed(client, f"?tag={other.tags.get().pk}") == 5
    assert "CANARY" not in client.get("/lines/").content.decode()
    assert listed(client, f"?list={'0' * 32}") == 0


def test_a_browser_chooses_its_columns(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    Line.objects.filter(pk=line.pk).update(imei="356789012345678")
    client = browser(account)
    assert "356789012345678" not in client.get("/lines/").content.decode()
    client.post("/lines/columns/", {"column": ["imei", "status"], "back": "/lines/?sort=imei"})
    page = client.get("/lines/").content.decode()
    assert "356789012345678" in page
    assert "c-month" not in page


def test_the_files_have_what_the_filter_finds_and_no_formula(fleet: Fleet) -> None:
    account = fleet.account()
    sub = fleet.account(parent=account)
    line, _ = fleet.line(account), fleet.line(sub)
    Line.objects.filter(pk=line.pk).update(
        notes="=cmd()", msisdn="+49151", deactivation_date="2026-12-01", deactivation_by="a"
    )
    fleet.read(line, "2026-11-20T08:00", MB)
    fleet.read(line, "2026-11-20T09:00", 3 * MB + 4096)
    tag_lines(line_ids=[line.pk], account=account, names=["b", "a"], by=OPERATOR)
    client = browser(account)
    text = streamed_content(client.get("/lines/export.csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Sub-account"] for row in rows] == ["", sub.name]
    assert (rows[0]["Notes"], rows[0]["Tags"], rows[0]["Rate plan"]) == ("'=cmd()", "a, b", "simbase")
    same = rows_for(place_of(account), Asked(), today=dt.date(2026, 11, 20))
    assert [list(row.values()) for row in rows] == [["" if v is None else _written(v) for v in one] for one in same]
    assert len(streamed_content(client.get("/lines/export.csv?subaccount=own")).splitlines()) == 2
    book = streamed_content(client.get("/lines/export.xlsx"))
    assert "xl/worksheets/sheet1.xml" in zipfile.ZipFile(io.BytesIO(book)).namelist()
    theirs = streamed_content(browser(sub).get("/lines/export.csv")).decode()
    assert line.iccid not in theirs
    assert "Rate plan" not in theirs


def _written(value: object) -> str:
    """A cell of the workbook as CSV has it."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(defused(value))


def test_each_reason_has_the_button_that_mends_it(fleet: Fleet) -> None:
    red, account = fleet.account(credit="0"), fleet.account()
    fleet.line(red)
    assert "Refill</a>" in browser(red).get("/lines/").content.decode().split('id="rows"')[1]
    sub = fleet.account(parent=account)
    by_person, with_sub = fleet.line(account), fleet.line(sub)
    deactivate(line=by_person, by=OPERATOR)
    LineState.objects.filter(pk=with_sub.pk).update(wanted=Wanted.DEACTIVATED, why=Why.SUBACCOUNT)
    page = browser(account).get("/lines/").content.decode()
    assert f'aria-label="Activate {by_person.iccid}"' in page
    assert f"/subaccounts/{sub.uuid.hex}/" in page.split('id="rows"')[1]
    answer = browser(account).post(f"/lines/{by_person.iccid}/activate/", {"back": "/lines/?sort=status"})
    assert answer["Location"] == "/lines/?sort=status"
    answer = browser(account).post(f"/lines/{by_person.iccid}/activate/", {"back": "https://elsewhere.example/"})
    assert answer["Location"] == f"/lines/{by_person.iccid}/"
