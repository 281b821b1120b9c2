"""Set-aside records, job items, messages are kept by month: it goes at once when nobody needs it, and not before."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from kit.months import make_months
from kit.retention import forget

from lines.carriers.base import Malformed
from lines.commands.passes import quarantine
from lines.commands.retention import KINDS, REMOVED
from lines.models import Carrier, Job, JobItem, Line, Quarantine, SmsMessage
from lines.models.sms import KEPT
from lines.policy import JobState, SmsState
from tests.fleets import Fleet, at, holders_of

BY_NAME = {kind.name: kind for kind in KINDS}
JANUARY, FEBRUARY, NOW = dt.date(2031, 1, 1), dt.date(2031, 2, 1), dt.date(2032, 4, 2)


def settle() -> None:
    """No table is changed while a check of its rows waits for the end of a transaction, which is a test's."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def parts(name: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name FROM {name}_parts()")
        return {row[0].rpartition("_")[2] for row in cursor.fetchall()}


def aside(carrier: Carrier, digest: str, month: dt.date, when: dt.datetime) -> Quarantine:
    return Quarantine.objects.create(
        carrier=carrier, call="usage", error="odd", digest=digest, body=b"{}", month=month, at=when
    )


def test_a_month_of_set_aside_records_goes_at_once(fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    make_months("setaside", today=JANUARY)
    aside(carrier, "1", JANUARY, at("2031-01-20T08:00"))
    late = aside(carrier, "2", FEBRUARY, at("2032-03-20T08:00"))  # counted again since
    settle()
    with CaptureQueriesContext(connection) as asked:
        forget(BY_NAME["set aside"], today=NOW)
    assert {"y2031m02", "y2031m03"} - parts("setaside") == {"y2031m03"}  # it was empty
    assert "y2031m01" not in parts("setaside")
    assert list(Quarantine.objects.all()) == [late]
    assert not [one for one in asked.captured_queries if one["sql"].startswith("DELETE")]


def test_the_same_answer_is_one_row_a_month(fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    for _ in range(3):
        quarantine(carrier=carrier, call="usage", failure=Malformed("odd", body=b"{"))
    assert [row.times for row in Quarantine.objects.all()] == [3]
    row = Quarantine.objects.get()
    with pytest.raises(IntegrityError, match=r"set_aside_once_a_month|quarantined_answer"), transaction.atomic():
        Quarantine.objects.create(
            carrier=carrier, call=row.call, error="odd", digest=row.digest, body=b"{", month=row.month
        )
    aside(carrier, row.digest, JANUARY, at("2031-01-20T08:00"))
    assert Quarantine.objects.count() == 2


OF_THE_VERSION_BEFORE = """
INSERT INTO lines_quarantine AS q (carrier_id, at, times, call, error, digest, body, is_mended)
VALUES (%s, now(), 1, 'mended', 'Read, though it is no strict JSON', 'd', '{}', true)
ON CONFLICT (carrier_id, call, digest) DO UPDATE SET times = q.times + 1, at = excluded.at, body = excluded.body
"""


def test_the_version_before_goes_on_setting_aside(fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(OF_THE_VERSION_BEFORE, [carrier.pk])
    row = Quarantine.objects.get()
    assert row.times == 2
    assert aside(carrier, "e", row.month, at("2026-11-20T08:00")).pk == row.pk + 2  # numbers of one sequence


def items(fleet: Fleet, month: dt.date, ended: dt.datetime | None) -> Job:
    account = fleet.account()
    state = JobState.DONE if ended else JobState.RUNNING
    job = Job.objects.create(account=account, action="tag", state=state, ended_at=ended, total=2, done=2)
    JobItem.objects.bulk_create([JobItem(job=job, line=line, month=month) for line in fleet.lines(account, 2)])
    settle()
    return job


def test_a_month_of_job_items_goes_when_all_its_jobs_are_old(fleet: Fleet) -> None:
    make_months("jobitem", today=JANUARY)
    items(fleet, JANUARY, at("2031-01-20T08:00"))
    runs = items(fleet, FEBRUARY, None)
    items(fleet, FEBRUARY, at("2031-02-20T08:00"))
    with CaptureQueriesContext(connection) as asked:
        assert forget(BY_NAME["job items"], today=NOW) >= 2  # those beside the job that runs, by slices
    assert "y2031m01" not in parts("jobitem")
    assert "y2031m02" in parts("jobitem")
    assert {item.job_id for item in JobItem.objects.all()} == {runs.pk}
    deleted = [one["sql"] for one in asked.captured_queries if one["sql"].startswith("DELETE")]
    assert len(deleted) == 1
    assert Job.objects.count() == 3


def test_a_line_is_once_in_a_job(fleet: Fleet) -> None:
    job = items(fleet, JANUARY, None)
    item = JobItem.objects.filter(job=job).earliest("pk")
    with pytest.raises(IntegrityError, match=r"line_is_once_in_a_job|job_id"), transaction.atomic():
        JobItem.objects.create(job=job, line=item.line, month=item.month)


def message(line: Line, month: dt.date, **more: Any) -> SmsMessage:
    about = {"state": SmsState.RECEIVED, "price": "0", "at": at(f"{month}T12:00")} | more
    row = SmsMessage.objects.create(
        line=line, carrier_id=line.carrier_id, **holders_of(line), text="where",
        to_device=about["state"] != SmsState.RECEIVED, is_open=False, month=month, **about,
    )  # fmt: skip
    settle()
    return row


def charged(line: Line, month: dt.date) -> SmsMessage:
    when = at(f"{month}T12:00")
    return message(line, month, state=SmsState.SENT, price="0.05", accepted_at=when, ref=f"r{month}")


def test_a_month_of_messages_goes_at_once_and_charged_ones_outlive_it(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    make_months("smsmessage", today=JANUARY)
    message(line, JANUARY)
    paid = charged(line, JANUARY)
    open_still = message(line, FEBRUARY, state=SmsState.QUEUED)
    SmsMessage.objects.filter(pk=open_still.pk).update(is_open=True)
    with CaptureQueriesContext(connection) as asked:
        assert forget(BY_NAME["messages"], today=dt.date(2034, 1, 1)) >= 1
    assert {"y2031m01", "y2031m02"} & parts("smsmessage") == {"y2031m02"}
    assert {row.pk: row.text for row in SmsMessage.objects.all()} == {paid.pk: REMOVED, open_still.pk: "where"}
    paid.refresh_from_db()
    assert (paid.month, paid.price) == (KEPT, Decimal("0.05"))
    assert not [one for one in asked.captured_queries if one["sql"].startswith("DELETE")]
    assert forget(BY_NAME["messages"], today=dt.date(2034, 1, 1)) == 0
    assert "kept" in parts("smsmessage")


def test_a_carriers_name_and_a_senders_key_are_one_messages_in_all_months(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    make_months("smsmessage", today=JANUARY)
    message(line, JANUARY, ref="7", key="door")
    for again in ({"ref": "7"}, {"key": "door"}):
        with pytest.raises(IntegrityError, match="another message"), transaction.atomic():
            message(line, FEBRUARY, **again)
        with pytest.raises(IntegrityError), transaction.atomic():
            message(line, JANUARY, **again)
    other = message(line, FEBRUARY, ref="7", nth=1)
    with pytest.raises(IntegrityError, match="another message"), transaction.atomic():
        SmsMessage.objects.filter(pk=other.pk).update(nth=0)
    SmsMessage.objects.filter(pk=other.pk).update(nth=2, word="delivered")


@pytest.mark.parametrize("table", ["lines_setaside", "lines_jobitem", "lines_smsmessage", "accounts_event"])
def test_every_part_has_the_keys_and_indexes_of_the_whole(db: None, table: str) -> None:
    whole = "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass"
    with connection.cursor() as cursor:
        cursor.execute(whole, [table])
        wanted = cursor.fetchone()[0]
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        for (part,) in cursor.fetchall():
            cursor.execute(
                "SELECT count(*) FROM pg_index x JOIN pg_inherits i ON i.inhrelid = x.indexrelid"
                " WHERE x.indrelid = %s::regclass",
                [part],
            )
            assert cursor.fetchone()[0] == wanted, part
        cursor.execute("SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass AND NOT indisvalid", [table])
        assert cursor.fetchone()[0] == 0
