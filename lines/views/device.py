"""Doors to the device behind a line: its facts, what is set on its SIM, its codes and its place, on request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from kit.errors import Invalid, Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, confirmed_first, needs
from accounts.policy import Right
from lines import sentences
from lines.carriers.base import CarrierFailure, Location, Setting
from lines.commands import devices as commands
from lines.commands import naming
from lines.commands.budget import AskedTooOften
from lines.commands.settings import set_on_line
from lines.models import Line
from lines.policy import MEGABYTE
from lines.queries import devices
from lines.queries.apns import apn_for
from lines.views.line import line_context, line_or_404
from lines.work.devices import is_fresh, look_now
from lines.work.resetting import reset_connection

GENERATIONS = ("2G", "3G", "LTE")


@require_GET
@needs(Right.SEE_LINES)
def line_settings(request: MemberRequest, iccid: str) -> HttpResponse:
    """What the carrier says of the device, and what may be set."""
    line = line_or_404(request, iccid)
    return page(request, "lines/line_settings.html", _context(request, line), part="device")


def _context(request: MemberRequest, line: Line, **more: Any) -> dict[str, Any]:
    device = devices.device_of(line)
    outside = request.account.is_subaccount
    carrier = "The carrier" if outside else line.carrier.name
    context = line_context(request, line.iccid, tab="line-settings") | {
        "device": device,
        "facts": sentences.device_facts(device.facts, device.abilities, carrier=carrier),
        "imeis": devices.imeis_of(request.membership, line),
        "apn": apn_for(request.account, line=line, device=device),
        "generations": GENERATIONS,
        "throttles": [("", "No limit"), *((str(kbps), f"{kbps:,} kbps") for kbps in device.abilities.throttles)],
        "throttle": device.setting(Setting.THROTTLE),
        "throttle_row": device.settings.get(Setting.THROTTLE),
        "imei_lock": device.setting(Setting.IMEI_LOCK),
        "lock_row": device.settings.get(Setting.IMEI_LOCK),
        "may_throttle": Setting.THROTTLE in device.abilities.settings,
        "may_lock": Setting.IMEI_LOCK in device.abilities.settings,
        "details": sentences.detail_facts(sentences.device_details(device.facts, outside=outside)),
        "edits": [] if outside else [_edit(device, name, label) for name, label in EDITS],
        "labels": None if outside else _labels(request, device),
        "limit": _limit(device),
        "carrier_name": carrier,
        "is_stale": request.membership.may(Right.ASK) and not is_fresh(line),
        "error": "" if outside else device.error,
    }
    return context | more


def _limit(device: devices.DeviceShown) -> dict[str, Any]:
    """The carrier's own limit of a month, in bytes, and what is asked for."""
    row, told = device.settings.get(Setting.DATA_LIMIT), device.setting(Setting.DATA_LIMIT)
    return {
        "may": Setting.DATA_LIMIT in device.may_set,
        "bytes": int(told) if told and told.isdecimal() else None,
        "least": device.abilities.least_limit,
        "row": row,
        "asked": int(row.wanted) if row and row.wanted.isdecimal() else None,
    }


# What a carrier's account may write on a SIM where it has been said to.
EDITS = (
    (Setting.DEVICE_ID, "Device ID"),
    (Setting.SIM_NOTES, "Notes at the carrier"),
    (Setting.END_CONSUMER, "End customer"),
)


def _edit(device: devices.DeviceShown, name: Setting, label: str) -> dict[str, Any]:
    """One text that a carrier keeps of a SIM: shown where it says one, to be changed where our account may."""
    return {
        "name": name.value,
        "label": label,
        "value": device.setting(name),
        "may": name in device.may_set,
        "row": device.settings.get(name),
    }


def _labels(request: MemberRequest, device: devices.DeviceShown) -> dict[str, Any]:
    """What the carrier calls the SIM, and whether it follows our notes and tags."""
    tags = device.setting(Setting.TAGS)
    return {
        "may": bool(device.abilities.labels),
        "tags_too": Setting.TAGS in device.abilities.labels,
        "name": device.setting(Setting.DEVICE_NAME),
        "tags": ", ".join(json.loads(tags)) if tags else "",
        "follows": devices.shares_names(request.account),
    }


@require_POST
@needs(Right.MANAGE_LINES)
def set_edit(request: MemberRequest, iccid: str) -> HttpResponse:
    """Writes one of a carrier's own texts of a SIM."""
    name, value = request.POST.get("name", ""), " ".join(request.POST.get("value", "").split())
    if name not in [one for one, _ in EDITS]:
        raise Http404
    return _set(request, iccid, Setting(name), value, "Change requested. The carrier has not confirmed it yet.")


