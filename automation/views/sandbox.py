"""Doors to the test account: made and closed from the live one, and what the world does to its lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from kit import clock, walls
from kit.amounts import AmountField
from kit.errors import Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, confirmed_first, needs
from accounts.models import Account
from accounts.policy import Right
from accounts.queries import test_account_of
from automation.commands.sandbox import turn_clock
from automation.views.parts import actor
from lines.commands import sandbox as commands
from lines.commands.sandbox_sims import with_fault
from lines.models import Line, Sandbox
from lines.policy import MEGABYTE
from lines.policy.sandbox import Fault
from lines.queries.sandbox import sandbox_of

FAULTS = [
    (Fault.NONE.value, "Works"),
    (Fault.REFUSES.value, "Refuses changes"),
    (Fault.FAILS.value, "Does not answer"),
    (Fault.LAGS.value, "Takes ten minutes"),
]


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


class _OfLine(forms.Form):
    """About one of the account's lines."""

    line = forms.ModelChoiceField(Line.objects.none(), label="Line", empty_label=None, widget=_select())

    def __init__(self, *given: Any, account: Account, **named: Any) -> None:
        super().__init__(*given, **named)
        lines = Line.objects.filter(account=account) if account.is_subaccount else Line.objects.filter(payer=account)
        self.fields["line"].queryset = lines.select_related("carrier").order_by("iccid")  # type: ignore[attr-defined]


