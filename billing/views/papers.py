"""Doors to invoices and credit notes, to months on paper, and to whom they are made out."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods
from kit import clock
from kit.clock import month_from
from kit.errors import Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from billing import einvoice, monthly_paper, paper, queries
from billing.commands import tax
from billing.forms import BillingDetailsForm
from billing.models import Invoice
from billing.views.parts import actor, common


def _file(request: MemberRequest, content: bytes, name: str, kind: str) -> HttpResponse:
    """To view or, with ?download, to keep."""
    response = HttpResponse(content, content_type=kind)
    way = "attachment" if "download" in request.GET else "inline"
    response["Content-Disposition"] = f'{way}; filename="{name}"'
    return response


def _found(request: MemberRequest, kind: str, number: int) -> Invoice:
    papers = Invoice.objects.select_related("payment", "corrects")
    found = papers.filter(kind=kind, number=number, account=request.account).first()
    if found is None:
        raise Http404
    return found


def _pdf(request: MemberRequest, kind: str, number: int) -> HttpResponse:
    found = _found(request, kind, number)
    return _file(request, paper.invoice_pdf(found), f"{found.name}.pdf", "application/pdf")


def _xml(request: MemberRequest, kind: str, number: int) -> HttpResponse:
    found = _found(request, kind, number)
    if not einvoice.is_possible(found):
        raise Http404
    return _file(request, einvoice.xml_of(found), f"{found.name}.xml", "application/xml")


@require_GET
@needs(Right.SEE_MONEY)
def invoice(request: MemberRequest, number: int) -> HttpResponse:
    """An invoice as PDF."""
    return _pdf(request, Invoice.INVOICE, number)


@require_GET
@needs(Right.SEE_MONEY)
def invoice_xml(request: MemberRequest, number: int) -> HttpResponse:
    """An invoice as EN 16931's XML, where it says enough for that."""
    return _xml(request, Invoice.INVOICE, number)


@require_GET
@needs(Right.SEE_MONEY)
def credit_note(request: MemberRequest, number: int) -> HttpResponse:
    """A credit note as PDF."""
    return _pdf(request, Invoice.CREDIT_NOTE, number)


@require_GET
@needs(Right.SEE_MONEY)
def credit_note_xml(request: MemberRequest, number: int) -> HttpResponse:
    """A credit note as EN 16931's XML."""
    return _xml(request, Invoice.CREDIT_NOTE, number)


@require_GET
@needs(Right.SEE_MONEY)
def month(request: MemberRequest, month: str) -> HttpResponse:
    """A closed month's statement as PDF."""
    start = month_from(month)
    months = queries.months_of(request.account, today=clock.today())
    found = next((one for one in months if one.start == start and one.is_closed), None)
    if found is None:
        raise Http404
    name = f"statement-{found.start:%Y-%m}.pdf"
    return _file(request, monthly_paper.statement_pdf(request.account, found), name, "application/pdf")


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_MONEY)
def information(request: MemberRequest) -> HttpResponse:
    """To whom invoices are made out, and which tax follows from it."""
    account = request.account
    buyer = queries.buyer_of(account)
    known = buyer["address"] | {"name": buyer["name"], "tax_id": buyer.get("tax_id", "")}
    form = BillingDetailsForm(request.POST if request.method == "POST" else None, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            tax.set_details(account=account, details=form.cleaned_data, by=actor(request))
        except Refusal as refusal:
            form.add_error("tax_id" if "tax ID" in refusal.message else None, refusal.message)
        else:
            messages.success(request, "Billing details saved. They are on your next invoices.")
            return redirect("billing_information")
    lacks = queries.lacks_address(buyer)
    context = common("billing_information") | {
        "form": form,
        "terms": None if lacks else queries.tax_terms(buyer, on=clock.today()),
        "lacks_address": lacks and bool(queries.rates_in_force(on=clock.today())),
        "not_printed": paper.not_printed(buyer["name"], *map(str, buyer["address"].values())),
    }
    response = page(request, "billing/information.html", context)
    response.status_code = 422 if form.errors else 200
    return response
