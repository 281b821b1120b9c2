"""The back office's desk of zones: named lists of countries, and what data costs there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from kit.amounts import AmountField
from kit.backoffice import Desk
from kit.countries import code_of, name_of, why_not
from kit.errors import Invalid
from kit.money import ZERO, currency
from unfold.decorators import action, display

from accounts.doors import desk_actor
from lines.commands import prices, zones
from lines.models import Carrier, RatePlan, Zone
from lines.queries.zones import lists_of, tells_country, zones_of

LARGEST_FILE = 1_000_000  # bytes
SILENT = "This carrier doesn’t tell the country, so all data of its lines costs the default price."


class SinceForm(forms.Form):
    since = forms.DateTimeField(
        label="From, UTC",
        help_text="In the future, like 2027-01-01 00:00. Plans with prices of these zones follow then.",
    )


class ListsForm(SinceForm):
    file = forms.FileField(
        label="CSV or XLSX file",
        help_text=f"Columns {', '.join(zones.HEADS)}; a row for each country. It replaces all the lists there are.",
    )
    carrier = forms.ModelChoiceField(Carrier.objects.order_by("name"), label="Carrier")
    plan = forms.ModelChoiceField(
        RatePlan.objects.order_by("name"),
        label="Rate plan",
        required=False,
        help_text="Only if it has lists of its own instead of its carrier’s.",
    )
    field_order = ["file", "carrier", "plan", "since"]


class CountriesForm(SinceForm):
    countries = forms.CharField(
        label="Countries",
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="ISO 3166-1 codes, with spaces between. None: the default price holds there again.",
    )
    field_order = ["countries", "since"]


@admin.register(Zone)
class ZoneDesk(Desk):
    called = "zones"
    list_display = ["name", "carrier", "of_plan", "countries"]
    list_filter = ["carrier"]
    list_select_related = ["carrier", "plan"]
    fields = readonly_fields = ["name", "carrier", "of_plan", "countries", "told"]
    search_fields = ["name", "=countries__code"]
    ordering = ["carrier__name", "plan__name", "name"]
    actions_list = ["load"]
    actions_detail = ["edit"]

    @display(description="Rate plan")
    def of_plan(self, zone: Zone) -> str:
        return zone.plan.name if zone.plan else "Every plan without lists of its own"

    @display(description="Countries")
    def countries(self, zone: Zone) -> str:
        return " ".join(zone.countries.order_by("code").values_list("code", flat=True)) or "None"

    @display(description="Carrier tells the country")
    def told(self, zone: Zone) -> str:
        return "Yes" if tells_country(zone.carrier) else f"No. {SILENT}"

    @action(description="Load from CSV", url_path="load", icon="upload")
    def load(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            if given["file"].size > LARGEST_FILE:
                raise Invalid("The file is over 1 MB")
            loaded = zones.load_zones(
                table=zones.zones_in(content=given["file"].read()),
                carrier=given["carrier"],
                plan=given["plan"],
                since=given["since"],
                by=desk_actor(request),
            )
            if loaded.bad_rows:
                wrong = "; ".join(f"row {number}: {why}" for number, why in loaded.bad_rows[:10])
                raise Invalid(f"Nothing is changed. {len(loaded.bad_rows)} bad rows: {wrong}")
            return " ".join([_said(loaded), *loaded.notes])

        return self.ask(request, ListsForm, act, title="Load zones", button="Load")

    @action(description="Change its countries", url_path="countries", icon="edit")
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        zone: Zone = self.found(request, object_id)
        lists = {one.zone.name: one.codes for one in lists_of(carrier=zone.carrier, plan=zone.plan)}

        def act(given: dict[str, Any]) -> str:
            wanted = {name: codes for name, codes in lists.items() if codes and name != zone.name}
            wanted[zone.name] = _codes(given["countries"])  # last: a country that another one has is named so
            done = zones.set_zones(
                carrier=zone.carrier, plan=zone.plan, zones=wanted, since=given["since"], by=desk_actor(request)
            )
            return _said(done)

        initial = {"countries": " ".join(lists[zone.name])}
        title = f"Countries of {zone.name}"
        return self.ask(request, CountriesForm, act, title=title, button="Save", row=zone, initial=initial)


def _codes(text: str) -> list[str]:
    """Raises Invalid."""
    found = []
    for part in text.replace(",", " ").split():
        if not (code := code_of(part)):
            raise Invalid(why_not(part), field="countries")
        found.append(code)
    if twice := [code for code in found if found.count(code) > 1]:
        raise Invalid(f"{name_of(twice[0])} stands there twice", field="countries")
    return found


def _said(done: zones.Listed) -> str:
    lists = ", ".join(f"{name} {count}" for name, count in done.zones.items()) or "none"
    follow = f" New prices with them: {', '.join(done.plans)}." if done.plans else ""
    return f"Countries by zone: {lists}.{follow}"


def zone_fields(plan: RatePlan) -> dict[str, forms.Field]:
    """A price and a cost for each zone of a plan, both optional: without a price the default one holds there."""
    fields: dict[str, forms.Field] = {}
    code = currency().code
    silent = "" if tells_country(plan.carrier) else f" {SILENT}"
    for one in zones_of(plan):
        where = f"{one.zone.name} ({len(one.codes)} countries)"
        fields[f"zone_{one.zone.pk}"] = AmountField(
            label=f"Our price of a MB in {where}, {code}",
            places=6,
            at_least=ZERO,
            required=False,
            help_text=f"Empty: the default price.{silent}",
        )
        fields[f"zone_cost_{one.zone.pk}"] = AmountField(
            label=f"The carrier’s cost of a MB in {where}, {code}", places=6, at_least=ZERO, required=False
        )
    return fields


def zone_amounts(plan: RatePlan, given: dict[str, Any]) -> dict[int, prices.Abroad]:
    return {
        one.zone.pk: prices.Abroad(price, given.get(f"zone_cost_{one.zone.pk}"))
        for one in zones_of(plan)
        if (price := given.get(f"zone_{one.zone.pk}")) is not None
    }


def one_for_each_zone(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Of a zone's countries, which all cost the same, the first alone."""
    first = rows.order_by("plan", "valid_from", "zone", "country").distinct("plan", "valid_from", "zone")
    return rows.filter(pk__in=first.values("pk"))
