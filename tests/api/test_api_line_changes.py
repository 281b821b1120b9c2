"""A copy of the fleet that is kept by what changed: nothing is missed, however late it is committed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from lines.api import mirror as calls
from lines.commands import changes, wishes
from lines.commands.holders import assign
from lines.commands.leaving import release_lines
from lines.commands.tags import set_tags
from lines.models import Line, LineChange, LineState, Sighting, Tag
from lines.queries import mirror
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import MB, Fleet, holders_of

pytestmark = pytest.mark.django_db(transaction=True)  # a test's own transaction would never end for its readers


class Copy:
    """A client's copy by ICCID, and how it takes over what changed."""

    def __init__(self, client: KeepgoClient, **more: object) -> None:
        self.client, self.more = client, more
        self.rows: dict[str, dict[str, Any]] = {}
        self.cursor = ""

    def read(self, *, between: Callable[[], object] = lambda: None) -> tuple[set[str], set[str]]:
        """One round to its end: which lines came, and which are gone. `between` happens after each page."""
        came: set[str] = set()
        gone: set[str] = set()
        while True:
            asked = {"changed_since": self.cursor} if self.cursor else {}
            page = self.client.get("line_changes", **asked, **self.more).json()
            self.cursor = page["cursor"]
            came |= {row["iccid"] for row in page["data"]}
            gone |= set(page["gone"])
            self.rows |= {row["iccid"]: row for row in page["data"]}
            for iccid in page["gone"]:
                self.rows.pop(iccid, None)
            between()
            if not page["has_more"]:
                return came, gone


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction of the server's other databases runs: one that began before a reader's makes rows come again."""
    own = mirror.mark
    monkeypatch.setattr(mirror, "mark", lambda: (_next_number(), own()[1]))


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


@pytest.mark.usefixtures("alone")
def test_each_change_of_what_is_shown_comes_once_and_nothing_else(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    line, other, *_ = fleet.lines(account, 3)
    copy = Copy(client, fields="imei,msisdn,country,tags")
    assert (len(copy.read()[0]), copy.read()) == (3, (set(), set()))
    now = clock.now()
    happenings: list[Callable[[], object]] = [
        lambda: wishes.edit_notes(line=line, notes="Van 7", by=OPERATOR),
        lambda: Line.objects.filter(pk=line.pk).update(imei="356938035643809"),
        lambda: set_tags(line=line, names=["van"], by=OPERATOR),
        lambda: Tag.objects.update(name="bus"),
        lambda: set_tags(line=line, names=[], by=OPERATOR),
        lambda: wishes.deactivate(line=line, by=OPERATOR),
        lambda: fleet.read(line, f"{clock.today()} 00:00:00", MB),
        lambda: fleet.read(line, f"{clock.today()} 00:00:01", 2 * MB),
        lambda: seen(line, "DE", now),
        lambda: seen(line, "FR", now + dt.timedelta(minutes=1)),
    ]
    for happen in happenings:
        happen()
        assert copy.read() == ({line.iccid}, set())
        assert copy.read() == (set(), set())
    assert copy.rows[line.iccid]["more"] | {"notes": copy.rows[line.iccid]["notes"]} == {
        "imei": "356938035643809", "msisdn": "", "country": "FR", "tags": [], "notes": "Van 7",
    }  # fmt: skip
    LineState.objects.filter(line=line).update(read_at=now)  # it was read again, and nothing moved
    seen(line, "FR", now + dt.timedelta(minutes=2))
    assert copy.read() == (set(), set())
    assert copy.rows[other.iccid]["notes"] == ""


@pytest.mark.usefixtures("alone")
def test_lines_that_leave_are_told_to_who_had_them(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub, stranger = fleet.account(parent=account), fleet.account()
    line, stays = fleet.lines(sub, 2)
    copy, subs = Copy(client), Copy(client_of(sub))
    copy.read(), subs.read()
    assign(line_ids=[line.pk], holder=account, by=OPERATOR)
    assert (copy.read(), subs.read()) == (({line.iccid}, set()), (set(), {line.iccid}))
    line.refresh_from_db()
    assign(line_ids=[line.pk], holder=sub, by=OPERATOR)
    assert (copy.read(), subs.read()) == (({line.iccid}, set()), ({line.iccid}, set()))
    release_lines(line_ids=[line.pk], to=None, by=OPERATOR)
    assert (copy.read(), subs.read()) == ((set(), {line.iccid}),) * 2
    Line.objects.filter(pk=line.pk).update(account=stranger, payer=stranger)
    Line.objects.filter(pk=line.pk).update(notes="of somebody else")
    assert (copy.read(), subs.read()) == ((set(), set()),) * 2
    assert set(copy.rows) == set(subs.rows) == {stays.iccid}


@pytest.mark.usefixtures("alone")
def test_what_changes_between_two_pages_is_in_the_next_round(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    lines = fleet.lines(account, 5)
    copy = Copy(client, per_page=2)
    pages = iter(range(9))

    def between() -> None:
        if next(pages) == 0:
            wishes.edit_notes(line=lines[0], notes="first", by=OPERATOR)  # behind the reader
            wishes.edit_notes(line=lines[4], notes="last", by=OPERATOR)  # before it

    assert copy.read(between=between) == ({line.iccid for line in lines}, set())
    assert (copy.rows[lines[0].iccid]["notes"], copy.rows[lines[4].iccid]["notes"]) == ("", "last")
    copy.read()
    assert copy.rows[lines[0].iccid]["notes"] == "first"
    assert copy.read() == (set(), set())


def test_what_is_committed_late_is_missed_by_nobody(fleet: Fleet, account: Account) -> None:
    """A transaction that began before another and ends after the reader looked."""
    client = client_of(account)
    early, late = fleet.lines(account, 2)
    copy = Copy(client)
    copy.read()
    other = connections.create_connection("default")
    try:
        with other.cursor() as second:
            second.execute("BEGIN")
            second.execute("UPDATE lines_line SET notes = 'late' WHERE id = %s", [late.pk])
            wishes.edit_notes(line=early, notes="early", by=OPERATOR)
            assert early.iccid in copy.read()[0]
            assert early.iccid in copy.read()[0]  # once more, as long as that one runs
            second.execute("COMMIT")
        assert copy.read()[0] >= {early.iccid, late.iccid}
        assert copy.rows[late.iccid]["notes"] == "late"
    finally:
        other.close()


def test_a_cursor_that_means_nothing_here_is_refused(
    client: KeepgoClient, fleet: Fleet, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.lines(account, 2)
    cursor = client.get("line_changes").json()["cursor"]
    for wrong in ("W10", "x" * 300, cursor[:-3], str(calls.Place("s", 0, 0, 1, 0, "1"))[:-4]):
        assert client.get("line_changes", changed_since=wrong).status_code == 422
    assert client.get("line_changes", changed_since="W10").json()["field"] == "changed_since"
    monkeypatch.setattr(calls, "REACH", dt.timedelta(seconds=-1))
    assert client.get("line_changes", changed_since=cursor).json()["code"] == "cursor-too-old"


def test_a_cursor_of_another_database_is_refused(
    client: KeepgoClient, fleet: Fleet, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = client.get("line_changes").json()["cursor"]
    number, server = mirror.mark()
    monkeypatch.setattr(mirror, "mark", lambda: (number, f"{server}1"))
    refused = client.get("line_changes", changed_since=cursor)
    assert (refused.status_code, refused.json()["code"]) == (422, "cursor-too-old")


def test_old_notes_of_changes_go(fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    set_tags(line=line, names=["van"], by=OPERATOR)
    set_tags(line=line, names=["bus"], by=OPERATOR)
    first = LineChange.objects.order_by("pk")[0]
    LineChange.objects.filter(pk=first.pk).update(at=clock.now() - dt.timedelta(days=98))
    assert (changes.drop_old_changes(), changes.drop_old_changes()) == (1, 0)
    assert LineChange.objects.exists()


def seen(line: Line, country: str, at: dt.datetime) -> None:
    line.refresh_from_db()
    Sighting.objects.create(
        line=line, **holders_of(line), cycle=at.date().replace(day=1), started_at=at,
        seen_at=at, is_session=True, country=country,
    )  # fmt: skip
