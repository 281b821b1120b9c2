"""Doors to what is a person's own: name, language, where they are logged in, what is offered to them."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries
from accounts.commands import people
from accounts.doors import confirmed_first
from accounts.forms import ProfileForm
from accounts.login.browsers import browser
from accounts.login.sessions import end_others
from accounts.models import User


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


@require_http_methods(["GET", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    user = _person(request)
    given = {"name": user.name, "language": user.language, "time_zone": user.time_zone}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=given)
    if form.is_valid():
        people.edit_profile(user=user, by=user.actor, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("profile")
    context = {
        "form": form,
        "changing_to": EmailAddress.objects.filter(user=user, primary=False, verified=False).first(),
        "has_factor": is_mfa_enabled(user),
        "sessions": UserSession.objects.filter(user=user).count(),
        "offers": queries.offers_to(user),
    }
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@require_GET
@login_required
def sessions(request: HttpRequest) -> HttpResponse:
    """Where this person is logged in, the browser that asks first."""
    here = request.session.session_key
    rows = sorted(
        UserSession.objects.purge_and_list(_person(request)),
        key=lambda row: (row.session_key != here, -row.last_seen_at.timestamp()),
    )
    shown = [(row, browser(row.user_agent), row.session_key == here) for row in rows]
    return render(request, "accounts/sessions.html", {"sessions": shown})


@require_POST
@login_required
def end_session(request: HttpRequest, session: int) -> HttpResponse:
    row = get_object_or_404(UserSession, user=_person(request), pk=session)
    if away := confirmed_first(request, back=reverse("sessions")):
        return away
    row.end()
    messages.success(request, f"{browser(row.user_agent)} is logged out.")
    return redirect("sessions")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """All but this browser's: also such as no list knows."""
    if away := confirmed_first(request, back=reverse("sessions")):
        return away
    end_others(request, _person(request))
    messages.success(request, "You are logged out everywhere else.")
    return redirect("sessions")