class UsageForm(_OfLine):
    megabytes = forms.IntegerField(label="Data, MB", min_value=1, max_value=commands.MOST_BYTES // MEGABYTE, initial=10)


class MessageForm(_OfLine):
    text = forms.CharField(label="Message", max_length=1000)


class DeviceForm(_OfLine):
    imei = forms.CharField(label="IMEI", max_length=20)


class _Whole(forms.Form):
    """About the whole account."""

    def __init__(self, *given: Any, account: Account, **named: Any) -> None:
        super().__init__(*given, **named)
        self.account = account


class ClockForm(_Whole):
    days = forms.IntegerField(label="Days", min_value=0, max_value=31, initial=1)
    hours = forms.IntegerField(label="Hours", min_value=0, max_value=23, initial=0)


class CarrierForm(_Whole):
    carrier = forms.ChoiceField(label="The carrier", choices=FAULTS, widget=_select())


class MoneyForm(_Whole):
    amount = AmountField(label="Amount, $", places=2, help_text="A minus takes play money away.")


class LinesForm(_Whole):
    count = forms.IntegerField(label="Lines", min_value=1, max_value=commands.MOST_LINES, initial=1)


def _use(request: MemberRequest, given: dict[str, Any]) -> str:  # noqa: ARG001 - as all are called
    commands.use_data(line=given["line"], used=given["megabytes"] * MEGABYTE)
    return f"{given['megabytes']:,} MB used."


def _message(request: MemberRequest, given: dict[str, Any]) -> str:  # noqa: ARG001
    commands.receive_sms(line=given["line"], text=given["text"])
    return "SMS received."


def _device(request: MemberRequest, given: dict[str, Any]) -> str:  # noqa: ARG001
    commands.change_imei(line=given["line"], imei=given["imei"])
    return "IMEI changed."


def _turn(request: MemberRequest, given: dict[str, Any]) -> str:
    now = turn_clock(account=request.account, by=dt.timedelta(days=given["days"], hours=given["hours"]))
    return f"It is now {now:%-d %b %Y, %H:%M} UTC in this account."


def _carrier(request: MemberRequest, given: dict[str, Any]) -> str:
    with_fault(sandbox=sandbox_of(request.account), fault=Fault(given["carrier"]))
    return "Carrier changed."


def _money(request: MemberRequest, given: dict[str, Any]) -> str:
    commands.give_play_money(account=request.account, amount=given["amount"], by=actor(request))
    return "Play money changed."


def _lines(request: MemberRequest, given: dict[str, Any]) -> str:
    sandbox = sandbox_of(request.account)
    commands.add_sims(sandbox=sandbox, holder=request.account, count=given["count"], by=actor(request))
    return f"{given['count']} line{'' if given['count'] == 1 else 's'} added."


Does = Callable[[MemberRequest, dict[str, Any]], str]
ACTS: dict[str, tuple[str, str, type[forms.Form], Right, Does]] = {
    "usage": ("Use data", "Use data", UsageForm, Right.ACTIVATE_LINES, _use),
    "sms": ("Send an SMS from a device", "Send SMS", MessageForm, Right.ACTIVATE_LINES, _message),
    "imei": ("Move a SIM to another device", "Change IMEI", DeviceForm, Right.ACTIVATE_LINES, _device),
    "clock": ("Turn the clock", "Turn clock", ClockForm, Right.MANAGE_LINES, _turn),
    "carrier": ("Carrier trouble", "Set carrier", CarrierForm, Right.MANAGE_LINES, _carrier),
    "balance": ("Play money", "Change balance", MoneyForm, Right.MANAGE_LINES, _money),
    "lines": ("More lines", "Add lines", LinesForm, Right.MANAGE_LINES, _lines),
}


@require_GET
@needs(Right.MANAGE_KEYS)
def test_account(request: MemberRequest) -> HttpResponse:
    """The account's test account, or, in it, what can be done there."""
    return _shown(request)


def _shown(request: MemberRequest, wrong: str = "", form: forms.Form | None = None) -> HttpResponse:
    is_in_it = request.account.is_test
    with walls.lifted():  # it is no sub-account: behind the wall of the live one it does not exist
        found = request.account if is_in_it else test_account_of(request.account)
        sandbox = sandbox_of(found) if found is not None else None
    acts = [
        {"do": do, "title": title, "button": button, "form": form if do == wrong else _form(kind, request, sandbox, do)}
        for do, (title, button, kind, right, _) in ACTS.items()
        if is_in_it and request.membership.may(right)
    ]
    context = {
        "found": found,
        "sandbox": sandbox,
        "now": clock.real() + sandbox.ahead if sandbox is not None else None,
        "carrier": dict(FAULTS)[sandbox.fault] if sandbox is not None else "",
        "is_in_it": is_in_it,
        "is_shut": found is not None and not is_in_it and not _may_enter(request, found),
        "acts": acts,
        "base": request.build_absolute_uri("/api/"),
    }
    response = page(request, "automation/test_account.html", context)
    response.status_code = 422 if wrong else 200
    return response


def _may_enter(request: MemberRequest, found: Account) -> bool:
    return any(place.account.pk == found.pk for place in request.memberships)


def _form(kind: type[forms.Form], request: MemberRequest, sandbox: Sandbox | None, do: str) -> forms.Form:
    initial = {"carrier": sandbox.fault} if sandbox is not None and do == "carrier" else None
    return kind(account=request.account, auto_id=f"{do}_%s", initial=initial)  # type: ignore[call-arg]


@require_POST
@needs(Right.MANAGE_KEYS)
def make_test_account(request: MemberRequest) -> HttpResponse:
    """The first one, or a new one in the place of one that was closed."""
    try:
        commands.make_sandbox(account=request.account, by=actor(request))
    except Refusal as refusal:
        messages.error(request, f"Test account not made. {refusal.message}")
    else:
        messages.success(request, "Test account made.")
    return redirect("test_account")


@require_POST
@needs(Right.MANAGE_KEYS)
def close_test_account(request: MemberRequest) -> HttpResponse:
    """For good; `again`: a new one takes its place."""
    if away := confirmed_first(request, back=reverse("test_account")):
        return away
    try:
        commands.drop_sandbox(account=request.account, by=actor(request))
        if "again" in request.POST:
            commands.make_sandbox(account=request.account, by=actor(request))
    except Refusal as refusal:
        messages.error(request, f"Test account not changed. {refusal.message}")
    else:
        messages.success(request, "Test account reset." if "again" in request.POST else "Test account closed.")
    return redirect("test_account")


@require_POST
@needs(Right.MANAGE_KEYS)
def act_in_test(request: MemberRequest, do: str) -> HttpResponse:
    """What the world does there. In a live account there is no such page."""
    if do not in ACTS or not request.account.is_test or not request.membership.may(ACTS[do][3]):
        raise Http404
    _, _, kind, _, act = ACTS[do]
    form = kind(request.POST, account=request.account, auto_id=f"{do}_%s")  # type: ignore[call-arg]
    if form.is_valid():
        try:
            messages.success(request, act(request, form.cleaned_data))
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            return redirect("test_account")
    return _shown(request, do, form)
