"""The back office's desks about what is sold: rate plans with prices and costs, coverage, orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from kit.amounts import AmountField
from kit.backoffice import Desk
from kit.errors import Invalid
from kit.money import currency
from unfold.admin import TabularInline
from unfold.decorators import action, display

from accounts.doors import desk_actor
from accounts.queries import account_by_uuid
from lines.admin.zones import SILENT, one_for_each_zone, zone_amounts, zone_fields
from lines.commands import coverage, offers, orders, prices
from lines.models import Coverage, Order, Price, RatePlan
from lines.policy import OrderState
from lines.policy.bundles import LARGEST_BUNDLE
from lines.queries.zones import tells_country, zones_of

LARGEST_FILE = 5_000_000  # bytes


class CostForm(forms.Form):
    """What the carrier takes from us."""

    cost_per_mb = AmountField(label=f"The carrier's cost of a MB, {currency().code}", places=6, at_least=Decimal(0))
    cost_per_sms = AmountField(label=f"The carrier's cost of an SMS, {currency().code}", places=6, at_least=Decimal(0))
    cost_per_day = AmountField(
        label=f"The carrier's cost of a line and day, {currency().code}", places=6, at_least=Decimal(0)
    )

    @staticmethod
    def cost(given: dict[str, Any]) -> prices.Tariff:
        return prices.Tariff(given["cost_per_mb"], given["cost_per_sms"], given["cost_per_day"])


class PriceForm(CostForm):
    since = forms.DateTimeField(label="From, UTC", help_text="In the future, like 2027-01-01 00:00")
    per_mb = AmountField(
        label=f"Our price of a MB, {currency().code}",
        places=6,
        at_least=Decimal(0),
        help_text="Where data is included, of each MB beyond it.",
    )
    per_sms = AmountField(label=f"Our price of an SMS, {currency().code}", places=6, at_least=Decimal(0))
    per_day = AmountField(label=f"Our price of a line and day, {currency().code}", places=6, at_least=Decimal(0))
    per_month = AmountField(
        label=f"Our price of a line and month, {currency().code}",
        places=6,
        at_least=Decimal(0),
        required=False,
        help_text="Owed by days: for each day of the billing cycle on which the line is on. Empty: none.",
    )
    activation = AmountField(
        label=f"Activation fee of a line, {currency().code}",
        places=6,
        at_least=Decimal(0),
        required=False,
        help_text="Owed once, for the first day on which an account has the line on. Empty: none.",
    )
    included_mb = forms.IntegerField(
        label="Included data of a line and billing cycle, MB",
        min_value=1,
        max_value=LARGEST_BUNDLE,
        required=False,
        help_text="Empty: none. It does not count data in zones with a price of their own.",
    )
    is_pooled = forms.BooleanField(label="An account’s lines on the plan have it together", required=False)
    field_order = ["since", "per_mb", "included_mb", "is_pooled", "per_sms", "per_day", "per_month", "activation"]

    @staticmethod
    def terms(given: dict[str, Any]) -> prices.Terms:
        per_month, activation = (given[name] or Decimal(0) for name in ("per_month", "activation"))
        return prices.Terms(per_month, activation, given["included_mb"], given["is_pooled"])


class OfferForm(forms.Form):
    is_public = forms.BooleanField(label="Every account may take it", required=False)
    accounts = forms.CharField(
        label="Otherwise only these accounts",
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Account UUIDs, one a line. Lines that are on the plan stay on it.",
    )


class PricesOf(TabularInline):  # type: ignore[misc]
    model = Price
    fields = readonly_fields = [
        "valid_from",
        "zone",
        "per_mb",
        "cost_per_mb",
        "included_mb",
        "is_pooled",
        "per_mb_beyond",
        "per_sms",
        "cost_per_sms",
        "per_day",
        "cost_per_day",
        "per_month",
        "activation",
    ]
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Price]:
        return one_for_each_zone(super().get_queryset(request)).order_by(F("valid_from").asc(nulls_first=True), "zone")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return True


@admin.register(RatePlan)
class PlanDesk(Desk):
    list_display = ["name", "carrier", "who", "created_at"]
    list_select_related = ["carrier", "private"]
    readonly_fields = ["who", "zones"]
    search_fields = ["name"]
    inlines = [PricesOf]
    actions_detail = ["set_price", "offer"]

    @display(description="Offered to")
    def who(self, plan: RatePlan) -> str:
        if not hasattr(plan, "private"):
            return "Every account"
        named = offers.offered_to(plan=plan) or []
        return ", ".join(account.name for account in named) or "Nobody"

    @display(description="Zones")
    def zones(self, plan: RatePlan) -> str:
        named = "; ".join(f"{one.zone.name}: {' '.join(one.codes)}" for one in zones_of(plan)) or "None"
        return named if tells_country(plan.carrier) else f"{named}. {SILENT}"

    @action(description="Who may take it", url_path="offer", icon="group")
    def offer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        plan: RatePlan = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            accounts = None if given["is_public"] else [account_by_uuid(uuid) for uuid in given["accounts"].split()]
            offers.offer_plan(plan=plan, accounts=accounts, by=desk_actor(request))
            return f"{plan.name} is offered to {'every account' if accounts is None else f'{len(accounts)} accounts'}."

        named = offers.offered_to(plan=plan)
        initial = {"is_public": named is None, "accounts": "\n".join(str(account.uuid) for account in named or ())}
        title = f"Who may take {plan.name}"
        return self.ask(request, OfferForm, act, title=title, button="Save", row=plan, initial=initial)

    @action(description="New prices from a day on", url_path="price", icon="sell")
    def set_price(self, request: HttpRequest, object_id: str) -> HttpResponse:
        plan: RatePlan = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            price = prices.Tariff(given["per_mb"], given["per_sms"], given["per_day"])
            cost, since = CostForm.cost(given), given["since"]
            zones, by = zone_amounts(plan, given), desk_actor(request)
            terms = PriceForm.terms(given)
            prices.set_price(plan=plan, since=since, price=price, cost=cost, zones=zones, terms=terms, by=by)
            beyond = f" beyond {terms.included_mb:,} MB" if terms.included_mb else ""
            return f"{plan.name} costs {price.per_mb} a MB{beyond} from {since:%-d %B %Y, %H:%M} UTC on."

        form = type("PlanPriceForm", (PriceForm,), zone_fields(plan))
        return self.ask(request, form, act, title=f"New prices of {plan.name}", button="Set them", row=plan)


@admin.register(Price)
class PriceDesk(Desk):
    called = "prices and costs"
    list_display = [
        "plan",
        "zone",
        "valid_from",
        "per_mb",
        "cost_per_mb",
        "included_mb",
        "is_pooled",
        "per_mb_beyond",
        "per_sms",
        "cost_per_sms",
        "per_day",
        "cost_per_day",
        "per_month",
        "activation",
    ]
    list_filter = ["plan"]
    list_select_related = ["plan", "zone"]
    actions_detail = ["know_cost"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Price]:
        return one_for_each_zone(super().get_queryset(request))

    @action(description="What the carrier takes", url_path="cost", icon="price_check")
    def know_cost(self, request: HttpRequest, object_id: str) -> HttpResponse:
        price: Price = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            prices.know_cost(price_id=price.pk, cost=CostForm.cost(given), by=desk_actor(request))
            return "The carrier's cost is known; margins count it for as long as these prices were in force."

        initial = {name: getattr(price, name) for name in CostForm.base_fields}
        title = f"What the carrier takes for {price.plan}"
        return self.ask(request, CostForm, act, title=title, button="Save", row=price, initial=initial)


class FileForm(forms.Form):
    file = forms.FileField(
        label="CSV or XLSX file",
        help_text=f"Columns {', '.join(coverage.HEADS)}. It is the whole truth about each plan that it names.",
    )
    plan = forms.ModelChoiceField(
        RatePlan.objects.order_by("name"),
        label="Rate plan",
        required=False,
        help_text="Of rows that name none, as in tables of all the world's networks.",
    )


@admin.register(Coverage)
class CoverageDesk(Desk):
    called = "networks"
    list_display = ["country", "code", "plan", "network", "technologies"]
    list_filter = ["plan"]
    list_select_related = ["plan"]
    search_fields = ["country", "network", "=code"]
    ordering = ["country", "network"]
    actions_list = ["load"]

    @action(description="Load from CSV", url_path="load", icon="upload")
    def load(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            loaded = coverage.load_coverage(
                table=coverage.coverage_in(content=_content(given["file"])), plan=given["plan"], by=desk_actor(request)
            )
            if loaded.bad_rows:
                wrong = "; ".join(f"row {bad['row']}: {bad['why']}" for bad in loaded.bad_rows[:10])
                raise Invalid(f"Nothing is changed. {len(loaded.bad_rows)} bad rows: {wrong}")
            said = [f"{name} {count} networks" for name, count in loaded.plans.items()]
            left = [f"{len(loaded.left_out)} rows are left out."] if loaded.left_out else []
            return " ".join([f"Loaded: {', '.join(said)}.", *loaded.notes, *left])

        return self.ask(request, FileForm, act, title="Load coverage", button="Load", again=False)


def _content(file: Any) -> bytes:
    """Raises Invalid."""
    if file.size > LARGEST_FILE:
        raise Invalid("The file is over 5 MB; use manage.py import_coverage")
    content: bytes = file.read()
    return content


class AnswerForm(forms.Form):
    answer = forms.CharField(label="Answer", max_length=2000, widget=forms.Textarea(attrs={"rows": 6}))


@admin.register(Order)
class OrderDesk(Desk):
    list_display = ["created_at", "account", "quantity", "plan", "contact", "email", "status"]
    list_filter = ["state"]
    list_select_related = ["account", "plan"]
    actions_detail = ["answer_it"]

    @display(description="State", label={"Open": "warning", "Answered": "success", "Withdrawn": ""})
    def status(self, order: Order) -> str:
        return OrderState(order.state).name.title()

    @action(description="Answer", url_path="answer", icon="reply")
    def answer_it(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order: Order = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            orders.answer_order(order_id=order.pk, answer=given["answer"], by=desk_actor(request))
            return f"Answered; the mail goes to {order.email}."

        about = f"{order.quantity:,} SIM cards for {order.account}, to {order.address}. {order.message}"
        title = f"Answer {order.contact}"
        return self.ask(request, AnswerForm, act, title=title, button="Answer", row=order, about=about, again=False)
