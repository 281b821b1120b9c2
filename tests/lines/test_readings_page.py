"""What a line's page shows of its carrier's readings, and to whom."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from kit import clock

from accounts.models import Account, Membership
from accounts.policy import OPERATOR
from lines.commands.holders import assign
from lines.queries.readings import readings_of
from tests.fleets import MB, Fleet, at

DAY = dt.date(2026, 11, 20)


def member(account: Account) -> Membership:
    return Membership.objects.select_related("account").get(account=account)


def test_a_line_shows_its_readings_as_they_were_told_and_nobody_elses(fleet: Fleet) -> None:
    acme = fleet.account()
    line, other = fleet.lines(acme, 2)
    fleet.read(other, "2026-11-20T08:00", 7)
    fleet.read(line, "2026-11-20T08:00", 5 * MB, last_seen=at("2026-11-20T07:58"))
    fleet.read(line, "2026-11-20T09:00", 4 * MB)
    fleet.read(line, "2026-11-21T09:00", 6 * MB)
    found = list(readings_of(member(acme), line, DAY))
    assert [(one.asked_at, one.counter, one.seen) for one in found] == [
        (at("2026-11-20T09:00"), 4 * MB, None),
        (at("2026-11-20T08:00"), 5 * MB, at("2026-11-20T07:58")),
    ]
    assert len(list(readings_of(member(acme), line, DAY, limit=1))) == 1


def test_a_sub_account_sees_what_was_read_since_it_has_the_line(fleet: Fleet) -> None:
    acme = fleet.account()
    north = fleet.account(parent=acme)
    line = fleet.line(acme)
    fleet.read(line, "2026-11-20T08:00", 5 * MB)
    with clock.frozen(at("2026-11-20T08:30")):
        assign(line_ids=[line.pk], holder=north, by=OPERATOR)
    line.refresh_from_db()
    fleet.read(line, "2026-11-20T09:00", 6 * MB)
    assert [one.counter for one in readings_of(member(north), line, DAY)] == [6 * MB]
    assert [one.counter for one in readings_of(member(acme), line, DAY)] == [6 * MB, 5 * MB]


@pytest.fixture
def asked(fleet: Fleet, client: Client) -> tuple[Fleet, Client]:
    return fleet, client


def test_the_page_and_its_file(asked: tuple[Fleet, Client]) -> None:
    fleet, client = asked
    acme, stranger = fleet.account(), fleet.account()
    line = fleet.line(acme)
    fleet.read(line, "2026-11-20T08:00", 5 * MB)
    client.force_login(member(acme).user)
    page = client.get(f"/lines/{line.iccid}/readings/").content.decode()
    assert "5,242,880" in page
    file = b"".join(client.get(f"/lines/{line.iccid}/readings.csv?day=2026-11-20"))
    assert "2026-11-20 08:00:00,5242880,2026-11-01" in file.decode()
    assert "No readings on 19 Nov 2026" in client.get(f"/lines/{line.iccid}/readings/?day=2026-11-19").content.decode()
    client.force_login(member(stranger).user)
    for path in ("readings/", "readings.csv"):
        assert client.get(f"/lines/{line.iccid}/{path}").status_code == 404
