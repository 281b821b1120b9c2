"""The door to an account's API credentials, and to those of its sub-accounts."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from kit import clock
from kit.errors import Refusal

from accounts.commands import credentials
from accounts.doors import MemberRequest, confirmed, needs
from accounts.forms import RotateForm
from accounts.models import Account, ApiCredential
from accounts.policy import Right
from accounts.views import keys as views_keys


@never_cache
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_KEYS)
def api_credentials(request: MemberRequest, key: str = "") -> HttpResponse:
    """User UUID, shared key and bearer keys; the shared key is in the answer to who asked for it, and nowhere else.

    `key` is the UUID of a sub-account whose provider asks.
    """
    own = request.account
    account = get_object_or_404(Account, parent=own, uuid=uuid.UUID(key)) if key else own
    return _act(request, account) if request.method == "POST" else _page(request, account)


@confirmed
def _act(request: MemberRequest, account: Account) -> HttpResponse:
    by, do = request.membership.user.actor, request.POST.get("do")
    try:
        if do == "show":
            return _page(request, account, shown=credentials.show_key(account=account, by=by))
        if do == "rotate":
            form = RotateForm(request.POST)
            if not form.is_valid():
                return _page(request, account, form=form)
            new = credentials.rotate_key(account=account, by=by, **form.cleaned_data)
            return _page(request, account, shown=new, is_new=True)
        credentials.end_former_key(account=account, by=by)
        messages.success(request, "The former key no longer works.")
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect(request.path)


def _page(request: MemberRequest, account: Account, *, form: RotateForm | None = None, **more: Any) -> HttpResponse:
    now, is_own = clock.now(), account == request.account
    row = ApiCredential.objects.filter(account=account, revoked_at=None).first()
    last = row.rotated_at.isoformat() if row and row.rotated_at else ""
    context = {
        "of": account,
        "is_own": is_own,
        "credential": row,
        "former_works": bool(row and row.former_until and row.former_until > now),
        "is_professional": (account.parent or account).is_professional,
        "api_link": request.build_absolute_uri(reverse("openapi")).removesuffix("openapi.json"),
        "form": form or RotateForm(initial={"last": last}),
        **(views_keys.section(account) if is_own else {}),
        **more,
    }
    return render(request, "accounts/api_credentials.html", context, status=422 if form else 200)
