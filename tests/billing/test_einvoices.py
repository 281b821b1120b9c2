"""Invoices as EN 16931 wants them: by the schema, and by the standard's rules of arithmetic and of tax."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from drafthorse.utils import validate_xml
from lxml import etree
from pypdf import PdfReader

from billing.einvoice import SCHEMA, is_possible, xml_of
from billing.models import Invoice
from billing.paper import invoice_pdf
from billing.policy import Rate, tax_on, terms_for

NS = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
}
MOMENT = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
RATES = [Rate(land, Decimal(percent), MOMENT.date()) for land, percent in (("DE", 19), ("NL", 21), ("FI", 0))]
SELLER = {"name": "Linekeeper GmbH", "address": "Hafenweg 2\n20457 Hamburg", "country": "DE", "tax_id": "DE136695976"}
BUYERS = {
    "S": ("NL", ""),
    "AE": ("NL", "NL004495445B01"),
    "O": ("US", "US123456789"),
    "Z": ("FI", ""),
    "home": ("DE", "DE136695976"),
}


def made(case: str, net: str, kind: str = Invoice.INVOICE) -> Invoice:
    country, tax_id = BUYERS[case]
    terms = terms_for(seller="DE", buyer=country, tax_id=tax_id, rates=RATES, on=MOMENT.date())
    address = {"line1": "Kade 1", "city": "Rotterdam", "postal_code": "3011", "country": country}
    corrects = made(case, net) if kind == Invoice.CREDIT_NOTE else None
    if corrects is not None:
        corrects.pk = 1
    return Invoice(
        kind=kind, number=7, amount=Decimal(net), tax=tax_on(Decimal(net), terms.percent), terms=terms.kept(),
        seller=SELLER, buyer={"name": "Acme <B.V.> & Zn. 深圳", "address": address, "tax_id": tax_id}, issued_at=MOMENT,
        corrects=corrects,
    )  # fmt: skip


def read(xml: bytes) -> Any:
    return etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))


def amounts(tree: Any, name: str) -> list[Decimal]:
    return [Decimal(found.text) for found in tree.iterfind(f".//ram:{name}", NS)]


def one(tree: Any, name: str) -> Decimal:
    (amount,) = amounts(tree, name)
    return amount


@pytest.mark.parametrize("kind", [Invoice.INVOICE, Invoice.CREDIT_NOTE])
@pytest.mark.parametrize("net", ["50", "0.01", "84.03", "4999.99"])
@pytest.mark.parametrize("case", BUYERS)
def test_an_invoice_keeps_to_the_schema_and_its_sums_add_up(case: str, net: str, kind: str) -> None:
    invoice = made(case, net, kind)
    xml = xml_of(invoice)
    assert validate_xml(xml, SCHEMA)
    tree = read(xml)
    lines = amounts(tree.find(".//rsm:SupplyChainTradeTransaction", NS), "LineTotalAmount")
    net_line, total = lines[:-1], one(tree, "GrandTotalAmount")
    assert sum(net_line) == lines[-1]  # BR-CO-10
    assert lines[-1] == one(tree, "TaxBasisTotalAmount")  # BR-CO-13: no charge, no allowance
    assert one(tree, "TaxTotalAmount") == sum(amounts(tree, "CalculatedAmount"))  # BR-CO-14
    assert total == one(tree, "TaxBasisTotalAmount") + one(tree, "TaxTotalAmount")  # BR-CO-15
    assert one(tree, "DuePayableAmount") == total - one(tree, "TotalPrepaidAmount")  # BR-CO-16
    head = tree.find(".//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax", NS)
    rate = head.findtext("ram:RateApplicablePercent", namespaces=NS)
    basis = Decimal(head.findtext("ram:BasisAmount", namespaces=NS))
    assert one(tree, "CalculatedAmount") == tax_on(basis, Decimal(rate or 0))  # BR-CO-17
    assert basis == sum(net_line)  # BR-CO-18, and there is one breakdown
    assert (total, one(tree, "TaxTotalAmount")) == (invoice.total, invoice.tax)


@pytest.mark.parametrize(("case", "seller_id", "buyer_id", "code"), [
    ("S", "DE136695976", None, None),
    ("home", "DE136695976", "DE136695976", None),
    ("AE", "DE136695976", "NL004495445B01", "VATEX-EU-AE"),
    ("O", None, None, "VATEX-EU-O"),
    ("Z", "DE136695976", None, None),
])  # fmt: skip
def test_each_category_has_the_ids_and_reasons_that_it_needs(
    case: str, seller_id: str | None, buyer_id: str | None, code: str | None
) -> None:
    """BR-S-02, BR-AE-02 and -10, BR-O-02, -05 and -10, BR-CO-09, BR-CO-26."""
    tree = read(xml_of(made(case, "50")))
    ids = {
        party: tree.findtext(f".//ram:{party}/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']", namespaces=NS)
        for party in ("SellerTradeParty", "BuyerTradeParty")
    }
    assert ids == {"SellerTradeParty": seller_id, "BuyerTradeParty": buyer_id}
    assert tree.findtext(".//ram:ExemptionReasonCode", namespaces=NS) == code
    assert bool(tree.findtext(".//ram:ExemptionReason", namespaces=NS)) is bool(code)
    assert (tree.find(".//ram:RateApplicablePercent", NS) is None) is (case == "O")
    assert seller_id or tree.findtext(".//ram:SellerTradeParty/ram:ID", namespaces=NS)


def test_a_credit_note_names_what_it_corrects() -> None:
    tree = read(xml_of(made("S", "50", Invoice.CREDIT_NOTE)))
    assert tree.findtext(".//rsm:ExchangedDocument/ram:TypeCode", namespaces=NS) == "381"
    assert tree.findtext(".//ram:InvoiceReferencedDocument/ram:IssuerAssignedID", namespaces=NS) == "INV-000007"
    assert tree.findtext(".//rsm:ExchangedDocument/ram:ID", namespaces=NS) == "CN-000007"


def test_a_seller_whose_number_is_no_vat_id_has_it_as_a_tax_number() -> None:
    invoice = made("S", "50")
    invoice.seller = SELLER | {"tax_id": "22/815/0815 1"}
    tree = read(xml_of(invoice))
    assert tree.findtext(".//ram:SellerTradeParty/ram:SpecifiedTaxRegistration/ram:ID", namespaces=NS) == "22/815/08151"


def test_the_pdf_has_the_xml_inside() -> None:
    invoice = made("AE", "50")
    invoice.note = "Nothing is due."
    reader = PdfReader(io.BytesIO(invoice_pdf(invoice)))
    (name,) = reader.attachments
    assert name == "factur-x.xml"
    assert read(reader.attachments[name][0]).findtext(".//ram:GrandTotalAmount", namespaces=NS) == "50.00"
    assert "Articles 44 and 196" in reader.pages[0].extract_text()


def test_an_invoice_of_before_has_none() -> None:
    invoice = made("S", "50")
    invoice.terms, invoice.tax, invoice.note = {}, Decimal(0), "Paid."
    assert not is_possible(invoice)
    assert not PdfReader(io.BytesIO(invoice_pdf(invoice))).attachments
