"""Invoices and credit notes as EN 16931 wants them: Factur-X's XML (UN/CEFACT), validated against its schema.

Which field is which business term: the BT numbers in comments; https://fnfe-mpe.org/factur-x/ and EN 16931-1.
"""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

from kit.money import currency, to_coins

from billing.models import Invoice
from billing.policy import Terms
from billing.policy.tax import PREFIX

GUIDELINE = "urn:cen.eu:en16931:2017"
SCHEMA = "FACTUR-X_EN16931"
TYPES = {Invoice.INVOICE: "380", Invoice.CREDIT_NOTE: "381"}  # BT-3, of UNTDID 1001
CARD, TRANSFER = "48", "30"  # BT-81, of UNTDID 4461
EXEMPT = {"AE": "VATEX-EU-AE", "O": "VATEX-EU-O"}  # BT-121
ONE = "C62"  # a unit, of UN/ECE 20
CENT = Decimal("0.01")
WHAT = "Prepaid balance for connectivity"


def is_possible(invoice: Invoice) -> bool:
    """Whether the invoice says what the standard cannot do without: how it is taxed, and both countries."""
    if currency().digits > 2:
        return False
    return bool(invoice.terms and invoice.seller.get("country") and invoice.buyer.get("address", {}).get("country"))


def xml_of(invoice: Invoice) -> bytes:
    """The invoice as XML, of the profile EN 16931. Only where `is_possible`."""
    from drafthorse.models.document import Document  # large, and most processes print nothing

    terms = Terms.read(invoice.terms)
    assert terms is not None
    doc = Document()
    doc.context.guideline_parameter.id = GUIDELINE
    doc.header.id = invoice.name
    doc.header.type_code = TYPES[invoice.kind]
    doc.header.issue_date_time = invoice.issued_at.astimezone(UTC).date()
    _seller(doc.trade.agreement.seller, invoice.seller, terms)
    _buyer(doc.trade.agreement.buyer, invoice.buyer, terms)
    doc.trade.items.add(_line(invoice, terms))
    _settlement(doc.trade.settlement, invoice, terms)
    xml: bytes = doc.serialize(schema=SCHEMA)
    return xml


def _seller(party: Any, seller: dict[str, Any], terms: Terms) -> None:
    country, tax_id = seller["country"], seller.get("tax_id", "")
    is_vat_id = tax_id.replace(" ", "").upper().startswith(PREFIX.get(country, country))
    party.name = seller.get("name", "")
    lines = [line for line in seller.get("address", "").split("\n") if line.strip()]
    for name, line in zip(("line_one", "line_two", "line_three"), lines, strict=False):
        setattr(party.address, name, line)
    party.address.country_id = country
    if terms.category == "O" or not is_vat_id:
        party.id = tax_id or seller.get("name", "")  # BT-29: BR-CO-26 wants one of three
    if tax_id and terms.category != "O":  # BR-O-02: nobody has a VAT id where there is no VAT
        _registered(party, "VA" if is_vat_id else "FC", tax_id)


def _buyer(party: Any, buyer: dict[str, Any], terms: Terms) -> None:
    address = buyer["address"]
    party.name = buyer.get("name", "")
    for name, part in (
        ("line_one", "line1"),
        ("line_two", "line2"),
        ("postcode", "postal_code"),
        ("city_name", "city"),
        ("country_subdivision", "state"),
    ):
        if address.get(part):
            setattr(party.address, name, address[part])
    party.address.country_id = address["country"]
    tax_id = buyer.get("tax_id", "")
    if tax_id and terms.category != "O":
        _registered(party, "VA", tax_id)


def _registered(party: Any, scheme: str, tax_id: str) -> None:
    from drafthorse.models.party import TaxRegistration

    party.tax_registrations.add(TaxRegistration(id=(scheme, tax_id.replace(" ", ""))))


def _line(invoice: Invoice, terms: Terms) -> Any:
    """One line: BR-CO-10 has only it to add up."""
    from drafthorse.models.tradelines import LineItem

    line, net = LineItem(), _cents(invoice.amount)
    line.document.line_id = "1"
    line.product.name = WHAT
    line.agreement.net.amount = net
    line.delivery.billed_quantity = (Decimal(1), ONE)
    _taxed(line.settlement.trade_tax, terms)
    line.settlement.monetary_summation.total_amount = net
    return line


def _taxed(tax: Any, terms: Terms) -> None:
    tax.type_code = "VAT"
    tax.category_code = terms.category
    if terms.category != "O":  # BR-O-05: no rate, not even 0
        tax.rate_applicable_percent = terms.percent.quantize(CENT)


def _settlement(settlement: Any, invoice: Invoice, terms: Terms) -> None:
    from drafthorse.models.accounting import ApplicableTradeTax
    from drafthorse.models.payment import PaymentMeans

    net, vat, total = _cents(invoice.amount), _cents(invoice.tax), _cents(invoice.total)
    code = invoice.seller.get("currency", "USD")
    settlement.currency_code = code
    means = PaymentMeans()
    means.type_code = TRANSFER if invoice.payment_id is None and invoice.corrects_id is None else CARD
    settlement.payment_means.add(means)
    tax = ApplicableTradeTax()
    tax.calculated_amount, tax.basis_amount = vat, net
    _taxed(tax, terms)
    if terms.category in EXEMPT:
        tax.exemption_reason, tax.exemption_reason_code = terms.note, EXEMPT[terms.category]
    settlement.trade_tax.add(tax)
    sums = settlement.monetary_summation
    sums.line_total, sums.charge_total, sums.allowance_total = net, Decimal(0), Decimal(0)
    sums.tax_basis_total, sums.tax_total, sums.grand_total = net, (vat, code), total
    sums.prepaid_total, sums.due_amount = total, Decimal("0.00")  # BT-113, BT-115: it is paid, or paid back
    if invoice.corrects is not None:
        settlement.invoice_referenced_document.issuer_assigned_id = invoice.corrects.name  # BT-25


def _cents(amount: Decimal) -> Decimal:
    """The standard wants at most two decimals (BR-DEC); a currency with three has no such invoice."""
    return to_coins(amount)
