"""The back office's first page, its sidebar, and its pages that need several apps: margins and books."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from kit import broker, clock

from accounts.audit import words
from accounts.doors import desk_actor
from accounts.models import Account, Erasure, Event, PostedLetter
from billing.models import CreditRequest, MoneyDifference, Notice, Payment, Refund, Wallet, WebhookEvent
from billing.policy import Decision, PaymentState
from lines.commands import books
from lines.models import (
    AddressChange,
    BooksCheck,
    Carrier,
    CarrierCost,
    Difference,
    Drive,
    FinalTotal,
    HeldMovement,
    Line,
    Order,
    Quarantine,
    RebaseRequest,
)
from lines.policy import Hold, OrderState
from lines.policy.costs import Compared
from lines.policy.sandbox import KIND as SANDBOX
from lines.queries import margin
from lines.queries.funds import running_dry

STUCK = dt.timedelta(minutes=15)
MONTHS = 12

# Groups of the sidebar: an entry is the name of an address, what it says and a symbol. What does not exist is left out.
DESKS = (
    (
        "Customers",
        (
            ("accounts_account_changelist", "Accounts", "domain"),
            ("accounts_user_changelist", "People", "group"),
            ("accounts_officekey_changelist", "Back office keys", "key"),
            ("lines_order_changelist", "Orders", "local_shipping"),
            ("accounts_postedletter_changelist", "Mails to people", "forward_to_inbox"),
            ("accounts_event_changelist", "Audit", "history"),
            ("accounts_accountexport_changelist", "Account exports", "folder_zip"),
            ("accounts_erasure_changelist", "Erasures", "delete_forever"),
        ),
    ),
    (
        "Lines",
        (
            ("lines_line_changelist", "Lines and stock", "sim_card"),
            ("lines_difference_changelist", "Differences", "difference"),
            ("lines_drive_changelist", "Waiting commands", "hourglass_top"),
            ("lines_bulkedit_changelist", "Bulk edits", "stacks"),
            ("lines_job_changelist", "Jobs", "checklist"),
            ("lines_smsmessage_changelist", "SMS", "sms"),
            ("automation_rule_changelist", "Rules", "bolt"),
            ("automation_rulefire_changelist", "Rule activity", "manage_history"),
        ),
    ),
    (
        "Carriers",
        (
            ("lines_carrier_changelist", "Carriers and health", "cell_tower"),
            ("lines_addresschange_changelist", "Carrier addresses", "alt_route"),
            ("lines_move_changelist", "Moves from Keepgo", "move_up"),
            ("lines_moveday_changelist", "Differences to Keepgo", "compare_arrows"),
            ("lines_readingpass_changelist", "Readings", "speed"),
            ("lines_finaltotal_changelist", "Final totals", "event_available"),
            ("lines_carriercost_changelist", "Carrier costs", "request_quote"),
            ("lines_heldmovement_changelist", "Held movements", "front_hand"),
            ("lines_rebaserequest_changelist", "Counter changes", "rule"),
            ("lines_quarantine_changelist", "Unreadable answers", "report"),
        ),
    ),
    (
        "Prices",
        (
            ("lines_rateplan_changelist", "Rate plans", "sell"),
            ("lines_price_changelist", "Prices and costs", "price_check"),
            ("lines_zone_changelist", "Zones", "travel_explore"),
            ("margins", "Margins", "trending_up"),
            ("lines_coverage_changelist", "Coverage", "public"),
        ),
    ),
    (
        "Money",
        (
            ("billing_wallet_changelist", "Balances", "account_balance_wallet"),
            ("billing_creditrequest_changelist", "Manual credits", "approval_delegation"),
            ("billing_payment_changelist", "Payments", "credit_card"),
            ("billing_refund_changelist", "Refunds", "undo"),
            ("billing_autorefill_changelist", "Auto-refill", "autorenew"),
            ("billing_moneydifference_changelist", "Payment differences", "rule"),
            ("billing_payout_changelist", "Payouts", "account_balance"),
            ("billing_invoice_changelist", "Invoices", "receipt_long"),
            ("billing_taxrate_changelist", "Tax rates", "percent"),
            ("billing_billingdetails_changelist", "Billing details", "contact_mail"),
            ("billing_entry_changelist", "Ledger", "menu_book"),
            ("billing_notice_changelist", "Mails", "mail"),
            ("books", "Books", "balance"),
        ),
    ),
)


def sidebar(_request: HttpRequest) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = [
        {"items": [{"title": "What waits", "icon": "inbox", "link": reverse("admin:index")}]}
    ]
    for title, desks in DESKS:
        items = [
            {"title": label, "icon": icon, "link": link} for name, label, icon in desks if (link := _address(name))
        ]
        groups.append({"title": title, "separator": True, "items": items})
    return groups


def _address(name: str) -> str:
    try:
        return reverse(f"admin:{name}")
    except NoReverseMatch:
        return ""


@dataclass(frozen=True, slots=True)
class Waits:
    """Something that waits for somebody of the back office."""

    count: int
    label: str
    href: str


def overview(_request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What waits, and how the installation is."""
    now = clock.now()
    asked = (
        (Order.objects.filter(state=OrderState.OPEN), "orders to answer", "lines_order", "?state__exact=open"),
        (
            CreditRequest.objects.filter(state=Decision.OPEN),
            "credits that wait for a second person",
            "billing_creditrequest",
            "?state__exact=open",
        ),
        (
            Refund.objects.filter(state=Decision.WAITING),
            "refunds that wait for a second person",
            "billing_refund",
            "?state__exact=waiting",
        ),
        (
            Refund.objects.filter(state=Decision.OPEN, ask_at__lt=now),
            "refunds that Stripe has not answered",
            "billing_refund",
            "?state__exact=open",
        ),
        (
            Payment.objects.filter(state=PaymentState.PENDING, created_at__lt=now - STUCK),
            "payments that Stripe has not answered",
            "billing_payment",
            "?state__exact=pending",
        ),
        (
            Drive.objects.filter(since__lt=now - STUCK),
            "lines that their carrier has not confirmed for 15 minutes",
            "lines_drive",
            "",
        ),
        (
            Carrier.objects.filter(is_active=True)
            .filter(
                Q(breakers__open_until__gt=now)
                | Q(breakers__paused_until__gt=now)
                | Q(health__last_success_at__lt=now - STUCK)
            )
            .distinct(),
            "carriers that don’t answer",
            "lines_carrier",
            "",
        ),
        (
            Carrier.objects.filter(pk__in=running_dry()),
            "balances with carriers that run dry",
            "lines_carrier",
            "",
        ),
        (
            MoneyDifference.objects.filter(settled_at=None),
            "differences between Stripe and our ledger",
            "billing_moneydifference",
            "",
        ),
        (
            Difference.objects.filter(settled_at=None),
            "differences between carriers and us",
            "lines_difference",
            "",
        ),
        (
            AddressChange.objects.filter(is_agreed=None),
            "carrier addresses that wait for a second person",
            "lines_addresschange",
            "",
        ),
        (
            Erasure.objects.filter(is_agreed=None),
            "erasures that wait for a second person",
            "accounts_erasure",
            "",
        ),
        (HeldMovement.objects.filter(state=Hold.HELD), "movements held", "lines_heldmovement", ""),
        (
            RebaseRequest.objects.filter(state=Decision.OPEN),
            "counter changes that wait for a second person",
            "lines_rebaserequest",
            "?state__exact=open",
        ),
        (
            FinalTotal.objects.filter(total__lt=F("charged"), done_at__gt=now - dt.timedelta(days=30)),
            "months charged above the carrier’s total",
            "lines_finaltotal",
            "?below=yes",
        ),
        (
            CarrierCost.objects.filter(state=Compared.DIFFERS),
            "months whose cost the carrier tells otherwise",
            "lines_carriercost",
            "",
        ),
        (
            Quarantine.objects.filter(at__gt=now - dt.timedelta(days=1), is_mended=False),
            "answers of today that could not be read",
            "lines_quarantine",
            "",
        ),
        (
            Notice.objects.filter(failed_at__isnull=False),
            "mails that could not be sent",
            "billing_notice",
            "?failed_at__isempty=0",
        ),
        (
            PostedLetter.objects.filter(failed_at__isnull=False),
            "mails about accounts and logins that could not be sent",
            "accounts_postedletter",
            "?failed_at__isempty=0",
        ),
        (
            WebhookEvent.objects.filter(handled_at=None, received_at__lt=now - STUCK),
            "events of Stripe that could not be handled",
            "billing_webhookevent",
            "",
        ),
    )
    waits = [
        Waits(count, label, reverse(f"admin:{desk}_changelist") + query)
        for rows, label, desk, query in asked
        if (count := rows.count())
    ]
    context |= {
        "broker_answers": broker.answers(),
        "title": "What waits",
        "waits": waits,
        "books": BooksCheck.objects.exclude(ended_at=None).order_by("-pk").first(),
        "figures": [
            ("Accounts", Account.objects.filter(parent=None, is_test=False).count(), ""),
            ("Sub-accounts", Account.objects.exclude(parent=None).exclude(is_test=True).count(), ""),
            (
                "Balances too low",
                Wallet.objects.filter(is_red=True, account__parent=None, account__is_test=False).count(),
                "",
            ),
            ("Lines held", Line.objects.filter(account__isnull=False, account__is_test=False).count(), ""),
            ("Lines in stock", Line.objects.filter(account__isnull=True).count(), ""),
        ],
        "carriers": Carrier.objects.exclude(kind=SANDBOX)
        .select_related("health")
        .annotate(in_a_row=Sum("breakers__failures"))
        .order_by("name"),
        "events": [(words(one.verb), one) for one in Event.objects.select_related("account").order_by("-pk")[:12]],
    }
    return context


