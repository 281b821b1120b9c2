"""Doors by which lines come into an account: one by its digits, many by a file that is looked at first."""

from __future__ import annotations

import re

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from kit import clock
from kit.errors import Refusal
from kit.identifiers import read_iccid

from accounts.doors import MemberRequest, address_of, needs
from accounts.policy import Right
from lines.commands import adding, lists
from lines.commands.adding import NewLine
from lines.models import LineFile
from lines.queries.fields import fields_of
from lines.queries.jobs import prices_in_force
from lines.queries.plans import plans_for
from lines.queries.stock import reserved_for
from lines.views.bulk import uploaded

HEX = "[0-9a-f]{32}"
SHOWN = 200  # bad rows on a page
RESERVED_SHOWN = 25


def _payer_only(request: MemberRequest) -> None:
    if request.account.is_subaccount:
        raise Http404


def _added(request: MemberRequest, iccid: str, *, is_ours: bool) -> HttpResponse:
    messages.success(request, f"Line {iccid} {'is one of your lines already' if is_ours else 'is yours now'}.")
    return redirect("line", iccid=iccid)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_LINES)
def add(request: MemberRequest) -> HttpResponse:
    """Adds one line."""
    _payer_only(request)
    given = request.POST if request.method == "POST" else request.GET
    iccid, plan, notes, tags, code = (given.get(name, "") for name in ("iccid", "plan", "notes", "tags", "code"))
    row = NewLine(1, iccid, plan, notes, tags, code)
    active = "active" in given or request.method == "GET"
    said = ""
    if request.method == "POST":
        try:
            done = adding.add_lines(
                account=request.account,
                rows=[row],
                active=active,
                by=request.membership.user.actor,
                address=address_of(request),
            )
        except Refusal as refusal:
            said = refusal.message
        else:
            if not done.bad:
                return _added(request, read_iccid(row.iccid), is_ours=bool(done.ours))
            said = done.bad[0][1]
    plans = list(plans_for(request.account).select_related("carrier").order_by("name"))
    prices = prices_in_force([plan.pk for plan in plans], now=clock.now())
    context = {
        "row": row,
        "active": active,
        "said": said,
        "plans": [(plan, prices.get(plan.pk)) for plan in plans],
        "reserved": reserved_for(request.account)[:RESERVED_SHOWN],
        "reserved_count": reserved_for(request.account).count(),
    }
    return render(request, "lines/add.html", context)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_LINES)
def add_many(request: MemberRequest) -> HttpResponse:
    """Looks at a file of lines, says what is wrong with which row, and adds the others when it is confirmed."""
    _payer_only(request)
    text = request.POST.get("rows", "")
    context: dict[str, object] = {"most": adding.MOST_ROWS, "text": text, "active": True, "shown": SHOWN}
    context["fields"] = fields_of(request.membership)
    if request.method == "POST":
        try:
            content = looked_at(request) if "kept" in request.POST else uploaded(request, "rows")
            is_sure = "sure" in request.POST
            done = adding.add_file(
                account=request.account,
                content=content,
                active="active" in request.POST,
                by=request.membership.user.actor,
                address=address_of(request),
                only_look=not is_sure,
            )
            kept = "" if is_sure else lists.keep_file(account=request.account, content=content).uuid.hex
        except Refusal as refusal:
            messages.error(request, refusal.message)
        else:
            context |= {"done": done, "is_sure": is_sure, "kept": kept, "active": "active" in request.POST}
    return render(request, "lines/add_many.html", context)


def looked_at(request: MemberRequest) -> bytes:
    """The file that was looked at and is confirmed now. Raises Refusal."""
    key = request.POST["kept"]
    kept = LineFile.objects.filter(account=request.account, uuid=key).first() if re.fullmatch(HEX, key) else None
    if kept is None:
        raise Refusal("This upload has expired. Upload the file again.")
    return bytes(kept.content)
