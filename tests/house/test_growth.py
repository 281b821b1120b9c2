"""How tables grow: the bytes a row of docs/operating.md, measured on rows that the product itself wrote."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from automation.models import WebhookDelivery, WebhookEndpoint
from billing.commands import adjust
from billing.models import WebhookEvent
from lines.commands.keeping import stand_openings
from lines.models import Carrier, Job, JobItem, Line, Quarantine, ReadingPass, Sighting, SmsMessage
from lines.policy import SmsState
from tests.fleets import MB, Fleet, at, reading_of

PAGE = (Path(__file__).resolve().parents[2] / "docs/operating.md").read_text()
TOLD = {
    table: int(size.replace(",", ""))
    for table, size in re.findall(r"^\| [^|]+\(`(\w+)`\) \| [^|]+ \| ([\d,]+)[^|]*\|", PAGE, re.M)
}
ROWS = 20_000
LINES = 100
# What of a copied row is another, so that keys have as many values as in life: numbers go up, texts get a number.
ANOTHER = {
    "lines_reading": ("first_line", "last_line"),
    "lines_lineday": ("line_id",),
    "lines_holderday": ("account_id",),
    "lines_sighting": ("line_id",),
    "lines_smsmessage": ("line_id", "key"),
    "lines_jobitem": ("line_id", "job_id"),
    "lines_setaside": ("digest",),
    "lines_readingpass": ("planned_for",),
    "lines_opening": ("line_id",),
    "billing_webhookevent": ("stripe_id",),
    "billing_entry": ("account_id", "key"),
    "accounts_event": ("account_id",),
    "automation_webhookdelivery": ("endpoint_id", "event_id", "uuid"),
}


@pytest.fixture
def lived(db: None, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A hundred lines that were used each day of a month, and of everything else what a month brings."""
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-28T12:00:00+00:00")
    fleet = Fleet(per_day="0.10")
    account = fleet.account(credit="5000")
    lines = fleet.lines(account, LINES)
    for day in range(1, 28):
        page = [reading_of(line, (day * LINES + nth) * MB, "2026-11-01") for nth, line in enumerate(lines)]
        fleet.apply("simbase", f"2026-11-{day:02}T12:00", page)
    stand_openings(now=at("2026-11-28T12:00"))
    _talked(account, lines)
    _worked(fleet.carriers["simbase"], account, lines)
    return fleet


def _talked(account: Account, lines: list[Line]) -> None:
    for line in lines:
        Sighting.objects.create(
            line=line, account=account, payer=account, cycle=dt.date(2026, 11, 1), is_session=True, country="DE",
            started_at=clock.now() - dt.timedelta(hours=3), ended_at=clock.now(), network="Telekom Deutschland",
            radio="4G", ip="10.128.17.204", sessions=1, used=7 * MB,
        )  # fmt: skip
    for line in lines[:10]:
        SmsMessage.objects.create(
            line=line, carrier=line.carrier, account=account, payer=account, to_device=True, is_open=False,
            text="status? send position", salt="5" * 32, state=SmsState.DELIVERED, key=f"status:{line.pk}",
            by="jane@acme.example", accepted_at=clock.now(), price=Decimal("0.05"), ref=f"msg-{line.pk}",
            word="delivered",
        )  # fmt: skip
        adjust(account=account, amount=Decimal("-0.01"), reason="a test of its size", by=OPERATOR)
    endpoint = WebhookEndpoint.objects.create(account=account, url="https://hooks.acme.example/", topics=["sms"])
    body = json.dumps({"type": "sms.sent", "data": {"subject": f"line:{lines[0].iccid}", "sms": 1}, "at": "2026-11-20"})
    WebhookDelivery.objects.create(endpoint=endpoint, topic="sms", body=body, delivered_at=clock.now(), status=200)


def _worked(carrier: Carrier, account: Account, lines: list[Line]) -> None:
    job = Job.objects.create(account=account, action="activate", by_kind="person", by_name="jane", selection="all")
    JobItem.objects.bulk_create([JobItem(job=job, line=line, state=1, note="Activated") for line in lines])
    Quarantine.objects.create(
        carrier=carrier, line=lines[0], call="list page 7", error="usage is no number", digest="5" * 58,
        body=b'{"iccid": "8944500000000000017", "usage": "n/a", "last_update": "2026-11-20T12:00:00Z"}' * 4,
    )  # fmt: skip
    ReadingPass.objects.create(
        carrier=carrier, planned_for=clock.now(), started_at=clock.now(), finished_at=clock.now(), readings=LINES
    )
    WebhookEvent.objects.create(
        stripe_id="evt_3PqXc2LkdIwHu7ix0kK8mTz1", type="payment_intent.succeeded",
        thing="pi_3PqXc2LkdIwHu7ix0QmZ2vYh", happened_at=clock.now(), handled_at=clock.now(), result="done",
    )  # fmt: skip


def measured(table: str) -> float:
    """Bytes of a row with its keys, in a table of its own that has nothing else."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, atttypid::regtype::text FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            [table],
        )
        columns = dict(cursor.fetchall())
        changed = {name: _another(name, columns[name]) for name in (*ANOTHER[table], *({"id"} & set(columns)))}
        names = ", ".join(f'"{name}"' for name in columns)
        values = ", ".join(changed.get(name, f't."{name}"') for name in columns)
        cursor.execute(f"SELECT count(*) FROM {table}")
        there = int(cursor.fetchone()[0])
        assert there, f"{table} has no row"
        cursor.execute(f"CREATE TEMP TABLE grown (LIKE {table} INCLUDING INDEXES)")
        cursor.execute(
            f"INSERT INTO grown ({names}) SELECT {values} FROM generate_series(1, {ROWS // there + 1}) n, {table} t"
        )
        cursor.execute("SELECT pg_total_relation_size('grown')::float / (SELECT count(*) FROM grown)")
        size = float(cursor.fetchone()[0])
        cursor.execute("DROP TABLE grown")
    return size / LINES if table == "lines_reading" else size


def _another(name: str, kind: str) -> str:
    if kind == "uuid":
        return "gen_random_uuid()"
    if kind.startswith("timestamp"):
        return f"t.\"{name}\" + n * interval '300 seconds'"
    return f't."{name}" || $$-$$ || n::text' if kind.startswith("char") else f't."{name}" + n * 1000003::bigint'


def test_every_table_that_grows_is_measured() -> None:
    assert set(TOLD) == set(ANOTHER)


def test_the_page_says_what_a_row_takes(lived: Fleet) -> None:
    found = {table: round(measured(table)) for table in sorted(TOLD)}
    print(found)
    wrong = {table: (size, TOLD[table]) for table, size in found.items() if not 0.8 < size / TOLD[table] < 1.25}
    assert wrong == {}
