"""Invoices and receipts; money that goes back; the list of transactions."""

from __future__ import annotations

import datetime as dt
import io
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.db import connections, transaction
from django.urls import reverse
from kit.errors import Invalid, NotFound
from pypdf import PdfReader
from stripe_proxy import Running

from accounts.commands import open_account
from accounts.models import Account
from accounts.policy import OPERATOR
from billing import tasks
from billing.commands import discount, invoices, payments
from billing.commands.reversals import undo_reversal
from billing.models import Invoice, Payment
from billing.policy import Colour, PaymentState
from billing.stripe import Outcome
from tests.tills import SECURE, Till, link, standin_fixture, stripe_server_fixture, till_fixture, usd  # noqa: F401


def text_of(pdf: bytes) -> str:
    """What a PDF says, in reading order."""
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


# 5. Invoices and receipts


def test_each_payment_has_an_invoice_to_view_and_to_download(till: Till, settings: Any) -> None:
    settings.SELLER = {
        "name": "Linekeeper Ltd", "address": "2 Dock Road\nLondon", "tax_id": "GB1", "mail": "", "prefix": "LK-"
    }  # fmt: skip
    till.give_card()
    till.add("75.50")
    address = reverse("invoice", args=[1])
    seen, kept = till.client.get(address), till.client.get(f"{address}?download=1")
    assert seen.headers["Content-Disposition"] == 'inline; filename="LK-000001.pdf"'
    assert kept.headers["Content-Disposition"].startswith("attachment")
    said = text_of(seen.content)
    for part in ("LK-000001", "20 November 2026", "Linekeeper Ltd", "2 Dock Road", "GB1", "acme", "Ada Byron"):
        assert part in said, part
    assert "3011 Rotterdam" in said
    assert "$75.50" in said
    assert "card ending in 4242" in said
    assert address in till.client.get(reverse("transactions")).content.decode()


def test_an_invoice_stays_as_it_was_when_the_account_moves(till: Till) -> None:
    till.give_card()
    till.add("50")
    Account.objects.filter(pk=till.account.pk).update(name="Acme Next")
    assert "acme" in text_of(till.client.get(reverse("invoice", args=[1])).content)


def test_names_are_printed_in_their_own_letters(till: Till) -> None:
    Account.objects.filter(pk=till.account.pk).update(name="Łódź Ångström Ελλάς Київ")
    till.give_card()
    till.add("50")
    assert "Łódź Ångström Ελλάς Київ" in text_of(till.client.get(reverse("invoice", args=[1])).content)


def test_nobody_else_reads_my_invoice(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.give_card()
    till.add("50")
    other = Till(till.standin, monkeypatch, name="bolt").at("2026-11-20T12:00")
    assert other.client.get(reverse("invoice", args=[1])).status_code == 404


def test_receipts_are_mailed_once_with_the_invoice(till: Till) -> None:
    till.give_card()
    till.add("50")
    till.ring()
    till.ring()
    (message,) = mail.outbox
    assert message.to == ["owner@acme.example"]
    assert message.subject == "Linekeeper: Receipt: $50.00 added to your balance"
    name, content, kind = message.attachments[0]
    assert (name, kind) == ("INV-000001.pdf", "application/pdf")
    assert "$50.00" in text_of(content)


@pytest.mark.django_db(transaction=True)
def test_invoice_numbers_have_no_gaps_whatever_is_rolled_back(
    standin: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00+00:00")
    account = open_account(name="acme", owner_email="owner@acme.example", by=OPERATOR)
    paid = {"amount": 5, "state": "succeeded", "card_id": "pm_1", "last4": "4242", "by": "x"}
    now = dt.datetime.now(dt.UTC)
    rows = [Payment.objects.create(account=account, ended_at=now, **paid) for _ in range(24)]

    def issue(payment: Payment) -> None:
        try:
            with transaction.atomic():
                invoices.issue_invoice(payment=payment)
                if payment.pk % 3 == 0:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            with transaction.atomic():
                invoices.issue_invoice(payment=payment)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(issue, rows))
    assert sorted(Invoice.objects.values_list("number", flat=True)) == list(range(1, 25))


# 2. Refunds and disputes


def test_a_refund_is_a_ledger_row_once(till: Till) -> None:
    till.give_card()
    till.add("50")
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id, "amount": "2000"})
    till.deliver()
    till.deliver(again=True)
    assert till.ledger() == [("top-up", "50.00"), ("refund", "-20.00")]
    assert "$20.00 went back to your card" in till.client.get(reverse("billing")).content.decode()


def test_a_refund_that_failed_comes_back_even_when_that_is_heard_first(till: Till) -> None:
    till.give_card()
    till.add("50")
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id})
    (made,) = till.standin.events("refund.created")
    till.standin.control("POST", "refunds", {"id": made["data"]["object"]["id"], "status": "failed"})
    (failed,) = till.standin.events("refund.failed")
    for event in (failed, made, failed):  # Stripe is asked each time, and knows that nothing went back
        assert till.webhook(event).status_code == 200
    assert till.ledger() == [("top-up", "50.00")]


