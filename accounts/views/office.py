"""The door that a link into the back office opens, and what guards a first second factor."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from kit.errors import NotFound
from kit.office import may_be_office

from accounts.commands import desk
from accounts.forms import FirstPasswordForm
from accounts.views import links
from accounts.views.joining import BACKEND

ENROLS = "enrols"  # the session's key: it came by a link, and may set up the first factor


@never_cache
@require_http_methods(["GET", "POST"])
def office_pass(request: HttpRequest) -> HttpResponse:
    """A person of the back office chooses a password; then a second factor is set up in this very session."""
    token = links.kept(request, "back-office")
    if not may_be_office(request):
        raise Http404
    if not token:
        return redirect("open_link", "back-office")
    user = desk.office_pass_opens(token=token)
    if user is None:
        return render(request, "accounts/office_pass_gone.html", status=404)
    form = FirstPasswordForm(request.POST if request.method == "POST" else None, email=user.email)
    if not form.is_valid():
        context = {"person": user, "form": form}
        return render(request, "accounts/office_pass.html", context, status=422 if form.errors else 200)
    try:
        user = desk.use_office_pass(token=token, password=form.cleaned_data["password1"])
    except NotFound:
        return render(request, "accounts/office_pass_gone.html", status=404)
    links.used(request, "back-office")
    login(request, user, backend=BACKEND)
    record_authentication(request, user, method="password", email=user.email, reauthenticated=True)
    request.session[ENROLS] = True
    messages.success(request, "Password saved. Now set up two-factor authentication.")
    return redirect("mfa_index")


def first_factor_by_link(page: Callable[..., Any]) -> Callable[..., Any]:
    """Whoever runs the installation sets up the first factor in a session that came by a link: a password alone, which
    somebody else may have, enrols nobody."""

    @wraps(page)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = request.user
        is_office = user.is_authenticated and user.is_staff
        if is_office and not is_mfa_enabled(user) and not request.session.get(ENROLS):
            messages.error(request, "Ask your administrator for a link: back_office EMAIL --link.")
            return redirect("mfa_index")
        answer: HttpResponse = page(request, *args, **kwargs)
        return answer

    return door