@require_POST
@needs(Right.MANAGE_LINES)
def set_name_sharing(request: MemberRequest, iccid: str) -> HttpResponse:
    """Keeps the carrier's names and tags of all the account's lines in step with ours, or no longer."""
    wanted = request.POST.get("follows") == "on"

    def command(_line: Line) -> str:
        if request.account.is_subaccount:
            raise Http404
        naming.share_names(account=request.account, wanted=wanted, by=request.membership.user.actor)
        on = "Carriers that keep names or tags now follow your notes and tags."
        return on if wanted else "Carriers no longer follow your notes and tags. What they have stays."

    return _act(request, iccid, command)


@require_POST
@needs(Right.ASK)
def line_ask(request: MemberRequest, iccid: str) -> HttpResponse:
    """Asks the carrier now, unless it was asked just before."""
    line = line_or_404(request, iccid)
    try:
        failure = look_now(line)
    except AskedTooOften as refusal:
        failure = None
        messages.warning(request, refusal.message)
    if request.htmx:
        return page(request, "lines/line_settings.html", _context(request, line, is_stale=False), part="device")
    if isinstance(failure, CarrierFailure):
        messages.error(request, "The carrier did not answer now; below is what it said before.")
    return redirect("line-settings", iccid=iccid)


def _set(request: MemberRequest, iccid: str, setting: Setting, value: str, said: str) -> HttpResponse:
    def command(line: Line) -> str:
        set_on_line(line=line, setting=setting, value=value, by=request.membership.user.actor)
        return said

    return _act(request, iccid, command)


def _act(request: MemberRequest, iccid: str, command: Callable[[Line], str]) -> HttpResponse:
    line = line_or_404(request, iccid)
    try:
        messages.success(request, command(line))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("line-settings", iccid=iccid)


@require_POST
@needs(Right.MANAGE_LINES)
def set_throttle(request: MemberRequest, iccid: str) -> HttpResponse:
    """Limits a line's speed, or takes the limit away."""
    value = request.POST.get("kbps", "")
    return _set(request, iccid, Setting.THROTTLE, value, "The speed limit is asked for; it holds once confirmed.")


class DataLimitForm(forms.Form):
    """A carrier's own limit of a month."""

    megabytes = forms.DecimalField(min_value=0, max_value=1_000_000_000)


@require_POST
@needs(Right.MANAGE_LINES)
def set_data_limit(request: MemberRequest, iccid: str) -> HttpResponse:
    """Sets how much the carrier lets through in a month."""

    def command(line: Line) -> str:
        form = DataLimitForm(request.POST)
        if not form.is_valid():
            raise Invalid("The limit is a number of MB, such as 500")
        value = str(int(form.cleaned_data["megabytes"] * MEGABYTE))
        set_on_line(line=line, setting=Setting.DATA_LIMIT, value=value, by=request.membership.user.actor)
        return "Limit requested. It applies once the carrier confirms it."

    return _act(request, iccid, command)


@require_POST
@needs(Right.MANAGE_LINES)
def set_imei_lock(request: MemberRequest, iccid: str) -> HttpResponse:
    """Ties a SIM to its device, or unties it."""
    value = "on" if request.POST.get("lock") == "on" else "off"
    return _set(request, iccid, Setting.IMEI_LOCK, value, "The IMEI lock is asked for; it holds once confirmed.")


@require_POST
@needs(Right.MANAGE_LINES)
def reset(request: MemberRequest, iccid: str) -> HttpResponse:
    """Makes the device connect anew."""
    return _act(request, iccid, lambda line: reset_connection(line=line, by=request.membership.user.actor).says)


@never_cache
@require_POST
@needs(Right.MANAGE_LINES)
def show_codes(request: MemberRequest, iccid: str) -> HttpResponse:
    """Shows PIN and PUK, once, to who has just said who they are; the look is written down."""
    line = line_or_404(request, iccid)
    if (away := confirmed_first(request, back=reverse("line-settings", args=[iccid]))) is not None:
        return away
    try:
        codes = commands.show_secrets(line=line, by=request.membership.user.actor)
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return redirect("line-settings", iccid=iccid)
    return page(request, "lines/line_settings.html", _context(request, line, codes=list(codes.items()), is_stale=False))


@never_cache
@require_POST
@needs(Right.MANAGE_LINES)
def show_location(request: MemberRequest, iccid: str) -> HttpResponse:
    """Asks the carrier where the line is and shows it, once; the look is written down."""
    line = line_or_404(request, iccid)
    commands.look_at_location(line=line, by=request.membership.user.actor)
    try:
        found = look_now(line, wants_place=True)
    except AskedTooOften as refusal:
        found = None
        messages.warning(request, refusal.message)
    location = found if isinstance(found, Location) else None
    said = "" if location else "The carrier does not say where it is now. Try again in two minutes."
    context = _context(request, line, location=location, no_location=said, is_stale=False)
    return page(request, "lines/line_settings.html", context)
