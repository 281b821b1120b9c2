"""The back office's desk about where carriers' stock and ours differ, with a way to settle each."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from kit.backoffice import ConfirmForm, Desk
from unfold.decorators import action, display

from accounts.doors import desk_actor
from lines.commands import differences
from lines.models import Difference, RatePlan
from lines.policy import Differs

LABELS = {"unknown to us": "info", "missing there": "danger", "drifts": "warning"}
WORDS = {Differs.UNKNOWN: "unknown to us", Differs.MISSING: "missing there", Differs.DRIFT: "drifts"}


class Open(admin.SimpleListFilter):
    title, parameter_name = "settled", "settled"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [("yes", "Settled")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Difference]) -> QuerySet[Difference]:
        return rows.filter(settled_at__isnull=self.value() != "yes")


@admin.register(Difference)
class DifferenceDesk(Desk):
    """SIMs that only one of us has, and lines that are long otherwise than we want them."""

    list_display = ["iccid", "how", "said", "carrier", "found_at", "seen_at", "settled_how"]
    list_filter = [Open, "kind", "carrier"]
    list_select_related = ["carrier"]
    search_fields = ["=iccid"]
    actions_detail = ["take", "drive", "leave"]

    @display(description="Differs", label=LABELS)
    def how(self, row: Difference) -> str:
        return WORDS[Differs(row.kind)]

    @action(description="Take into stock", url_path="take", icon="add")
    def take(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Difference = self.found(request, object_id)

        class OfCarrier(forms.Form):
            plan = forms.ModelChoiceField(
                RatePlan.objects.filter(carrier_id=row.carrier_id), label="Rate plan", empty_label=None
            )

        def act(given: dict[str, Any]) -> str:
            added = differences.add_to_stock(differences=[row], plan=given["plan"], by=desk_actor(request))
            return f"{row.iccid} is in stock." if added else f"{row.iccid} is a line already."

        return self.ask(request, OfCarrier, act, title=row.iccid, button="Take into stock", row=row)

    @action(description="Ask the carrier again", url_path="drive", icon="refresh")
    def drive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Difference = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            differences.drive_again(differences=[row], by=desk_actor(request))
            return f"{row.carrier.name} is asked to do what we want of {row.iccid}."

        about = f"Wanted and reported differ: {row.said}. A line in stock is switched off."
        return self.ask(
            request, ConfirmForm, act, title=row.iccid, button="Ask again", row=row, about=about, again=False
        )

    @action(description="Leave as it is", url_path="leave", icon="visibility_off")
    def leave(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Difference = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            differences.dismiss(differences=[row], by=desk_actor(request))
            return f"{row.iccid} is left as it is and shown no more."

        return self.ask(request, ConfirmForm, act, title=row.iccid, button="Leave as it is", row=row, again=False)
