"""Old rows go slice by slice, archived where it is wanted; what books and proofs lean on stays."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from kit import clock, retention
from kit.retention import before, forget, waiting

from accounts.policy import OPERATOR
from billing.models import WebhookEvent
from lines.carriers.base import Sms
from lines.commands.retention import KINDS, REMOVED, forget_old, kinds
from lines.commands.sms import send_sms, sms_accepted
from lines.models import Job, JobItem, Line, Quarantine, ReadingPass, Sighting, SmsMessage
from lines.policy import JobState, SmsState
from tests.fleets import Fleet, at, books_hold, holders_of
from tests.worlds import operator

TODAY = dt.date(2031, 7, 15)
OLD, NEW = at("2020-03-01T12:00"), at("2031-07-01T12:00")


def kind(name: str) -> retention.Kind:
    return next(one for one in kinds() if one.name == name)


def sighted(line: Line, seen: dt.datetime, **more: Any) -> Sighting:
    return Sighting.objects.create(
        line=line,
        **holders_of(line),
        cycle=seen.date().replace(day=1),
        started_at=seen,
        ended_at=more.pop("ended_at", seen),
        seen_at=seen,
        is_session=True,
    )


def message(line: Line, when: dt.datetime, *, price: str, state: SmsState, **more: Any) -> SmsMessage:
    to_device = state != SmsState.RECEIVED
    return SmsMessage.objects.create(
        line=line,
        carrier_id=line.carrier_id,
        **holders_of(line),
        to_device=to_device,
        text="where are you",
        state=state,
        is_open=more.pop("is_open", False),
        price=price,
        at=when,
        accepted_at=when if state == SmsState.SENT else None,
        **more,
    )


def test_months_are_whole_ones() -> None:
    assert before(TODAY, 13) == at("2030-06-01")
    assert before(dt.date(2031, 1, 31), 1) == at("2030-12-01")


def test_sessions_go_in_slices_and_those_that_are_open_stay(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", 2)
    line = fleet.line(fleet.account())
    for number in range(5):
        sighted(line, OLD + dt.timedelta(hours=number))
    stay = {sighted(line, NEW).pk, sighted(line, OLD, ended_at=None).pk}
    assert waiting(kind("sessions"), today=TODAY) == 5
    turns = iter([False, True])
    assert forget(kind("sessions"), today=TODAY, stop=lambda: next(turns)) == 2  # time was up
    assert forget(kind("sessions"), today=TODAY) == 3
    assert forget(kind("sessions"), today=TODAY) == 0
    assert set(Sighting.objects.values_list("pk", flat=True)) == stay


def test_of_a_message_that_was_charged_only_its_text_goes(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    fleet.read(line, "2020-03-01T11:00", 0)  # it is on
    with clock.frozen(OLD):
        charged = send_sms(line=line, text="open the door 4711", by=OPERATOR)
        SmsMessage.objects.filter(pk=charged.pk).update(asked_at=OLD)
        sms_accepted(message_id=charged.pk, sms=Sms("7", True, "open the door 4711", None), follow=False)
    message(line, OLD, price="0", state=SmsState.RECEIVED)
    waits = message(line, OLD, price="0", state=SmsState.QUEUED, is_open=True)
    new = message(line, NEW, price="0", state=SmsState.RECEIVED)
    assert forget_old(today=TODAY)["messages"] == 2
    assert forget_old(today=TODAY)["messages"] == 0
    assert set(SmsMessage.objects.values_list("pk", "text")) == {
        (charged.pk, REMOVED),
        (waits.pk, "where are you"),
        (new.pk, "where are you"),
    }
    books_hold()


def test_what_is_archived_is_on_disk_before_it_is_gone(fleet: Fleet, settings: Any, tmp_path: Path) -> None:
    settings.RETENTION_ARCHIVED = "sessions, set aside"
    sighted(fleet.line(fleet.account()), OLD)
    with pytest.raises(ImproperlyConfigured, match="RETENTION_ARCHIVE"):
        forget(kind("sessions"), today=TODAY)
    assert Sighting.objects.count() == 1
    settings.RETENTION_ARCHIVE = str(tmp_path / "archive")
    gone = Sighting.objects.get()
    sighted(gone.line, at("2020-04-30T23:59"))
    assert forget(kind("sessions"), today=TODAY) == 2
    files = sorted((tmp_path / "archive").iterdir())
    assert [path.name for path in files] == ["sessions-2020-03.jsonl.gz", "sessions-2020-04.jsonl.gz"]
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    (row,) = map(json.loads, gzip.decompress(files[0].read_bytes()).splitlines())
    assert (row["id"], row["line_id"]) == (gone.pk, gone.line_id)
    sighted(gone.line, OLD)
    forget(kind("sessions"), today=TODAY)
    assert len(gzip.decompress(files[0].read_bytes()).splitlines()) == 2  # appended


def test_items_of_jobs_that_ended_go_and_the_job_keeps_its_counts(fleet: Fleet) -> None:
    account = fleet.account()
    lines = fleet.lines(account, 2)
    for ended, state in ((OLD, JobState.DONE), (NEW, JobState.DONE), (None, JobState.RUNNING)):
        job = Job.objects.create(account=account, action="tag", state=state, ended_at=ended, total=2, done=2)
        JobItem.objects.bulk_create([JobItem(job=job, line=line) for line in lines])
    assert forget_old(today=TODAY)["job items"] == 2
    assert Job.objects.count() == 3
    assert JobItem.objects.count() == 4


def test_records_passes_and_payment_events(fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    for number, when in enumerate((OLD, NEW)):
        Quarantine.objects.create(carrier=carrier, at=when, call="usage", error="odd", digest=str(number), body=b"{}")
        ReadingPass.objects.create(carrier=carrier, started_at=OLD + dt.timedelta(number), finished_at=OLD)
        for handled in (None, OLD):
            WebhookEvent.objects.create(
                stripe_id=f"{number}{handled}",
                type="x",
                thing={},
                happened_at=when,
                received_at=when,
                handled_at=handled,
            )
    gone = forget_old(today=TODAY)
    assert (gone["set aside"], gone["reading passes"], gone["payment events"]) == (1, 1, 1)
    assert ReadingPass.objects.get().started_at == OLD + dt.timedelta(1)  # the newest tells how the carrier is
    assert WebhookEvent.objects.filter(handled_at=None).count() == 2


def test_the_installation_says_how_long(fleet: Fleet, settings: Any) -> None:
    sighted(fleet.line(fleet.account()), at("2031-05-01"))
    settings.RETENTION = "sessions=1, set aside=0"
    assert (kind("sessions").kept, kind("set aside").kept, kind("messages").kept) == (3, 0, 24)  # three in any case
    forget_old(today=TODAY)  # today's months, where a test before made them
    assert forget_old(today=TODAY)["sessions"] == 0
    assert forget_old(today=dt.date(2031, 9, 1))["sessions"] == 1
    for wrong in ("sessions", "sessions=x", "sessions=-1"):
        settings.RETENTION = wrong
        with pytest.raises(ImproperlyConfigured, match="RETENTION"):
            kind("messages").kept  # noqa: B018


def test_kinds_that_no_table_has_are_refused(settings: Any, db: None) -> None:
    settings.RETENTION = "sesions=12"
    with pytest.raises(ImproperlyConfigured, match="sesions"):
        forget_old(today=TODAY)


def test_the_command_says_what_is_older_and_drops_it(fleet: Fleet) -> None:
    sighted(fleet.line(fleet.account()), OLD)
    told = {row["kind"]: row for row in operator("retention")["kinds"]}
    assert (told["sessions"]["older"], told["sessions"]["dropped"], told["sessions"]["kept_months"]) == (1, 0, 13)
    told = {row["kind"]: row for row in operator("retention", "--now")["kinds"]}
    assert told["sessions"]["dropped"] == 1
    assert not Sighting.objects.exists()


def test_no_kind_is_what_books_are_proved_by() -> None:
    needed = {"billing_entry", "billing_usageday", "billing_invoice", "lines_lineday"}
    needed |= {"lines_holderday", "lines_linecycle", "lines_onspan", "lines_lineplan", "lines_lineholding"}
    assert not needed & {one.table for one in kinds()}
    assert len({one.name for one in kinds()}) == len(kinds()) > len(KINDS)
    assert kind("events").kept == 0  # the audit stays, unless somebody says otherwise
