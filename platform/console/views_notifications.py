"""Doors to what people are told: the bell in the header, the page with all of it, and how each wants to be told."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from kit.errors import NotFound, Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, misread, needs
from accounts.policy import Right
from accounts.undoing import undo_it
from automation.queries.outbox import hears_of
from billing.commands import notifying
from billing.commands.notifying import Chosen
from billing.models import NotificationChoice
from billing.policy.notices import Kind, Wish, kinds_for, wishes_for
from billing.queries import notices

ROWS, IN_BELL = 50, 6
KINDS = {
    Kind.MONEY: ("Money", "Balance, auto-refill, payments and invoices"),
    Kind.RULES: ("Rules", "Rules, caps and webhooks"),
    Kind.JOBS: ("Jobs", "Your jobs, answers to your orders, SMS to settle"),
    Kind.CARRIERS: ("Carriers", "A carrier of your lines is in trouble, or has recovered"),
    Kind.INVITATIONS: ("Invitations", "Who joined, and offers of ownership"),
}
WISHES = {Wish.USUAL: "Addressed to me", Wish.ALL: "All", Wish.NONE: "None"}


def back_to(request: MemberRequest) -> str:
    """The page that a form stood on; empty where it says none of ours."""
    back = request.POST.get("next", "")
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else ""


@require_GET
@needs(Right.SEE_LINES)
def bell(request: MemberRequest) -> HttpResponse:
    """The header's bell: how many are unread, and the latest. Without htmx the whole page."""
    if not request.htmx:
        return redirect("notifications")
    rows = list(notices.notifications_of(request.membership)[:IN_BELL])
    return page(request, "console/bell.html", {"latest": rows, "is_asked": True}, part="bell")


@require_GET
@needs(Right.SEE_LINES)
def notifications(request: MemberRequest) -> HttpResponse:
    """What this person was told in this account, the latest first, and how they want to be told."""
    kind = next((one for one in Kind if one == request.GET.get("kind")), None)
    which = request.GET.get("which") == "unread"
    if back := misread(request, {"kind": kind is not None, "which": which}, beside=("before",)):
        return back
    rows = notices.notifications_of(request.membership)
    rows = rows.filter(notice__kind=kind) if kind else rows
    rows = rows.filter(read_at=None) if which else rows
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: ROWS + 1])
    context = {
        "rows": [(row, KINDS[Kind(row.notice.kind)][0]) for row in found[:ROWS]],
        "next": found[ROWS - 1].pk if len(found) > ROWS else None,
        "kind": kind,
        "is_unread": which,
        "kinds": [(one, KINDS[one][0]) for one in _theirs(request)],
        "is_narrowed": bool(kind or which),
        "choices": _choices(request),
        "may_webhook": not request.account.is_subaccount,
        "has_webhook": hears_of(request.account, "notifications"),
        "may_add_webhook": request.membership.may(Right.MANAGE_WEBHOOKS),
    }
    return page(request, "console/notifications.html", context)


def _theirs(request: MemberRequest) -> list[Kind]:
    return kinds_for(request.membership.rights, is_subaccount=request.account.is_subaccount)


def _choices(request: MemberRequest) -> list[dict[str, Any]]:
    """A row for each kind: how it is told now, and the ways that may be chosen. Nothing for who has no place of their
    own here: the back office, and people in a test account, who are told as in the live one."""
    if request.membership.pk is None:
        return []
    chosen = notices.choices_of(request.membership)
    rows = []
    for kind in _theirs(request):
        choice = chosen.get(kind) or NotificationChoice()
        ways = wishes_for(kind)
        mail = Wish(choice.by_mail) if choice.by_mail in ways else ways[0]
        rows.append(
            {
                "kind": kind,
                "label": KINDS[kind][0],
                "about": KINDS[kind][1],
                "in_console": choice.in_console,
                "by_webhook": choice.by_webhook,
                "mail": mail,
                "ways": [(way, WISHES[way]) for way in ways],
            }
        )
    return rows


@require_POST
@needs(Right.SEE_LINES)
def choose(request: MemberRequest) -> HttpResponse:
    """How this person is told of each kind in this account from now on."""
    if request.membership.pk is None:
        raise Http404
    chosen, given = {}, request.POST
    for kind in _theirs(request):
        mail = next((one for one in Wish if one == given.get(f"mail-{kind}")), None)
        if mail is None:
            messages.error(request, f"Nothing saved. Choose which emails about {KINDS[kind][0].lower()} you want.")
            return redirect("notifications")
        chosen[kind] = Chosen(given.get(f"console-{kind}") == "on", mail, given.get(f"webhook-{kind}") == "on")
    try:
        notifying.choose(membership=request.membership, chosen=chosen)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "Notification settings saved.")
    return redirect("notifications")


@require_POST
@needs(Right.SEE_LINES)
def read(request: MemberRequest) -> HttpResponse:
    """Marks one as read and opens what it is about, or marks all."""
    given = request.POST.get("one", "")
    if not given:
        notifying.mark_read(membership=request.membership)
        return redirect(back_to(request) or reverse("notifications"))
    pk = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    row = notices.notifications_of(request.membership).filter(pk=pk).first()
    if row is None:
        raise Http404
    notifying.mark_read(membership=request.membership, pk=pk)
    return redirect(row.notice.page)


@require_POST
@needs(Right.SEE_LINES)
def undo(request: MemberRequest) -> HttpResponse:
    """Takes back what a message offers to undo, if nothing has changed since."""
    try:
        messages.success(request, undo_it(request, request.POST.get("note", "")))
    except NotFound:
        raise Http404 from None
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect(back_to(request) or "home")
