"""Tax in numbers that an operator's accountant could check: refills, transfers, what goes back, and their papers."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.db import connection, connections, transaction
from django.urls import reverse
from pypdf import PdfReader
from stripe_proxy import Running as Standin

from accounts.policy import OPERATOR, Actor, ActorKind
from billing.commands import invoices, tax
from billing.commands.credits import ask_credit, credit_once, decide_credit
from billing.commands.tax import DetailsMissing
from billing.models import Customer, Invoice, Payment, Reversal
from billing.policy import Decision, EntryKind
from lines.books import check_books
from tests.tills import Till, standin_fixture, stripe_server_fixture, usd  # noqa: F401

SELLER = {
    "name": "Linekeeper GmbH", "address": "Hafenweg 2\n20457 Hamburg", "country": "DE", "tax_id": "DE136695976",
    "mail": "", "prefix": "INV-", "credit_prefix": "CN-",
}  # fmt: skip
ACME = {
    "name": "Acme B.V.", "line1": "Maasboulevard 100", "postal_code": "3063 NS", "city": "Rotterdam", "country": "NL",
    "tax_id": "NL004495445B01",
}  # fmt: skip


@pytest.fixture
def tale(standin: Standin, monkeypatch: pytest.MonkeyPatch, transactional_db: None, settings: Any) -> Till:
    """A German seller who keeps the rates of Germany and of the Netherlands."""
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00+00:00")
    settings.SELLER = SELLER
    for country, percent in (("DE", 19), ("NL", 21)):
        tax.add_rate(
            country=country, percent=Decimal(percent), since=dt.date(2026, 1, 1), reverses=True, by=OPERATOR
        )  # fmt: skip
    return Till(standin, monkeypatch).at("2026-11-20T12:00")


def text_of(till: Till, address: str, number: int) -> str:
    pdf = till.client.get(reverse(address, args=[number])).content
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def papers() -> list[tuple[str, str, str]]:
    rows = Invoice.objects.order_by("pk")
    return [(row.name, f"{row.amount:.2f}", f"{row.tax:.2f}") for row in rows]


def books() -> list[str]:
    return [check["name"] for check in check_books()["checks"] if not check["ok"]]


def test_a_consumer_pays_the_tax_of_their_country_on_top(tale: Till) -> None:
    """50.00 on the balance, 21 % in the Netherlands: the card is charged 60.50, and the invoice says all three."""
    tale.give_card()
    assert "VAT 21 % is added to the amount." in tale.client.get(reverse("add_funds")).content.decode()
    tale.add("50")
    assert (tale.payment.amount, tale.payment.tax) == (usd("50"), usd("10.50"))
    (charged,) = tale.standin.events("payment_intent.succeeded")
    assert charged["data"]["object"]["amount"] == 6050
    assert (tale.available, tale.ledger()) == ("50.00", [("top-up", "50.00")])
    assert papers() == [("INV-000001", "50.00", "10.50")]
    said = text_of(tale, "invoice", 1)
    for part in ("Net $50.00", "VAT 21 % $10.50", "Total, paid $60.50", "Tax ID DE136695976", "Rotterdam"):
        assert part in said, part
    page = tale.client.get(reverse("payment", args=[tale.payment.uuid.hex])).content.decode()
    assert "$60.50" in page
    tale.ring()
    assert "$50.00 plus $10.50 tax" in str(mail.outbox[-1].body)
    assert books() == []


def test_a_business_abroad_accounts_for_it_itself(tale: Till) -> None:
    """With a VAT ID of the Netherlands: 50.00, no tax, and the sentence that the law wants."""
    tale.give_card()
    answer = tale.client.post(reverse("billing_information"), ACME)
    assert answer.status_code == 302
    tale.add("50")
    assert (tale.payment.total, papers()) == (usd("50"), [("INV-000001", "50.00", "0.00")])
    said = text_of(tale, "invoice", 1)
    for part in ("VAT, reverse charge $0.00", "Articles 44 and 196", "Acme B.V.", "Tax ID NL004495445B01"):
        assert part in said, part


def test_a_wrong_vat_id_is_refused_and_what_was_written_stays(tale: Till) -> None:
    answer = tale.client.post(reverse("billing_information"), ACME | {"tax_id": "NL004495446B01"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "tax ID of this country" in page
    assert "Maasboulevard 100" in page
    assert not hasattr(tale.account, "billing_details")


def test_an_installation_without_rates_takes_no_tax(
    standin: Standin, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00+00:00")
    till = Till(standin, monkeypatch).at("2026-11-20T12:00")
    till.give_card()
    Customer.objects.update(address={})
    till.add("50")
    assert (till.available, till.payment.tax, till.payment.terms, till.invoices()) == ("50.00", 0, {}, [1])
    assert "VAT" not in text_of(till, "invoice", 1)
    assert till.client.get(reverse("invoice_xml", args=[1])).status_code == 404


def test_without_an_address_nothing_is_charged_and_the_page_says_what_to_do(tale: Till) -> None:
    tale.give_card()
    Customer.objects.update(address={})
    answer = tale.add("50")
    assert answer.status_code == 409
    assert "Add billing details first" in answer.content.decode()
    assert not Payment.objects.exists()
    tale.client.post(reverse("billing_information"), ACME)
    tale.add("50")
    assert (tale.available, tale.payment.state) == ("50.00", "succeeded")


def test_auto_refill_waits_for_the_address_and_goes_on_with_it(tale: Till) -> None:
    tale.give_card()
    tale.turn_on()
    Customer.objects.update(address={})
    tale.ring()
    tale.later(minutes=2).ring()
    assert not Payment.objects.exists()
    assert tale.mails().count("Linekeeper: Auto-refill needs your billing details") == 1
    tale.client.post(reverse("billing_information"), ACME)
    tale.later(minutes=2).ring()
    assert tale.available == "50.00"


def test_parts_that_go_back_have_credit_notes_and_their_share_of_the_tax(tale: Till) -> None:
    """60.50 were charged. 20.00 go back (3.47 of it tax), then the bank takes the other 40.50 (7.03); that is won."""
    tale.give_card()
    tale.add("50")
    intent = tale.payment.stripe_id
    tale.standin.call("POST", "/v1/refunds", {"payment_intent": intent, "amount": "2000"})
    tale.deliver()
    assert tale.ledger() == [("top-up", "50.00"), ("refund", "-16.53")]
    assert papers()[1:] == [("CN-000001", "16.53", "3.47")]
    said = text_of(tale, "credit_note", 1)
    for part in ("Credit note", "Corrects INV-000001", "VAT 21 % $3.47", "Total, credited $20.00"):
        assert part in said, part
    tale.standin.call("POST", "/v1/refunds", {"payment_intent": intent, "amount": "4050"})
    tale.deliver()
    assert (tale.available, papers()[2]) == ("0.00", ("CN-000002", "33.47", "7.03"))
    failed = Reversal.objects.latest("pk")
    tale.standin.control("POST", "refunds", {"id": failed.stripe_id, "status": "failed"})
    tale.deliver()
    tale.deliver(again=True)
    assert (tale.available, papers()[3:]) == ("33.47", [("INV-000002", "33.47", "7.03")])
    listed = tale.client.get(reverse("transactions")).content.decode()
    assert reverse("credit_note", args=[2]) in listed
    assert reverse("invoice", args=[2]) in listed
    assert books() == []


def test_a_bank_transfer_is_taken_with_its_tax_and_has_an_invoice(tale: Till) -> None:
    """121.00 arrive from the Netherlands: 100.00 on the balance, 21.00 tax. The same key again is the same."""
    with pytest.raises(DetailsMissing):
        credit_once(
            account=tale.account, kind=EntryKind.TRANSFER, amount=usd("121"), reason="Bank, 20 Nov", key="b1",
            by=OPERATOR,
        )  # fmt: skip
    tax.set_details(account=tale.account, details=ACME | {"tax_id": ""}, by=OPERATOR)
    for _ in range(2):
        credit_once(
            account=tale.account, kind=EntryKind.TRANSFER, amount=usd("121"), reason="Bank, 20 Nov", key="b1",
            by=OPERATOR,
        )  # fmt: skip
    assert (tale.available, papers()) == ("100.00", [("INV-000001", "100.00", "21.00")])
    assert "Paid by bank transfer, received on 20 November 2026" in text_of(tale, "invoice", 1)
    assert books() == []


def test_a_large_transfer_waits_for_a_second_person(tale: Till, settings: Any) -> None:
    settings.CREDIT_LIMIT = Decimal(100)
    tax.set_details(account=tale.account, details=ACME, by=OPERATOR)
    asked = ask_credit(
        account=tale.account, kind=EntryKind.TRANSFER, amount=usd("500"), reason="Bank", key=uuid.uuid4(), by=OPERATOR
    )
    assert (asked.state, papers()) == (Decision.OPEN, [])
    decide_credit(request_id=asked.pk, agreed=True, by=Actor(ActorKind.BACK_OFFICE, "second@office.example"))
    assert (tale.available, papers()) == ("500.00", [("INV-000001", "500.00", "0.00")])


def test_a_new_rate_and_a_move_change_no_issued_paper(tale: Till) -> None:
    tale.give_card()
    tale.add("50")
    tax.add_rate(country="NL", percent=Decimal(23), since=dt.date(2026, 11, 21), reverses=True, by=OPERATOR)
    tax.set_details(account=tale.account, details=ACME | {"city": "Utrecht", "tax_id": ""}, by=OPERATOR)
    tale.later(days=1)
    assert "VAT 21 %" in text_of(tale, "invoice", 1)
    assert "Utrecht" not in text_of(tale, "invoice", 1)
    tale.add("50")
    assert papers()[1] == ("INV-000002", "50.00", "11.50")
    with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE billing_invoice SET tax = 0")


def test_credit_notes_have_no_gaps_whatever_two_workers_roll_back(tale: Till) -> None:
    """Twenty-four credit notes by two workers at once, every third one rolled back and made again, each asked twice."""
    tale.give_card()
    tale.add("500")
    payment = tale.payment

    def issue(number: int) -> None:
        def once(*, fails: bool) -> None:
            with transaction.atomic():
                invoices.issue_credit_note(
                    key=f"refund:re_{number // 2}", payment=payment, amount=usd("1"), tax=usd("0.21"), note="x"
                )
                if fails:
                    raise ZeroDivisionError

        try:
            once(fails=number % 3 == 0)
        except ZeroDivisionError:
            once(fails=False)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(issue, range(48)))
    numbers = Invoice.objects.filter(kind=Invoice.CREDIT_NOTE).order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, 25))


def test_a_closed_month_is_a_statement_on_paper(tale: Till) -> None:
    tale.give_card()
    tale.add("50")
    tale.uses("12.34", day="2026-11-21")
    address = reverse("month_statement", args=["2026-11"])
    assert tale.client.get(address).status_code == 404  # not closed yet
    tale.at("2026-12-05T12:00")
    answer = tale.client.get(address)
    said = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    for part in ("1 to 30 November 2026", "Paid in $50.00", "Usage and SMS -$12.34", "Ending balance $37.66",
                 "21 November $12.34"):  # fmt: skip
        assert part in said, part
    assert address in tale.client.get(reverse("billing_details")).content.decode()
