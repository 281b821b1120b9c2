"""The door to an account's API credentials."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from kit import clock
from kit.errors import Refusal

from accounts import views_keys
from accounts.commands import credentials
from accounts.doors import MemberRequest, confirmed, needs
from accounts.forms import RotateForm
from accounts.models import ApiCredential
from accounts.policy import Right


@never_cache
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_PEOPLE)
def api_credentials(request: MemberRequest) -> HttpResponse:
    """User UUID, shared key and bearer keys; the shared key is in the answer to who asked for it, and nowhere else."""
    return _act(request) if request.method == "POST" else _page(request)


@confirmed
def _act(request: MemberRequest) -> HttpResponse:
    account, by, do = request.account, request.membership.user.actor, request.POST.get("do")
    try:
        if do == "show":
            return _page(request, shown=credentials.show_key(account=account, by=by))
        if do == "rotate":
            form = RotateForm(request.POST)
            if not form.is_valid():
                return _page(request, form=form)
            return _page(
                request, shown=credentials.rotate_key(account=account, by=by, **form.cleaned_data), is_new=True
            )
        credentials.end_former_key(account=account, by=by)
        messages.success(request, "The former key no longer works.")
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("api_credentials")


def _page(request: MemberRequest, *, form: RotateForm | None = None, **more: Any) -> HttpResponse:
    account, now = request.account, clock.now()
    row = ApiCredential.objects.filter(account=account, revoked_at=None).first()
    last = row.rotated_at.isoformat() if row and row.rotated_at else ""
    context = {
        "credential": row,
        "former_works": bool(row and row.former_until and row.former_until > now),
        "is_professional": (account.parent or account).is_professional,
        "api_link": request.build_absolute_uri(reverse("api_credentials")).removesuffix("api-credentials/") + "api/",
        "form": form or RotateForm(initial={"last": last}),
        **views_keys.section(account),
        **more,
    }
    return render(request, "accounts/api_credentials.html", context, status=422 if form else 200)
