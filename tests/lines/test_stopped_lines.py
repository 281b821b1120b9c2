"""Lines that their carrier stops, and words that nobody knows, stand on Home, in the filters and in the API."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from accounts.models import Membership
from accounts.queries import owner_of
from lines.carriers.base import Status, Switch
from lines.commands.wishes import deactivate
from lines.models import Drive, Line
from lines.queries.scope import STOPPED
from lines.queries.shown import line_of
from tests.automation.ruled import MIA
from tests.fleets import ON, Fleet

BLOCKED = Status(Switch.ON, "Blocked - enabled", blocked=True)
UNKNOWN = Status(None, "limbo")


@pytest.fixture
def told(fleet: Fleet) -> list[Line]:
    """One that is on, one blocked, one of an unknown word, one blocked and wanted off."""
    lines = fleet.lines(fleet.account(), 4)
    for line, status in zip(lines, (ON, BLOCKED, UNKNOWN, BLOCKED), strict=True):
        fleet.read(line, "2026-11-20T12:00", 0, status=status)
    deactivate(line=lines[3], by=MIA)
    Drive.objects.all().delete()
    return lines


def test_home_and_the_filter_show_them(told: list[Line]) -> None:
    browser = Client()
    payer = told[0].payer
    assert payer is not None
    browser.force_login(owner_of(payer))
    home = " ".join(browser.get("/").content.decode().split())
    assert re.search(r'\?status=stopped" ?>2 lines</a> stopped by the carrier', home)
    assert "Nothing needs you" not in home
    listed = browser.get("/lines/?status=stopped").content.decode()
    assert [line.iccid in listed for line in told] == [False, True, True, False]


def test_python_and_sql_agree_on_who_is_stopped(told: list[Line]) -> None:
    viewer = Membership.objects.get(account=told[0].payer)
    for line in told:
        shown = line_of(viewer, line.iccid, today=dt.date(2026, 11, 20))
        assert shown is not None
        assert shown.stopped is Line.objects.filter(STOPPED, pk=line.pk).exists()
