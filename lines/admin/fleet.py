"""The back office's desks about lines: stock, carriers and their health, what waits for them, jobs, messages."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from kit import clock
from kit.backoffice import Desk
from kit.money import shown
from unfold.decorators import action, display

from accounts.doors import desk_actor
from lines.admin.carriers import ChangeDesk
from lines.admin.connecting import ConnectDesk
from lines.admin.counters import CounterDesk
from lines.admin.stock import StockDesk
from lines.admin.webhooks import WebhookDesk
from lines.carriers import CLIENTS
from lines.carriers.base import CallKind
from lines.commands import breakers, naming, tuning
from lines.models import (
    BulkEdit,
    Carrier,
    Drive,
    FinalTotal,
    Job,
    Line,
    Quarantine,
    ReadingPass,
    SmsMessage,
)
from lines.policy import Status, Wanted, status
from lines.queries.funds import funds_of
from lines.queries.health import Health, health_of
from lines.queries.search import by_index
from lines.rules import is_confirmed_on

STATUS_LABELS = {
    Status.ACTIVATED.word: "primary",  # the console's colours of the same
    Status.ACTIVATION_READY.word: "primary",
    Status.SUSPENDED.word: "danger",
    Status.DEACTIVATED.word: "",
}


def _exactly(moment: dt.datetime | None) -> str:
    return f"{moment:%-d %b %Y, %H:%M}" if moment else ""


class InStock(admin.SimpleListFilter):
    title, parameter_name = "stock", "stock"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [("yes", "In stock"), ("no", "Held by an account")]

    def queryset(self, _request: HttpRequest, lines: QuerySet[Line]) -> QuerySet[Line]:
        return lines.filter(account__isnull=self.value() == "yes") if self.value() else lines


@admin.register(Line)
class LineDesk(StockDesk, CounterDesk):
    list_display = ["iccid", "state_word", "account", "payer", "kept_for", "carrier", "plan", "last_read"]
    list_filter = [InStock, "carrier", "plan", "state__wanted"]
    list_select_related = ["account", "payer", "carrier", "plan", "state", "reservation__account", "claim_code"]
    search_fields = ["iccid"]
    search_help_text = "Beginning or end of ICCID, IMEI or MSISDN; words of the notes"
    fields = [
        "iccid",
        "carrier",
        "plan",
        "account",
        "payer",
        "notes",
        "imei",
        "msisdn",
        "added_at",
        "deactivation_date",
    ]
    readonly_fields = ["state_word", "kept_for", "last_read"]
    actions_detail = ["rebase", "carrier_state"]

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Line], search_term: str
    ) -> tuple[QuerySet[Line], bool]:
        return (by_index(queryset, search_term) if search_term.strip() else queryset), False

    @display(description="Status", label=STATUS_LABELS)
    def state_word(self, line: Line) -> str:
        state = line.state
        return status(Wanted(state.wanted), confirmed_on=is_confirmed_on(state.reported, blocked=state.blocked)).word

    @display(description="Kept for")
    def kept_for(self, line: Line) -> str:
        """Who may take a line out of stock: an account, or whoever has the code of its card."""
        if line.account_id is not None:
            return ""
        reservation, code = getattr(line, "reservation", None), getattr(line, "claim_code", None)
        if reservation is not None:
            return f"{reservation.account}, {reservation.batch}" if reservation.batch else str(reservation.account)
        return "the card’s code" if code is not None else "nobody"

    @action(description="State at the carrier", url_path="carrier-state", icon="sim_card")
    def carrier_state(self, request: HttpRequest, object_id: str) -> HttpResponse:
        line: Line = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            naming.ask_state(line=line, state=given["state"], by=desk_actor(request))
            return f"{given['state']} requested for {line.iccid}. The line’s page shows what the carrier confirmed."

        about = (
            f"The carrier last said: {line.state.reported_word or 'nothing'}. RETIRED is for good with most networks."
        )
        return self.ask(request, StateForm, act, title=line.iccid, button="Request", row=line, about=about)

    @display(description="Read")
    def last_read(self, line: Line) -> Any:
        return line.state.read_at


class StateForm(forms.Form):
    state = forms.ChoiceField(label="State at the carrier", choices=[(one, one) for one in naming.STATES])


class CarrierForm(forms.Form):
    url = forms.URLField(
        label="Address of its API",
        max_length=500,
        assume_scheme="https",
        help_text="Another address waits until a second person of the back office agrees.",
    )
    read_every = forms.IntegerField(label="Seconds between two readings", min_value=5, max_value=86_400)
    calls_per_second = forms.FloatField(label="Calls a second", min_value=0.01, max_value=1_000)
    calls_per_minute = forms.IntegerField(
        label="Calls a minute", min_value=0, max_value=1_000_000, required=False, help_text="Empty or 0: no limit."
    )
    calls_per_day = forms.IntegerField(
        label="Calls a day", min_value=0, max_value=1_000_000_000, required=False, help_text="Empty or 0: no limit."
    )
    apn = forms.CharField(
        label="APN of 2G, 3G and LTE", max_length=100, required=False, help_text="Shown where the carrier says none."
    )
    apn_user = forms.CharField(label="APN user", max_length=100, required=False)
    apn_password = forms.CharField(label="APN password", max_length=100, required=False)
    bulk_edits = forms.BooleanField(
        label="Our account there may switch many SIMs by one call",
        required=False,
        help_text="IoT Portal: BulkEditDevice.",
    )
    device_edits = forms.BooleanField(
        label="Our account there may edit what SIMs are called",
        required=False,
        help_text="IoT Portal: EditDevice.",
    )


class ResumeForm(forms.Form):
    kind = forms.ChoiceField(
        label="Calls",
        required=False,
        choices=[("", "All calls"), *((kind.value, kind.value.capitalize()) for kind in CallKind)],
    )


SEEN = ["last_answer", "last_reading", "failed", "left", "funds", "told_costs", "stopped", "last_failure"]


@admin.register(Carrier)
class CarrierDesk(ConnectDesk, WebhookDesk, ChangeDesk):
    actions_list = ["connect"]
    list_display = [
        "name",
        "is_active",
        "state",
        "last_answer",
        "last_reading",
        "failed",
        "left",
        "funds",
        "stopped",
        "last_failure",
    ]
    readonly_fields = ["state", *SEEN]
    exclude = ["secrets"]
    actions_detail = [
        "tune", "cycle", "resume", "words", "test", "import_sims", "webhook", "credentials", "restore",
        "pause", "remove",
    ]  # fmt: skip

    def _health(self, carrier: Carrier) -> Health:
        """Asked once for each carrier of a page."""
        known: Health | None = carrier.__dict__.get("health_now")
        if known is None:
            known = carrier.__dict__["health_now"] = health_of([carrier])[0]
        return known

    @display(
        description="State",
        label={"well": "success", "does not answer": "danger", "late": "warning", "in part": "warning"},
    )
    def state(self, carrier: Carrier) -> str:
        health = self._health(carrier)
        if not health.answers:
            return "does not answer"
        if health.is_late:
            return "late"
        return "in part" if health.is_partial or health.set_aside else "well"

    @display(description="Last answer")
    def last_answer(self, carrier: Carrier) -> str:
        return _exactly(self._health(carrier).last_answer_at)

    @display(description="Last whole reading")
    def last_reading(self, carrier: Carrier) -> str:
        health = self._health(carrier)
        lag = f", {int(health.lag.total_seconds()):,} s ago" if health.lag and health.read_at else ""
        return _exactly(health.read_at) + lag

    @display(description="Read and failed in 24 hours")
    def failed(self, carrier: Carrier) -> str:
        health = self._health(carrier)
        return f"{health.readings:,} read, {health.failed:,} failed, {health.set_aside:,} lines set aside"

    @display(description="Calls left today")
    def left(self, carrier: Carrier) -> str:
        left = self._health(carrier).calls_left
        return "no limit" if left is None else f"{left:,}"

    @display(description="Balance with the carrier")
    def funds(self, carrier: Carrier) -> str:
        found = funds_of([carrier]).get(carrier.pk)
        return found.says if found else "" if CLIENTS[carrier.kind].abilities.tells_funds else "not reported"

    @display(description="Calls stopped")
    def stopped(self, carrier: Carrier) -> str:
        """Each kind of call that is not made, and until when; these times are real ones."""
        shut = self._health(carrier).shut
        why = {True: "the carrier asked for a pause", False: "too many failures"}
        return "; ".join(f"{one.kind.capitalize()} until {one.until:%H:%M:%S}: {why[one.is_pause]}" for one in shut)

    @display(description="Last failure")
    def last_failure(self, carrier: Carrier) -> str:
        health = self._health(carrier)
        return f"{health.last_failure_at:%-d %b %H:%M} {health.last_failure}" if health.last_failure_at else ""

    @action(description="Address, pace, APN", url_path="tune", icon="tune")
    def tune(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            for name in ("calls_per_minute", "calls_per_day"):
                given[name] = given[name] or 0
            tuned = tuning.tune_carrier(carrier=carrier, by=desk_actor(request), **given)
            waits = "" if tuned.url == given["url"].rstrip("/") else " The new address waits for a second person."
            return f"{carrier.name} is set so, and read every {given['read_every']} seconds.{waits}"

        initial = {name: getattr(carrier, name) for name in CarrierForm.base_fields}
        initial["apn_password"] = carrier.opened_apn_password
        return self.ask(request, CarrierForm, act, title=carrier.name, button="Save", row=carrier, initial=initial)

    @action(description="Billing cycle day", url_path="cycle", icon="event_repeat")
    def cycle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)
        lines, today = Line.objects.filter(carrier=carrier, payer__isnull=False).count(), clock.today()
        days = {
            day: tuning.cycle_change(carrier=carrier, cycle_day=day, today=today, lines=lines)
            for day in range(1, 29)
            if day != carrier.cycle_day and not CLIENTS[carrier.kind].abilities.tells_cycle
        }

        def act(given: dict[str, Any]) -> str:
            tuning.tune_carrier(carrier=carrier, by=desk_actor(request), cycle_day=given["cycle_day"])
            return f"Cycles of {carrier.name} begin on day {given['cycle_day']}."

        class DayForm(forms.Form):
            cycle_day = forms.TypedChoiceField(
                label="Cycles begin on day",
                coerce=int,
                choices=[(day, f"{day}: {change.says}") for day, change in days.items()],
            )

        about = (
            f"Now day {carrier.cycle_day}. The open cycle continues until the new day first comes."
            if days
            else "This carrier names the month of each counter. Its cycles begin on the 1st."
        )
        return self.ask(request, DayForm, act, title=carrier.name, button="Save", row=carrier, about=about)

    @action(description="Resume calls", url_path="resume", icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            kind = CallKind(given["kind"]) if given["kind"] else None
            lifted = breakers.lift(carrier=carrier, by=desk_actor(request), kind=kind)
            return f"{carrier.name} is called again." if lifted else f"No calls to {carrier.name} were stopped."

        about = "Closes the breakers and ends the pauses now. Calls that still fail are stopped again."
        return self.ask(
            request, ResumeForm, act, title=carrier.name, button="Resume calls", row=carrier, about=about, again=False
        )


@admin.register(Drive)
class DriveDesk(Desk):
    """Lines whose carrier has not confirmed what we want, those that wait longest first."""

    called = "waiting commands"
    list_display = ["line", "carrier", "since", "attempts", "due_at", "ask_first", "last_error"]
    list_filter = ["carrier", "ask_first"]
    list_select_related = ["line", "carrier"]
    search_fields = ["=line__iccid"]
    ordering = ["since"]


@admin.register(BulkEdit)
class BulkEditDesk(Desk):
    """Switches of many lines by one call; `said` is what came back, which is read back line by line."""

    list_display = ["asked_at", "carrier", "on", "count", "wait_until", "called_at", "error"]
    list_filter = ["carrier", "on", ("called_at", admin.EmptyFieldListFilter)]
    list_select_related = ["carrier"]
    exclude = ["uuid", "lines"]
    readonly_fields = ["count"]

    @display(description="Lines")
    def count(self, edit: BulkEdit) -> int:
        return len(edit.lines)


@admin.register(ReadingPass)
class PassDesk(Desk):
    called = "readings"
    list_display = ["started_at", "carrier", "finished_at", "readings", "unknown", "failed", "bytes_moved", "charged"]
    list_filter = ["carrier"]
    list_select_related = ["carrier"]


class BelowCharged(admin.SimpleListFilter):
    title, parameter_name = "below charge", "below"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [("yes", "Below what was charged")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[FinalTotal]) -> QuerySet[FinalTotal]:
        return rows.filter(total__lt=F("charged")) if self.value() == "yes" else rows


@admin.register(FinalTotal)
class FinalTotalDesk(Desk):
    list_display = ["line", "carrier", "cycle", "due_at", "attempts", "done_at", "total", "charged", "last_error"]
    list_filter = [BelowCharged, "carrier", ("done_at", admin.EmptyFieldListFilter)]
    list_select_related = ["line", "carrier"]
    search_fields = ["=line__iccid"]


@admin.register(Quarantine)
class QuarantineDesk(Desk):
    """Answers of carriers, and single records of them, that could not be read: nothing of them was applied. Those that
    were mended and read are kept here too, as they came."""

    called = "unreadable answers"
    list_display = ["at", "carrier", "line", "call", "error", "times", "is_mended"]
    list_filter = ["carrier", "is_mended", ("line", admin.EmptyFieldListFilter)]
    list_select_related = ["carrier", "line"]
    search_fields = ["=line__iccid"]
    fields = ["carrier", "line", "at", "times", "call", "error", "is_mended", "said"]
    readonly_fields = ["said"]

    @display(description="What it said")
    def said(self, row: Quarantine) -> str:
        return bytes(row.body)[:4000].decode("utf-8", errors="replace")


@admin.register(Job)
class JobDesk(Desk):
    list_display = ["created_at", "account", "action", "by_name", "state", "total", "done", "refused", "failed"]
    list_filter = ["state", "action"]
    list_select_related = ["account"]
    search_fields = ["=account__name", "=by_name"]


@admin.register(SmsMessage)
class SmsDesk(Desk):
    """Whether messages arrive; what they say is between the customer and the device."""

    called = "SMS"
    list_display = ["created_at", "line", "account", "to_device", "state", "usd", "attempts", "last_error"]
    list_filter = ["state", "to_device", "carrier"]
    list_select_related = ["line", "account"]
    search_fields = ["=line__iccid"]
    exclude = ["text"]

    @display(description="Price", ordering="price")
    def usd(self, message: SmsMessage) -> str:
        return shown(message.price)
