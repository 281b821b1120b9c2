"""Doors to messages: a line's, the account's, sending one, and marking those from devices as read."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from kit import clock
from kit.errors import Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, misread, needs
from accounts.policy import Right
from lines import policy, sentences
from lines.carriers import CLIENTS
from lines.commands import sms as commands
from lines.commands.sms import is_active
from lines.models import Line
from lines.queries import sms as queries
from lines.queries.sms import SmsShown
from lines.views.line import line_context, line_or_404

KINDS = (
    ("", "All"),
    ("in", "From devices"),
    ("unread", "New from devices"),
    ("out", "To devices"),
    ("failed", "Not arrived"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A message and what is known of it, in words."""

    sms: SmsShown
    said: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sms, name)


@require_GET
@needs(Right.SEE_LINES)
def sms_list(request: MemberRequest) -> HttpResponse:
    """Every message of the account; htmx gets the table."""
    q = " ".join(request.GET.get("q", "").replace("\0", "").split())[:100]
    which = request.GET.get("which", "")
    which = which if which in dict(KINDS) else ""
    if back := misread(request, {"q": q, "which": which}, beside=("before",)):
        return back
    asked = {name: value for name, value in (("q", q), ("which", which)) if value}
    context = _listed(request, reverse("sms"), asked) | {"q": q, "which": which, "kinds": KINDS}
    context["may_see_money"] = request.membership.may(Right.SEE_MONEY)
    context["may_activate"] = request.membership.may(Right.ACTIVATE_LINES)
    return page(request, "lines/sms.html", context, part="messages")


@require_GET
@needs(Right.SEE_LINES)
def line_sms(request: MemberRequest, iccid: str) -> HttpResponse:
    """A line's messages, and a form to write one."""
    line = line_or_404(request, iccid)
    context = line_context(request, iccid, tab="line-sms") | _listed(
        request, reverse("line-sms", args=[iccid]), {}, line
    )
    context |= _form(request, line)
    return page(request, "lines/line_sms.html", context, part="messages")


def _listed(request: MemberRequest, address: str, asked: dict[str, str], line: Line | None = None) -> dict[str, Any]:
    before = _whole(request.GET.get("before"))
    found, is_more = queries.list_sms(request.membership, line=line, before=before, **asked)
    outside = request.account.is_subaccount
    later = {"before": str(before)} if before else {}
    return {
        "messages_shown": [Shown(one, sentences.of_sms(one, outside=outside)) for one in found],
        "unread_here": sum(one.is_new for one in found) if request.membership.may(Right.ASK) else 0,
        "here": _address(address, asked | later),
        "newest": _address(address, asked),
        "older": _address(address, asked | {"before": str(found[-1].pk)}) if is_more else "",
        "is_later": bool(before),
    }


def _form(request: MemberRequest, line: Line, text: str = "") -> dict[str, Any]:
    price: Decimal | None = None
    abilities = CLIENTS[line.carrier.kind].abilities
    if request.membership.may(Right.SEE_MONEY):
        price = queries.sms_price(line.plan_id, now=clock.now())
    return {
        "key": uuid.uuid4().hex,
        "longest": policy.LONGEST_SMS,
        "price": price,
        "text": text,
        "cannot_send": sentences.cannot_send(is_active=is_active(state=line.state), is_able=abilities.sends_sms),
    }


@require_POST
@needs(Right.ACTIVATE_LINES)
def sms_send(request: MemberRequest, iccid: str) -> HttpResponse:
    """Sends a message; what is refused comes back to be mended, with its text."""
    line = line_or_404(request, iccid)
    text = request.POST.get("text", "")
    # A page that is gone back to sends another text under its old key: that is another message.
    sent = hashlib.sha256(f"{request.POST.get('key', '')}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()
    key = f"form:{line.pk}:{sent}"
    try:
        commands.send_sms(line=line, text=text, by=request.membership.user.actor, key=key)
    except Refusal as refusal:
        messages.error(request, refusal.message)
        context = line_context(request, iccid, tab="line-sms")
        context |= _listed(request, reverse("line-sms", args=[iccid]), {}, line) | _form(request, line, text)
        return page(request, "lines/line_sms.html", context)
    messages.success(request, "The message is on its way. What becomes of it stands below.")
    return redirect("line-sms", iccid=iccid)


@require_POST
@needs(Right.ACTIVATE_LINES)
def sms_settle(request: MemberRequest, iccid: str) -> HttpResponse:
    """Somebody says whether a message whose answer was lost went out, or is to be sent again."""
    line = line_or_404(request, iccid)
    wanted = _whole(request.POST.get("message"))
    message = queries.sms_of(request.membership).filter(line=line, pk=wanted or 0).exclude(doubt="").first()
    if message is None or request.POST.get("do") not in ("sent", "again"):
        messages.error(request, "This message is settled already.")
        return redirect("line-sms", iccid=iccid)
    was_sent = request.POST["do"] == "sent"
    try:
        commands.settle_sms(message_id=message.pk, was_sent=was_sent, by=request.membership.user.actor)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "Marked as sent." if was_sent else "We’ll send it again.")
    return redirect("line-sms", iccid=iccid)


@require_POST
@needs(Right.ASK)
def sms_seen(request: MemberRequest) -> HttpResponse:
    """Marks messages from devices as read; those of others are left alone."""
    wanted = [int(one) for one in request.POST.getlist("message")[: queries.SIZE] if _whole(one)]
    theirs = queries.sms_of(request.membership).filter(pk__in=wanted).values_list("pk", flat=True)
    commands.mark_seen(message_ids=list(theirs), by=request.membership.user.actor)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/")
    return redirect(back if is_ours else reverse("sms"))


def _address(address: str, asked: dict[str, str]) -> str:
    return address + (f"?{urlencode(asked)}" if asked else "")


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None
