"""A statement's tables add up to its summary, to the cent, whatever lies over the end of a month."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse

from billing import queries
from billing.commands import charge_sms, lock_wallets
from billing.models import Statement
from lines import tasks as lines_tasks
from lines.models import SmsMessage
from tests.fleets import MB, Fleet
from tests.responses import streamed_content
from tests.tills import SECURE, Till, link, standin_fixture, stripe_server_fixture, till_fixture, usd  # noqa: F401

pytestmark = pytest.mark.django_db


def tables(till: Till, month: str) -> dict[str, list[dict[str, str]]]:
    """The CSV of a month: each table's rows by their headings."""
    till.client.post(reverse("ask_statement"), {"month": month, "format": "csv"})
    assert lines_tasks.write_statements() == 1
    answer: Any = till.client.get(reverse("statement", args=[Statement.objects.latest("id").uuid.hex]))
    found: dict[str, list[dict[str, str]]] = {}
    heads: list[str] = []
    for row in csv.reader(io.StringIO(streamed_content(answer).decode("utf-8-sig"))):
        if row and row[0] == "Table":
            heads = row
            found[""] = []
        elif row:
            found.setdefault(row[0], []).append(dict(zip(heads, row, strict=False)))
    return found


def total(rows: list[dict[str, str]], head: str) -> Decimal:
    return sum((Decimal(row[head]) for row in rows), Decimal(0))


def sends_sms(till: Till, fleet: Fleet, price: str) -> None:
    line = fleet.line(till.account)
    message = SmsMessage.objects.create(
        line=line, carrier=line.carrier, account=till.account, payer=till.account, to_device=True, text="hi",
        state="sent", is_open=False, price=usd(price), accepted_at=till.now,
    )  # fmt: skip
    with transaction.atomic():
        lock_wallets(account_ids=[till.account.pk])
        note = f"SMS to {line.iccid}"
        charge_sms(
            account_id=till.account.pk, key=f"sms:{message.pk}", amount=usd(price), day=till.now.date(), note=note
        )


def test_a_payment_confirmed_after_midnight_and_messages_are_where_the_balance_has_them(till: Till) -> None:
    fleet = Fleet()
    till.at("2026-11-29T12:00").credit("20")
    sends_sms(till, fleet, "0.05")
    line = fleet.line(till.account)
    fleet.read(line, "2026-11-29T12:00", 0)
    fleet.read(line, "2026-11-29T13:00", 100 * MB)
    till.give_card(SECURE)
    till.at("2026-11-30T23:59:50")
    bank = link(till.add("50"))
    till.at("2026-12-01T00:00:30")
    till.client.get(till.standin.confirm(bank).removeprefix("http://testserver"))
    assert till.states() == ["succeeded"]
    december, november = queries.months_of(till.account, today=dt.date(2026, 12, 1))
    for month, name, paid, used in ((november, "2026-11", "0", "1.05"), (december, "2026-12", "50", "0")):
        found = tables(till, name)
        moved = [row for row in found["Transactions"] if row["Status"] in ("Paid", "Posted")]
        assert total(found.get("Usage", []), "Together USD") + total(found.get("SMS", []), "USD") == Decimal(used)
        assert -month.usage == Decimal(used)
        assert (total(moved, "Amount USD"), month.paid_in) == (month.paid_in + month.other, Decimal(paid))