def margins(request: HttpRequest) -> HttpResponse:
    """What is left after the carriers: by account, plan, or the lines of one account, for a month."""
    today = clock.today()
    first, months = today.replace(day=1), []
    for _ in range(MONTHS):
        months.append(first)
        first = (first - dt.timedelta(days=1)).replace(day=1)
    asked = request.GET.get("month", "")
    month = next((one for one in months if f"{one:%Y-%m}" == asked), months[0])
    by = request.GET.get("by", "account")
    by = by if by in margin.BY else "account"
    name = request.GET.get("account", "").strip()
    account = Account.objects.filter(parent=None, name__iexact=name).first() if name else None
    needs_account = (by == "line" or bool(name)) and account is None
    rows = [] if needs_account else margin.margins(by=by, month=month, payer_id=account.pk if account else None)
    context = _frame(request) | {
        "title": "Margins",
        "rows": rows,
        "by": by,
        "kinds": [("account", "Account"), ("plan", "Rate plan"), ("line", "Line")],
        "months": months,
        "month": month,
        "account_name": name,
        "needs_account": needs_account,
        "income": sum(row.income for row in rows),
        "left": sum(row.left for row in rows),
    }
    return TemplateResponse(request, "backoffice/margins.html", context)


def books_page(request: HttpRequest) -> HttpResponse:
    """What the proofs of the books said last; a button has them run now."""
    if request.method == "POST":
        books.ask_check(by=desk_actor(request))
        return redirect("admin:books")
    checks = list(BooksCheck.objects.order_by("-pk")[:10])
    context = _frame(request) | {
        "title": "Books",
        "checks": checks,
        "last": next((check for check in checks if check.ended_at), None),
        "is_waiting": any(check.ended_at is None for check in checks),
    }
    return TemplateResponse(request, "backoffice/books.html", context)


def _frame(request: HttpRequest) -> dict[str, Any]:
    return admin.site.each_context(request)
