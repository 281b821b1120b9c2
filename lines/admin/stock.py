"""What the back office does with stock: for whom it is kept, the codes printed with cards, whose a line is."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from kit.backoffice import Desk
from kit.errors import Invalid, NotFound
from unfold.decorators import action

from accounts.doors import desk_actor
from accounts.queries import account_by_uuid
from lines.commands import claims
from lines.models import Order


class IccidsForm(forms.Form):
    iccids = forms.CharField(
        label="ICCIDs", max_length=200_000, widget=forms.Textarea(attrs={"rows": 8}), help_text="One a line."
    )


class ReserveForm(IccidsForm):
    account = forms.CharField(label="Account UUID", max_length=36)
    batch = forms.CharField(label="Batch", max_length=64, required=False, help_text="The account reads it.")
    order = forms.IntegerField(label="Order number", required=False, min_value=1)
    field_order = ["account", "batch", "order", "iccids"]


class CodesForm(forms.Form):
    rows = forms.CharField(
        label="ICCID and code",
        max_length=400_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="One card a line, with a comma or a space between: 8944500000000000017,7KQ2M4XP. Kept as a hash.",
    )


class StockDesk(Desk):
    """The actions of the desk of lines that are about stock."""

    actions_list = ["reserve", "release", "load_codes", "confirm"]

    @action(description="Reserve for an account", url_path="reserve", icon="bookmark")
    def reserve(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            account = account_by_uuid(given["account"])
            order = Order.objects.filter(pk=given["order"]).first() if given["order"] else None
            if given["order"] and order is None:
                raise NotFound(f"There is no order {given['order']}")
            iccids = iccids_in(given["iccids"])
            kept = claims.reserve(
                iccids=iccids, account=account, batch=given["batch"], order=order, by=desk_actor(request)
            )
            return f"{kept.kept:,} lines are reserved for {account.name}.{_left_out(kept)}"

        return self.ask(request, ReserveForm, act, title="Reserve stock for an account", button="Reserve")

    @action(description="Release reservations", url_path="release", icon="bookmark_remove")
    def release(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            return (
                f"{claims.release(iccids=iccids_in(given['iccids']), by=desk_actor(request)):,} reservations released."
            )

        return self.ask(request, IccidsForm, act, title="Release reservations", button="Release", again=False)

    @action(description="Load card codes", url_path="codes", icon="password")
    def load_codes(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            kept = claims.keep_claim_codes(rows=pairs_in(given["rows"]), by=desk_actor(request))
            return f"{kept.kept:,} codes are kept.{_left_out(kept)}"

        return self.ask(request, CodesForm, act, title="Codes printed with cards", button="Load")

    @action(description="Confirm lines as their account's", url_path="confirm", icon="verified")
    def confirm(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            count = claims.confirm_lines(iccids=iccids_in(given["iccids"]), by=desk_actor(request))
            return f"{count:,} lines are confirmed. Their accounts may see PIN and PUK."

        return self.ask(request, IccidsForm, act, title="Confirm lines as their account's", button="Confirm")


def iccids_in(text: str) -> list[str]:
    """One a line; each is read as people write them."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def pairs_in(text: str) -> list[tuple[str, str]]:
    """ICCID and code of each line. Raises Invalid."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = [part for part in re.split(r"[,;\s]+", line.strip()) if part]
        if parts and len(parts) != 2:
            raise Invalid(f"Row {number} is no ICCID and code")
        found += [(parts[0], parts[1])] if parts else []
    return found


def _left_out(kept: claims.Kept) -> str:
    """The first cards that were left out."""
    some = "; ".join(f"{iccid}: {why}" for iccid, why in kept.refused[:5])
    return f" {len(kept.refused):,} are left out: {some}" if kept.refused else ""
