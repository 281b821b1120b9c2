"""Doors to everything of an account as a file."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_POST
from kit.errors import Refusal
from kit.htmx import page
from kit.zips import zip_answer

from accounts.commands import exports
from accounts.doors import MemberRequest, confirmed, confirmed_first, needs
from accounts.models import AccountExport
from accounts.policy import Right


@require_GET
@needs(Right.MANAGE_MONEY)
def account_data(request: MemberRequest) -> HttpResponse:
    """What can be exported, and the files that were asked for."""
    files = list(AccountExport.objects.filter(account=request.account).order_by("-id")[:10])
    context = {"files": files, "is_writing": any(not one.done_at and not one.failed for one in files)}
    return page(request, "console/account_data.html", context, part="files")


@require_POST
@needs(Right.MANAGE_MONEY)
def export_account(request: MemberRequest) -> HttpResponse:
    """Has everything written into a file."""
    if away := confirmed_first(request, back=reverse("account_data")):
        return away
    try:
        exports.ask_export(account=request.account, by=request.membership.user.actor)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "Export queued. You may leave this page.")
    return redirect("account_data")


@require_GET
@needs(Right.MANAGE_MONEY)
@confirmed
def account_file(request: MemberRequest, key: uuid.UUID) -> HttpResponse:
    """A written file, piece by piece."""
    found = get_object_or_404(AccountExport, account=request.account, uuid=key, done_at__isnull=False)
    pieces = exports.take_export(export=found, by=request.membership.user.actor)
    return zip_answer(f"{slugify(request.account.name) or 'account'}-{found.done_at:%Y-%m-%d}.zip", pieces)
