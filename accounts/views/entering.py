"""Doors for people: sign-up as one command, and which account to act in."""

from __future__ import annotations

import uuid
from typing import Any

from allauth.account.views import SignupView as AllauthSignupView
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST
from kit.errors import Refusal

from accounts.branding import requests
from accounts.branding.identity import style_sheet
from accounts.commands import acting
from accounts.middleware import ACTING, CHOSEN
from accounts.models import Brand, BrandLogo
from accounts.queries import open_account_of


class SignupView(AllauthSignupView):  # type: ignore[misc]
    def form_valid(self, form: Any) -> HttpResponse:
        try:
            answer: HttpResponse = super().form_valid(form)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            answer = self.form_invalid(form)
        return answer


@login_required
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Act in another of one's accounts, for this session."""
    places = request.memberships  # type: ignore[attr-defined]
    wanted = request.POST.get("account", "")
    if wanted not in {place.account.uuid.hex for place in places}:
        raise Http404
    request.session[CHOSEN] = wanted
    return redirect("home")


@require_GET
def brand_style(request: HttpRequest, key: uuid.UUID) -> HttpResponse:  # noqa: ARG001 - a view
    """A brand's colours. Public, as a login page is; its address changes with it."""
    return _kept(style_sheet(get_object_or_404(Brand, key=key)).encode(), "text/css; charset=utf-8")


@require_GET
def brand_logo(request: HttpRequest, key: uuid.UUID) -> HttpResponse:  # noqa: ARG001 - a view
    """A brand's logo: a PNG of our own making, and nothing in it is ever run."""
    return _kept(bytes(get_object_or_404(BrandLogo, brand__key=key).image), "image/png")


def _kept(content: bytes, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@require_GET
def at(request: HttpRequest, account_uuid: uuid.UUID) -> HttpResponse:
    """Where a sub-account's people come in when it has no domain of its own: the login in its branding."""
    account = open_account_of(account_uuid.hex)
    if account is None or not account.is_subaccount:
        raise Http404
    response = redirect("account_login")
    requests.visit(request, response, account)
    return response


@login_required
@require_POST
def stop_acting(request: HttpRequest) -> HttpResponse:
    """Back to the back office; harmless where nobody acts."""
    account = request.account  # type: ignore[attr-defined]
    request.session.pop(ACTING, None)
    if not request.is_acting:  # type: ignore[attr-defined]
        return redirect("home")
    acting.end(account=account, by=request.user.actor)  # type: ignore[union-attr]
    return redirect("admin:accounts_account_change", account.pk)
