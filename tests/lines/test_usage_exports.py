"""Files of what the fleet used: whole, the asker's alone, written in stretches that survive a worker."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import pytest
from django.test import Client
from kit import clock
from kit.errors import Invalid

from accounts.commands import exports
from accounts.commands.exports import KEPT, MOST_ATTEMPTS
from accounts.models import Account, Event
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from lines import tasks
from lines.commands import usage_exports as commands
from lines.commands.leaving import release_lines
from lines.commands.tags import set_tags
from lines.models import Line, Sighting, UsageExport
from lines.policy import ExportKind
from lines.queries.sought import Sought
from lines.queries.usage_exports import records as records_in
from lines.work import usage_exports as work
from tests.fleets import MB, Fleet
from tests.responses import streamed_content

DAYS = (dt.date(2026, 11, 17), dt.date(2026, 11, 18), dt.date(2026, 11, 19))


def used(fleet: Fleet, line: Line, *megabytes: int) -> None:
    counter = 0
    fleet.read(line, "2026-11-16 10:00:00", 0)
    for day, more in zip(DAYS, megabytes, strict=True):
        counter += more * MB
        fleet.read(line, f"{day} 10:00:00", counter)


def ask(account: Account, **more: object) -> UsageExport:
    given = {
        "kind": ExportKind.DAYS, "format": "ndjson", "start": DAYS[0], "end": DAYS[-1], "sought": Sought(),
        "said": "all lines", "sees_money": True, "by": OPERATOR,
    }  # fmt: skip
    return commands.ask_usage_export(account=account, **given | more)  # type: ignore[arg-type]


def content(export: UsageExport) -> str:
    return b"".join(commands.take_usage_export(export=export, by=OPERATOR)).decode()


def written(export: UsageExport) -> str:
    assert tasks.write_usage_exports() == 1
    export.refresh_from_db()
    assert (export.done_at is not None, export.percent) == (True, 100)
    found = content(export)
    assert export.size == len(found.encode())
    return found


def records(export: UsageExport) -> list[dict[str, object]]:
    return [json.loads(row) for row in written(export).splitlines()]


def test_each_line_and_day_is_a_record_also_of_lines_that_left(fleet: Fleet) -> None:
    account = fleet.account(credit="1000")
    sub = fleet.account(parent=account)
    own, theirs, gone = fleet.line(account), fleet.line(sub), fleet.line(account)
    for line, megabytes in ((own, (1, 0, 2)), (theirs, (0, 3, 0)), (gone, (4, 0, 0))):
        used(fleet, line, *megabytes)
    release_lines(line_ids=[gone.pk], to=None, by=OPERATOR)
    found = [(row["date"], row["iccid"], row["account_name"], row["usage_bytes"]) for row in records(ask(account))]
    one, two, three = (f"{day}" for day in DAYS)
    assert found == [
        (one, own.iccid, account.name, MB), (one, gone.iccid, account.name, 4 * MB),
        (two, theirs.iccid, sub.name, 3 * MB),
        (three, own.iccid, account.name, 2 * MB),
    ]  # fmt: skip
    assert {row["iccid"] for row in records(ask(sub, sees_money=False))} == {theirs.iccid}
    set_tags(line=own, names=["Van"], by=OPERATOR)
    tagged = records(ask(account, sought=Sought(tag="van", seen=(None, dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))))
    assert tagged == []  # it was seen since
    tagged = records(ask(account, sought=Sought(tag="van"), sees_money=False))
    assert [(row["iccid"], "cost" in row) for row in tagged] == [(own.iccid, False)] * 2


def test_a_csv_has_the_same_with_its_cost(fleet: Fleet) -> None:
    account = fleet.account(credit="1000")
    line = fleet.line(account)
    used(fleet, line, 1, 2, 3)
    rows = list(csv.DictReader(io.StringIO(written(ask(account, format="csv")).removeprefix("\ufeff"))))
    assert [(row["date"], row["usage_bytes"], float(row["cost"])) for row in rows] == [
        (f"{day}", str(n * MB), n / 100) for n, day in enumerate(DAYS, 1)
    ]


def test_sessions_are_told_by_their_beginning(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    for at in ("2026-10-31 23:59:00", "2026-11-01 00:00:00", "2026-11-19 23:00:00", "2026-11-20 00:00:00"):
        begun = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
        Sighting.objects.create(
            line=line, account=account, payer=account, cycle=begun.date().replace(day=1), started_at=begun,
            ended_at=begun + dt.timedelta(minutes=3), is_session=True, country="DE", network="N", used=5,
        )  # fmt: skip
    export = ask(account, kind=ExportKind.SESSIONS, start=dt.date(2026, 10, 31), end=DAYS[-1])
    found = records(export)
    assert [row["start_date"] for row in found] == ["2026-10-31 23:59:00", "2026-11-01 00:00:00", "2026-11-19 23:00:00"]
    assert (found[0]["duration_sec"], found[0]["country_code"], found[0]["usage_bytes"]) == (180, "DE", 5)


def test_who_dies_loses_the_stretch_alone_and_another_goes_on(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    account = fleet.account(credit="1000")
    used(fleet, fleet.line(account), 1, 2, 3)
    export, turns, whole = ask(account), iter(range(9)), records_in

    def dies(one: UsageExport, until: dt.date) -> object:
        yield from whole(one, until)
        if next(turns) == 1:
            raise SystemError("killed")

    monkeypatch.setattr(work, "records", dies)
    monkeypatch.setattr(commands, "PIECE", 10)
    with pytest.raises(SystemError):
        tasks.write_usage_exports()
    export.refresh_from_db()
    assert (export.next_day, export.percent, export.rows, export.done_at) == (DAYS[1], 33, 1, None)
    assert tasks.write_usage_exports() == 0  # its lease lasts
    monkeypatch.setattr(exports, "LEASE", dt.timedelta(seconds=-1))
    found = [json.loads(row) for row in written(export).splitlines()]
    assert [row["date"] for row in found] == [f"{day}" for day in DAYS]
    assert commands.keep_stretch(export_id=export.pk, day=DAYS[1], following=DAYS[2], pieces=[(b"x", 1)]) is None


def test_who_stops_puts_it_off_and_who_never_gets_on_fails(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    export = ask(fleet.account())
    stops = iter((False, False, True))
    assert work.write_usage_exports(stop=lambda: next(stops, True)) == 0
    export.refresh_from_db()
    assert (export.next_day, export.started_at, export.attempts) == (DAYS[1], None, 0)
    monkeypatch.setattr(exports, "LEASE", dt.timedelta(seconds=-1))
    for _ in range(MOST_ATTEMPTS):
        assert commands.claim_usage_export() is not None
    assert commands.claim_usage_export() is None
    export.refresh_from_db()
    assert "fewer days" in export.failed


def test_few_are_open_and_old_ones_go(fleet: Fleet) -> None:
    account = fleet.account()
    first = ask(account)
    for _ in range(commands.MOST_OPEN - 1):
        ask(account)
    with pytest.raises(commands.TooManyExports):
        ask(account)
    ask(fleet.account())
    commands.delete_usage_export(export=first, by=OPERATOR)
    ask(account)
    UsageExport.objects.update(asked_at=clock.now() - KEPT - dt.timedelta(seconds=1))
    assert (commands.drop_old_usage_exports() > 0, UsageExport.objects.count()) == (True, 0)
    for wrong in (
        {"start": DAYS[2], "end": DAYS[0]},
        {"end": dt.date(2026, 11, 21)},
        {"start": dt.date(2025, 11, 1)},
        {"format": "xls"},
    ):
        with pytest.raises(Invalid):
            ask(account, **wrong)


def test_the_page_asks_shows_and_gives_the_file(fleet: Fleet) -> None:
    account = fleet.account(credit="1000")
    line, client = fleet.line(account), Client()
    client.force_login(owner_of(account))
    used(fleet, line, 1, 2, 3)
    form = {"kind": "days", "format": "csv", "start": f"{DAYS[0]}", "end": f"{DAYS[-1]}"}
    assert client.post("/usage/exports/", form | {"end": "2026-12-01"}).status_code == 422
    assert "Queued" in client.post("/usage/exports/", form, follow=True).content.decode()
    export = UsageExport.objects.get()
    assert client.get(f"/usage/exports/{export.uuid.hex}/file").status_code == 404
    written(export)
    assert "Download" in client.get("/usage/exports/").content.decode()
    answer = client.get(f"/usage/exports/{export.uuid.hex}/file")
    assert line.iccid in streamed_content(answer).decode()
    assert Event.objects.filter(verb="usage_export.downloaded", account=account).exists()
    other = Client()
    other.force_login(owner_of(fleet.account()))
    assert other.get(f"/usage/exports/{export.uuid.hex}/file").status_code == 404
    client.post(f"/usage/exports/{export.uuid.hex}/delete/")
    assert not UsageExport.objects.exists()
