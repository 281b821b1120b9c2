"""What a carrier does not report is never a 0, and what it counts beside data stands everywhere as it counts it."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from accounts.queries import owner_of
from lines.models import Line, LineCount
from tests.evenly import evenly
from tests.fleets import Fleet, reading_of
from tests.responses import streamed_content


@pytest.fixture
def told(fleet: Fleet) -> tuple[Line, Line]:
    """Of an IoT Portal line 249 sessions, 7 SMS and no voice are told; of a Simbase line 3 SMS from the device."""
    account = fleet.account()
    portal, simbase = fleet.line(account, "iotportal"), fleet.line(account)
    fleet.apply("iotportal", "2026-11-20T11:00", [reading_of(portal, 5, sms_usage=7, sessions=249)])
    fleet.read(simbase, "2026-11-20T11:00", 5, sms_sent=3)
    return portal, simbase


def browser(line: Line) -> Client:
    client = Client()
    payer = line.payer
    assert payer is not None
    client.force_login(owner_of(payer))
    return client


def test_list_and_line_say_not_reported(told: tuple[Line, Line]) -> None:
    page = evenly(browser(told[0]).get(f"/lines/{told[0].iccid}/").content.decode())
    assert "not reported by iotportal" in page
    assert "249 sessions" in page
    assert "7 SMS · voice not reported" in page
    assert ">3<" in evenly(browser(told[1]).get(f"/lines/{told[1].iccid}/").content.decode())


def test_the_export_leaves_empty_what_is_not_reported(told: tuple[Line, Line]) -> None:
    answer = browser(told[0]).get("/lines/export.csv")
    body = streamed_content(answer).decode("utf-8-sig")
    rows = {row["ICCID"].strip('="'): row for row in csv.DictReader(io.StringIO(body))}
    names = ("SMS sent", "Sessions", "SMS usage", "Voice usage")
    assert [rows[told[0].iccid][name] for name in names] == ["", "249", "7", ""]
    assert [rows[told[1].iccid][name] for name in names] == ["3", "", "", ""]


def test_a_figure_is_of_its_cycle_and_an_earlier_answer_changes_nothing(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(), "iotportal")
    fleet.apply("iotportal", "2026-11-20T11:00", [reading_of(line, 50 * 2**20, sessions=9, sms_usage=2)])
    fleet.apply("iotportal", "2026-11-20T10:00", [reading_of(line, 50 * 2**20, sessions=8)])
    fleet.apply("iotportal", "2026-11-20T11:30", [reading_of(line, 50 * 2**20)])
    kept = LineCount.objects.get()
    assert (kept.sessions, kept.sms) == (9, 2)
    fleet.apply("iotportal", "2026-12-01T02:00", [reading_of(line, 5, sessions=1)])
    kept.refresh_from_db()
    assert (f"{kept.cycle}", kept.sessions, kept.sms) == ("2026-12-01", 1, None)
