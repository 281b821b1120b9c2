"""Doors for people: sign-up as one command, and which account to act in."""

from __future__ import annotations

from typing import Any

from allauth.account.views import SignupView as AllauthSignupView
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST
from kit.errors import Refusal

from accounts.middleware import CHOSEN


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
