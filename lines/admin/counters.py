"""The back office's desks about counters: movements that are held, and counters that a person changes."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from kit.backoffice import ConfirmForm, Desk
from kit.money import shown
from kit.second_person import Asked, SecondPersonDesk
from unfold.decorators import action, display

from accounts.doors import desk_actor
from lines.commands import held, rebasing
from lines.models import HeldMovement, Line, RebaseRequest
from lines.policy import MEGABYTE, Hold

HOLD_LABELS = {"held": "warning", "charged": "success", "taken back": "info", "dismissed": ""}


def megabytes(used: int) -> str:
    return f"{used / MEGABYTE:,.1f} MB"


class RebaseForm(forms.Form):
    counter = forms.IntegerField(label="Counter in bytes", min_value=0, help_text="What the carrier should be showing.")
    reason = forms.CharField(label="Reason", max_length=300)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class Decided(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [("all", "All"), *((one.value, one.value.capitalize()) for one in Hold if one is not Hold.HELD)]

    def queryset(self, _request: HttpRequest, rows: QuerySet[HeldMovement]) -> QuerySet[HeldMovement]:
        return rows if self.value() == "all" else rows.filter(state=self.value() or Hold.HELD)


@admin.register(HeldMovement)
class HeldDesk(Desk):
    """Movements too large to be charged at once; the next reading decides, or a person here."""

    called = "held movements"
    list_display = ["line", "payer", "asked_at", "moved", "how", "day", "decided_at", "decided_by"]
    list_filter = [Decided]
    list_select_related = ["line", "payer"]
    search_fields = ["=line__iccid"]
    fields = [
        "line", "payer", "moved", "counters", "how", "asked_at", "earlier_at", "cycle", "day", "price",
        "decided_at", "decided_by",
    ]  # fmt: skip
    readonly_fields = ["moved", "counters", "how"]
    actions_detail = ["charge", "dismiss"]

    @display(description="Data")
    def moved(self, row: HeldMovement) -> str:
        return megabytes(row.bytes)

    @display(description="Counter, bytes")
    def counters(self, row: HeldMovement) -> str:
        return f"{row.counter_before:,} to {row.counter:,}"

    @display(description="State", label=HOLD_LABELS)
    def how(self, row: HeldMovement) -> str:
        return str(row.state)

    @action(description="Charge", url_path="charge", icon="check")
    def charge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, charge=True)

    @action(description="Dismiss", url_path="dismiss", icon="close")
    def dismiss(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, charge=False)

    def _decide(self, request: HttpRequest, object_id: str, *, charge: bool) -> HttpResponse:
        row: HeldMovement = self.found(request, object_id)
        word = f"{'Charge' if charge else 'Dismiss'} {megabytes(row.bytes)}"

        def act(_given: dict[str, Any]) -> str:
            held.decide_held(held_id=row.pk, charge=charge, by=desk_actor(request))
            return f"{megabytes(row.bytes)} of line {row.line.iccid} {'charged' if charge else 'dismissed'}."

        about = f"Used on {row.day:%-d %b %Y}. " + (
            "It will be charged at that day’s price."
            if charge
            else "Nothing will be charged. The counter continues from there."
        )
        title = f"{word} of line {row.line.iccid}"
        return self.ask(request, ConfirmForm, act, title=title, button=word, row=row, about=about)


@admin.register(RebaseRequest)
class RebaseDesk(SecondPersonDesk):
    """Counters that a person changes; above the credit limit a second person decides."""

    called = "counter changes"
    list_display = ["asked_at", "line", "counters", "usd", "reason", "asked_by", "state", "decided_by"]
    list_filter = ["state"]
    list_select_related = ["line"]
    search_fields = ["=line__iccid"]
    fields = ["line", "counters", "usd", "cycle", "reason", "asked_at", "asked_by", "state", "decided_at", "decided_by"]
    readonly_fields = ["counters", "usd"]

    @display(description="Counter, bytes")
    def counters(self, row: RebaseRequest) -> str:
        return f"{row.counter_before:,} to {row.counter:,}"

    @display(description="Worth", ordering="worth")
    def usd(self, row: RebaseRequest) -> str:
        return shown(row.worth)

    def asked(self, row: RebaseRequest) -> Asked:
        about = (
            f"{row.asked_by} requested it for line {row.line.iccid}: {row.reason}."
            f" From {row.counter_before:,} to {row.counter:,} bytes, worth {shown(row.worth)}."
        )
        return Asked("counter change", about)

    def decide(self, request: HttpRequest, row: RebaseRequest, *, agreed: bool) -> str:
        rebasing.decide_rebase(request_id=row.pk, agreed=agreed, by=desk_actor(request))
        return f"Counter of line {row.line.iccid} {f'set to {row.counter:,} bytes' if agreed else 'not changed'}."


class CounterDesk(Desk):
    """The action of the desk of lines that is about its counter."""

    @action(description="Rebase counter", url_path="rebase", icon="speed")
    def rebase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        line: Line = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            asked = rebasing.ask_rebase(iccid=line.iccid, by=desk_actor(request), **given)
            if asked.decided_at:
                return f"Counter of {line.iccid} set to {asked.counter:,} bytes."
            return f"Worth {shown(asked.worth)}: it needs a second person. See Counter changes."

        read_at = line.state.read_at
        synced = f"synced {read_at:%-d %b %Y, %H:%M} UTC" if read_at else "never synced"
        about = (
            f"Now {line.state.counter:,} bytes, {synced}."
            " Data above the new counter is charged as usual. Past charges don’t change."
        )
        title = f"Rebase the counter of line {line.iccid}"
        return self.ask(request, RebaseForm, act, title=title, button="Set counter", row=line, about=about)
