"""check_books finds every kind of wrong row, names it, and exits 1."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection

from billing.commands import seal_days
from lines.books import PROOFS
from lines.commands.fees import charge_fees
from lines.models import LineState
from tests.fleets import MB, Fleet
from tests.worlds import operator

DAY = "2026-11-19"
REVERSED = (
    "INSERT INTO billing_payment (account_id, uuid, is_auto, amount, state, card_id, brand, last4, return_url,"
    " stripe_id, reason, by, created_at, ended_at, asks) SELECT account_id, gen_random_uuid(), false, 50,"
    " 'succeeded', 'pm_1', '', '4242', '', '', '', 'x', now(), now(), 0 FROM billing_wallet;"
    "INSERT INTO billing_reversal (payment_id, stripe_id, kind, amount, is_undone, created_at)"
    " SELECT id, 're_1', 'refund', 5, {undone}, now() FROM billing_payment;"
)
PLANTED: dict[str, list[str]] = {
    "balance_is_the_sum_of_its_rows": [
        "UPDATE billing_wallet SET posted = posted + 0.000001",
        "UPDATE billing_entry SET amount = amount - 0.000001 WHERE kind = 'adjustment'",
        "DELETE FROM billing_entry WHERE kind = 'adjustment'",
        (
            "INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)"
            " SELECT account_id, 'top-up:1', 'top-up', 50, '2026-11-19', now(), '' FROM billing_wallet"
        ),
    ],
    "accrued_is_what_is_not_sealed": [
        "UPDATE billing_wallet SET accrued = accrued + 0.000001",
        "UPDATE billing_usageday SET sealed = 0, is_open = true",
    ],
    "usage_is_the_sum_of_its_lines": [
        "UPDATE billing_usageday SET usage = usage + 1, is_open = true",
        "UPDATE lines_lineday SET fee = 0",
        "DELETE FROM lines_lineday",
        "UPDATE lines_lineday SET day = '2026-11-18'",
    ],
    "resale_is_the_sum_of_its_days": [
        "INSERT INTO lines_resaleday (account_id, payer_id, day, plan_id, used, messages, data, fees, sms, cost)"
        f" SELECT a.id, a.id, '2026-11-19', p.id, 1, 0, {owed}, 0 FROM accounts_account a, lines_rateplan p LIMIT 1"
        for owed in ("1, 0, 0", "0, 1, 0", "0, 0, 1")
    ],
    "holders_days_are_the_sum_of_their_lines": [
        "UPDATE lines_holderday SET days = days + 1",
        "UPDATE lines_holderday SET used = used - 1",
        "UPDATE lines_holderday SET cost = cost + 0.000001",
        "UPDATE lines_holderday SET day = '2026-11-18'",
        "DELETE FROM lines_holderday",
    ],
    "sealed_days_are_in_the_ledger": [
        "UPDATE billing_entry SET amount = amount * 2 WHERE kind = 'usage'",
        "UPDATE billing_entry SET day = '2026-11-18' WHERE kind = 'usage'",
        "DELETE FROM billing_entry WHERE kind = 'usage'",
        "UPDATE billing_usageday SET sms = 0.05",
        (
            "INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)"
            " SELECT account_id, 'sms:1', 'sms', -0.05, '2026-11-19', now(), '' FROM billing_wallet"
        ),
    ],
    "cost_is_the_day_rounded_once": [
        "UPDATE lines_lineday SET cost = cost + 0.000001",
        "UPDATE lines_lineday SET used = used + 1048576",
        "ALTER TABLE lines_price DISABLE TRIGGER USER; UPDATE lines_price SET per_mb = 0.02",
    ],
    "bytes_are_what_the_counter_moved": [
        "UPDATE lines_linestate SET counter = counter + 1",
        "UPDATE lines_linestate SET baseline = baseline - 1",
        "UPDATE lines_lineday SET cycle = '2026-10-01'",
    ],
    "entries_say_what_they_are_for": [
        "UPDATE billing_entry SET key = 'usage:x' WHERE kind = 'usage'",
        (
            "UPDATE billing_entry SET key = 'usage:' || replace(a.uuid::text, '-', '') || ':2026-11-01'"
            " FROM accounts_account a WHERE kind = 'usage'"
        ),
    ],
    "payments_are_credited_once": [
        (
            "INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)"
            " SELECT account_id, 'top-up:1', 'top-up', 50, '2026-11-19', now(), '' FROM billing_wallet"
        ),
        (
            "INSERT INTO billing_payment (account_id, uuid, is_auto, amount, state, card_id, brand, last4, return_url,"
            " stripe_id, reason, by, created_at, ended_at, asks) SELECT account_id, gen_random_uuid(), false, 50,"
            " 'succeeded', 'pm_1', '', '4242', '', '', '', 'x', now(), now(), 0 FROM billing_wallet"
        ),
    ],
    "messages_are_charged_once": [
        (
            "INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)"
            " SELECT account_id, 'sms:1', 'sms', -0.05, '2026-11-19', now(), '' FROM billing_wallet"
        ),
        (
            "INSERT INTO lines_smsmessage (line_id, carrier_id, account_id, payer_id, to_device, text, state, is_open,"
            " by, price, created_at, at, ref, nth, word, ask_first, seen_by, attempts, last_error, accepted_at)"
            " SELECT id, carrier_id, account_id, payer_id, true, 'x', 'sent', false, '', 0.05, now(), now(), '', 0, '',"
            " false, '', 1, '', now() FROM lines_line"
        ),
    ],
    "reversals_are_debited_once": [
        "UPDATE billing_entry SET kind = 'refund' WHERE kind = 'adjustment'",
        REVERSED.format(undone="false"),
        REVERSED.format(undone="true")
        + "INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)"
        " SELECT account_id, 'refund:re_1', 'refund', -5, '2026-11-19', now(), '' FROM billing_wallet",
    ],
    "money_by_hand_has_its_reason": [
        "UPDATE billing_adjustment SET amount = amount + 1",
        "DELETE FROM billing_adjustment",
        "UPDATE billing_entry SET key = 'adjustment:0' WHERE kind = 'adjustment'",
        "UPDATE billing_entry SET kind = 'discount', amount = amount + 1 WHERE kind = 'adjustment'",
    ],
    "papers_say_what_was_posted": [
        (
            "INSERT INTO billing_invoice (number, key, account_id, amount, issued_at, seller, buyer)"
            " SELECT 1, key, account_id, amount + 1, now(), '{}', '{}' FROM billing_entry WHERE kind = 'adjustment'"
        ),
        (
            "INSERT INTO billing_invoice (number, key, account_id, amount, issued_at, seller, buyer)"
            " SELECT 1, 'top-up:0', account_id, 5, now(), '{}', '{}' FROM billing_wallet"
        ),
    ],
    "papers_are_numbered_without_gaps": [
        (
            "INSERT INTO billing_invoicecounter (id, last) VALUES (1, 2);"
            "INSERT INTO billing_invoice (number, key, account_id, amount, issued_at, seller, buyer)"
            " SELECT 2, key, account_id, amount, now(), '{}', '{}' FROM billing_entry WHERE kind = 'adjustment'"
        ),
        (
            "INSERT INTO billing_invoice (number, key, account_id, amount, issued_at, seller, buyer)"
            " SELECT 1, key, account_id, amount, now(), '{}', '{}' FROM billing_entry WHERE kind = 'adjustment'"
        ),
    ],
    "lines_follow_the_colour": [
        "UPDATE billing_wallet SET is_red = true",
        "UPDATE lines_linestate SET wanted = 3, why = 'balance'",
        "UPDATE lines_linestate SET wanted = 3, why = 'wallet'",
    ],
    "lines_off_for_a_cap_have_one": ["UPDATE lines_linestate SET wanted = 2, why = 'cap'"],
    "fees_are_the_prices": ["UPDATE lines_lineday SET fee = 0.17"],
    "fees_are_for_days_on": [
        "DELETE FROM lines_onspan",
        "UPDATE lines_onspan SET started_at = started_at + interval '1 day'",
        "UPDATE lines_onspan SET started_at = started_at - interval '9 d', ended_at = started_at - interval '8 d'",
    ],
    "lines_on_are_recorded_so": [
        "UPDATE lines_onspan SET ended_at = started_at",
        "ALTER TABLE lines_linestate DISABLE TRIGGER USER; UPDATE lines_linestate SET reported = 2",
    ],
    "line_fee_is_once_a_day": [
        (
            "INSERT INTO lines_price (plan_id, valid_from, per_mb, per_sms, per_day)"
            " SELECT plan_id, now(), 0.01, 0.05, 0.25 FROM lines_price LIMIT 1;"
            "INSERT INTO lines_lineday (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)"
            " SELECT line_id, day, payer_id, (SELECT max(id) FROM lines_price), account_id, cycle, 0, 0, fee"
            " FROM lines_lineday"
        ),
    ],
}


@pytest.fixture
def kept(db: None) -> None:
    """Books with a credit, and a sealed day of data and fee."""
    fleet = Fleet(per_day="0.25")
    line = fleet.line(fleet.account(credit="100"))
    LineState.objects.update(wanted_at=f"{DAY}T08:00+00:00")
    fleet.read(line, f"{DAY}T08:00", 5)
    fleet.read(line, f"{DAY}T09:00", 5 + 3 * MB)
    charge_fees(today=date.fromisoformat(DAY))
    seal_days(before=date(2026, 11, 20))
    operator("check_books")


def test_every_proof_has_its_planted_faults() -> None:
    assert set(PLANTED) == {proof.name for proof in PROOFS}


def test_books_of_nothing_are_in_order(db: None) -> None:
    answer = operator("check_books")
    assert answer["ok"]
    assert all(check["ok"] and check["first"] == [] for check in answer["checks"])


@pytest.mark.parametrize(("proof", "sql"), [(name, sql) for name, faults in PLANTED.items() for sql in faults])
def test_a_planted_fault_is_found_and_named(kept: None, proof: str, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_entry DISABLE TRIGGER USER")
        cursor.execute(sql)
        assert cursor.rowcount
    answer: dict[str, Any] = operator("check_books", code=1)
    found = {check["name"]: check for check in answer["checks"]}[proof]
    assert not answer["ok"]
    assert not found["ok"]
    assert found["breaches"] >= 1
    assert found["first"][0]