def test_a_refund_that_fails_later_is_on_the_balance_again_once(till: Till) -> None:
    till.give_card()
    till.add("50")
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id})
    till.deliver()
    (made,) = till.standin.events("refund.created")
    till.standin.control("POST", "refunds", {"id": made["data"]["object"]["id"], "status": "failed"})
    till.deliver()
    till.deliver(again=True)
    assert till.ledger() == [("top-up", "50.00"), ("refund", "-50.00"), ("refund", "50.00")]


def test_a_refund_that_is_heard_of_before_its_payment_credits_that_first(till: Till) -> None:
    till.give_card()
    till.standin.fail_next("lost")
    till.add("50")
    intent = till.standin.events("payment_intent.succeeded")[0]["data"]["object"]["id"]
    till.standin.call("POST", "/v1/refunds", {"payment_intent": intent})
    till.deliver("refund")
    assert till.ledger() == [("top-up", "50.00"), ("refund", "-50.00")]


def test_a_dispute_takes_the_money_pauses_auto_refill_and_may_be_won(till: Till) -> None:
    till.give_card()
    till.add("100")
    till.turn_on()
    dispute = till.standin.control("POST", "disputes", {"payment_intent": till.payment.stripe_id})
    till.deliver()
    assert till.ledger() == [("top-up", "100.00"), ("dispute", "-100.00")]
    assert (till.refill.state, till.refill.why_paused) == ("paused", "a payment of $100.00 was disputed")
    tasks.refill_balances()
    assert till.states() == ["succeeded"]
    till.standin.control("POST", "disputes", {"id": dispute["id"], "status": "won"})
    till.deliver()
    till.deliver(again=True)
    till.later(hours=1)  # and heard of once more, by the daily comparison
    undo_reversal(payment_id=till.payment.pk, stripe_id=dispute["id"], kind="dispute", amount=usd("100"))
    assert till.ledger()[2:] == [("dispute", "100.00")]


def test_news_of_another_payment_or_amount_credits_nothing(till: Till) -> None:
    till.give_card(SECURE)
    till.add("50")
    payment = till.payment

    def outcome(**changes: Any) -> Outcome:
        values = {"state": PaymentState.SUCCEEDED, "intent": payment.stripe_id, "payment": payment.uuid.hex}
        return Outcome(**values | {"amount": usd("50")} | changes)

    with pytest.raises(NotFound):
        payments.settle(payment_id=payment.pk, outcome=outcome(intent="pi_other"))
    with pytest.raises(NotFound):
        payments.settle(payment_id=payment.pk, outcome=outcome(payment="0" * 32))
    with pytest.raises(Invalid):
        payments.settle(payment_id=payment.pk, outcome=outcome(amount=usd("5000")))
    assert till.ledger() == []


# 5. Transactions


def test_transactions_are_filtered_by_kind_and_day_and_paged(till: Till) -> None:
    till.give_card()
    discount(account=till.account, amount=usd("5"), reason="a loyal customer", by=OPERATOR)
    till.later(minutes=1)
    till.add("50")
    for number in range(30):
        till.at(f"2026-11-21T10:{number:02}")
        till.credit("1")

    def shown(**asked: str) -> list[str]:
        page = till.client.get(reverse("transactions"), asked, follow=True).content.decode()
        return re.findall(r"<td class=\"wide\">\s*(?:<a[^>]*>)?(\w+)", page)

    assert shown() == ["Adjustment"] * 25
    assert shown(page="2") == ["Adjustment"] * 5 + ["Refill", "Discount"]
    assert shown(kind="payment") == ["Refill"]
    assert shown(kind="discount") == ["Discount"]
    assert sorted(shown(to="2026-11-20")) == ["Discount", "Refill"]
    assert shown(**{"from": "2026-11-21", "kind": "payment"}) == []
    assert shown(kind="nonsense", page="-1", to="2026-13-45") == ["Adjustment"] * 25
    assert "a loyal customer" in till.client.get(reverse("transactions"), {"kind": "discount"}).content.decode()


def test_a_declined_payment_is_listed_with_its_reason_and_no_invoice(till: Till) -> None:
    till.give_card(SECURE)
    till.standin.confirm(link(till.add("50")), succeed=False)
    till.deliver()
    page = till.client.get(reverse("transactions")).content.decode()
    assert "Declined" in page
    assert "it was not confirmed with the bank" in page
    assert "/billing/invoices/" not in page


# 8. Discounts


def test_a_discount_is_a_credit_with_a_reason(till: Till) -> None:
    entry = discount(account=till.account, amount=usd("7.5"), reason="sorry", by=OPERATOR)
    assert (entry.kind, entry.note, till.available, till.colour) == ("discount", "sorry", "7.50", Colour.GREEN)
    for amount, reason in (("-1", "x"), ("0", "x"), ("1", " ")):
        with pytest.raises(Invalid):
            discount(account=till.account, amount=usd(amount), reason=reason, by=OPERATOR)
