"""The back office's desks about accounts that come from Keepgo: the move itself, and both sides side by side."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from kit import clock
from kit.backoffice import ConfirmForm, Desk, Preview
from kit.errors import Invalid
from kit.money import shown
from unfold.decorators import action, display

from accounts.doors import desk_actor
from accounts.queries import account_by_uuid
from billing.queries import balance_of
from lines.commands.clearing import LONGEST_NOTE, dismiss_days, settle_days
from lines.commands.moves import confirm_move, open_balance
from lines.models import Carrier, Move, MoveDay
from lines.policy import Settled
from lines.queries.clearing import differing, with_ours
from lines.work import moving

MOST_MONTHS = 120


class MoveForm(forms.Form):
    carrier = forms.ModelChoiceField(Carrier.objects.filter(is_active=True).order_by("name"), label="Carrier")
    account = forms.CharField(label="Account UUID", max_length=36)
    plan = forms.CharField(label="Rate plan", max_length=100, required=False, help_text="For plans without a match.")
    plans = forms.CharField(
        label="Matching rate plans",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One per line: plan at Keepgo = rate plan here. Plans with the same name match.",
    )
    months = forms.IntegerField(label="Months of history", min_value=0, max_value=MOST_MONTHS, initial=12)
    file = forms.FileField(label="CSV or XLSX file", required=False, help_text="Instead of reading from Keepgo.")
    go = forms.BooleanField(label="Start the import", required=False, help_text="Leave empty to preview only.")


class NoteForm(forms.Form):
    note = forms.CharField(label="Note", max_length=LONGEST_NOTE)


@admin.register(Move)
class MoveDesk(Desk):
    """Accounts on their way, and those that have come."""

    called = "Moves from Keepgo"
    list_display = ["account", "carrier", "began_at", "progress", "balances", "confirmed_at", "compared_at"]
    list_select_related = ["account", "carrier"]
    actions_list = ["begin"]
    fields = [
        "account", "carrier", "months", "began_at", "began_by", "progress", "balances", "history", "opening",
        "confirmed_at", "confirmed_by", "compared_at",
    ]  # fmt: skip
    readonly_fields = ["progress", "balances", "history"]
    actions_detail = ["again", "compare", "confirm"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Move]:
        rows: QuerySet[Move] = super().get_queryset(request)
        here, failed = Q(lines__line__isnull=False), ~Q(lines__failed="")
        return rows.annotate(
            total=Count("lines"), here=Count("lines", filter=here), failed=Count("lines", filter=failed)
        )

    @display(description="Imported")
    def progress(self, row: Any) -> str:
        refused = f", {row.failed:,} refused" if row.failed else ""
        return f"{row.here:,} of {row.total:,}{refused}"

    @display(description="Balance here / at Keepgo")
    def balances(self, row: Any) -> str:
        there = row.balance_there if row.compared_at else row.balance
        here = balance_of(row.account, today=clock.today()).available
        return f"{shown(here)} / {'not told' if there is None else shown(there)}"

    @display(description="Payments at Keepgo")
    def history(self, row: Any) -> str:
        """Each payment there: the opening balance is what was left of them."""
        paid = (f"{date.fromisoformat(day):%-d %b %Y} {shown(Decimal(usd))}" for day, usd in row.payments_there)
        return "; ".join(paid) or "none"

    @action(description="Move an account", url_path="begin", icon="move_up")
    def begin(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            account, carrier = account_by_uuid(given["account"].strip()), given["carrier"]
            there = moving.look_into(given["file"].read()) if given["file"] else moving.look(carrier)
            plans, default = _pairs(given["plans"]), given["plan"].strip()
            arranged = moving.arrange(there=there, account=account, carrier=carrier, plans=plans, default=default)
            said = _said(arranged)
            if not given["go"]:
                raise Preview(f"Preview, nothing imported. {said}")
            by = desk_actor(request)
            move = moving.begin(arranged=arranged, account=account, carrier=carrier, months=given["months"], by=by)
            open_balance(move=move, by=by, by_person=True)
            return f"Import started. {said}"

        about = "Statuses stay as they are. Past usage costs nothing here. Balance and rules apply once you confirm."
        return self.ask(request, MoveForm, act, title="Move an account", button="Continue", about=about)

    @action(description="Continue import", url_path="again", icon="refresh")
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        move: Move = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            Move.objects.filter(pk=move.pk).update(due_at=None)
            open_balance(move=move, by=desk_actor(request), by_person=True)
            return "Import continues in a moment."

        about = "SIMs that wait are read again. Nothing is imported twice."
        return self.ask(
            request, ConfirmForm, act, title=str(move), button="Continue import", row=move, about=about, again=False
        )

    @action(description="Compare now", url_path="compare", icon="compare_arrows")
    def compare(self, request: HttpRequest, object_id: str) -> HttpResponse:
        move: Move = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            compared = moving.compare(move=move)
            move.refresh_from_db()
            found = differing(MoveDay.objects.filter(move=move, settled=""), today=clock.today()).count()
            here = balance_of(move.account, today=clock.today()).available
            there = "not told" if move.balance_there is None else shown(move.balance_there)
            return f"{compared:,} days compared, {found:,} differ. Balance here {shown(here)}, at Keepgo {there}."

        return self.ask(
            request, ConfirmForm, act, title=str(move), button="Compare now", row=move, again=False,
            about="Reads each imported line’s days from Keepgo.",
        )  # fmt: skip

    @action(description="Confirm the move", url_path="confirm", icon="check")
    def confirm(self, request: HttpRequest, object_id: str) -> HttpResponse:
        move: Move = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            open_balance(move=move, by=desk_actor(request), by_person=True)
            lines = confirm_move(move=move, by=desk_actor(request))
            return f"Confirmed. Balance and rules apply to {lines:,} lines."

        balance = balance_of(move.account, today=clock.today())
        about = f"Balance {shown(balance.available)}, minimum {shown(balance.minimum)}. Below it, lines are suspended."
        return self.ask(request, ConfirmForm, act, title=str(move), button="Confirm the move", row=move, about=about)


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for row in filter(str.strip, text.splitlines()):
        theirs, _, ours = row.rpartition("=")
        if not theirs.strip() or not ours.strip():
            raise Invalid(f"Write “plan at Keepgo = rate plan here”, not “{row.strip()[:60]}”.")
        found[theirs.strip()] = ours.strip()
    return found


def _said(arranged: moving.Arranged) -> str:
    """What would come, in sentences."""
    there = arranged.there
    said = [f"Lines to import: {len(arranged.coming):,}. Already here: {arranged.here:,}."]
    if there.balance is not None:
        said.append(f"Opening balance {shown(there.balance)}, {len(there.payments):,} payments.")
    if none := sorted(name for name, ours in arranged.plans.items() if not ours):
        said.append(f"No rate plan for {', '.join(none[:5])}.")
    if arranged.refused:
        first = arranged.refused[0]
        said.append(f"{len(arranged.refused):,} can’t be imported, first {first['iccid']}: {first['why']}.")
    return " ".join(said)


class Which(admin.SimpleListFilter):
    title, parameter_name = "which", "which"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [("settled", "Settled"), ("all", "All days")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[MoveDay]) -> QuerySet[MoveDay]:
        if self.value() == "all":
            return with_ours(rows)
        if self.value() == "settled":
            return with_ours(rows.exclude(settled=""))
        return differing(rows.filter(settled=""), today=clock.today())


@admin.register(MoveDay)
class MoveDayDesk(Desk):
    """Days on which Keepgo says otherwise than we do."""

    called, one = "Differences to Keepgo", "difference"
    list_display = ["iccid", "day", "bytes_here", "bytes_there", "cost_here", "cost_there", "decision"]
    fields = [
        "move", "line", "day", "bytes_here", "bytes_there", "cost_here", "cost_there", "told_at", "decision",
        "settled_at", "entry",
    ]  # fmt: skip
    readonly_fields = ["bytes_here", "bytes_there", "cost_here", "cost_there", "decision"]
    list_filter = [Which, "move"]
    list_select_related = ["line", "move__account"]
    search_fields = ["=line__iccid"]
    actions_detail = ["credit", "leave"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_ours(super().get_queryset(request))

    @display(description="Line")
    def iccid(self, row: Any) -> str:
        return str(row.line.iccid)

    @display(description="Decision")
    def decision(self, row: Any) -> str:
        if not row.settled:
            return ""
        return f"{'Dismissed' if row.settled == Settled.DISMISSED else 'Settled'} by {row.settled_by}: {row.note}"

    @display(description="Bytes here")
    def bytes_here(self, row: Any) -> str:
        return f"{row.here:,}"

    @display(description="Bytes at Keepgo")
    def bytes_there(self, row: Any) -> str:
        return f"{row.used:,}"

    @display(description="Charged here")
    def cost_here(self, row: Any) -> str:
        return shown(row.charged)

    @display(description="Charged at Keepgo")
    def cost_there(self, row: Any) -> str:
        return "" if row.cost is None else shown(row.cost)

    @action(description="Settle by credit", url_path="credit", icon="payments")
    def credit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Any = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            amount = settle_days(days=[row], note=given["note"], by=desk_actor(request))
            return f"{shown(abs(amount))} {'credited' if amount > 0 else 'debited'} for {row.line.iccid}."

        about = f"Charged {shown(row.charged)} here, {self.cost_there(row) or 'an unknown amount'} at Keepgo."
        return self.ask(request, NoteForm, act, title=str(row.line), button="Settle", row=row, about=about)

    @action(description="Dismiss", url_path="dismiss", icon="visibility_off")
    def leave(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Any = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            dismiss_days(days=[row], note=given["note"], by=desk_actor(request))
            return f"{row.line.iccid}, {row.day:%-d %b} dismissed."

        return self.ask(request, NoteForm, act, title=str(row.line), button="Dismiss", row=row, again=False)
