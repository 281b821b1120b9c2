"""The door that an invitation's link opens."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from kit.errors import Refusal

from accounts import queries
from accounts.commands import invitations
from accounts.forms import JoinForm
from accounts.mails import letters
from accounts.middleware import CHOSEN
from accounts.models import Invitation, Membership, User
from accounts.views import links

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Join an account: as the person one is logged in as, or as a new one, who chooses a password here."""
    token = links.kept(request, "invitation")
    if not token:
        return redirect("open_link", "invitation")
    found = queries.invitation_by_token(token)
    if found is None:
        return render(request, "accounts/invitation_gone.html", {"why": invitations.GONE}, status=404)
    request.branded_as = found.account  # type: ignore[attr-defined]
    user = request.user if isinstance(request.user, User) else None
    if user is None and queries.user_by_email(found.email) is None:
        return _join_as_new(request, token, found)
    if request.method == "POST" and user is not None and user.email == found.email:
        try:
            return _led_in(request, invitations.join(token=token, user=user))
        except Refusal as refusal:
            messages.error(request, refusal.message)
    return render(
        request, "accounts/invitation.html", {"invitation": found, "who": letters.who_asks(found), "person": user}
    )


def _join_as_new(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    form = JoinForm(request.POST if request.method == "POST" else None, email=found.email)
    if form.is_valid():
        try:
            place = invitations.join_as_new(
                token=token, name=form.cleaned_data["name"], password=form.cleaned_data["password1"]
            )
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            login(request, place.user, backend=BACKEND)
            record_authentication(request, place.user, method="password", email=found.email)
            return _led_in(request, place)
    context = {"invitation": found, "who": letters.who_asks(found), "form": form}
    return render(request, "accounts/invitation.html", context, status=422 if form.errors else 200)


def _led_in(request: HttpRequest, place: Membership) -> HttpResponse:
    links.used(request, "invitation")
    request.session[CHOSEN] = place.account.uuid.hex
    messages.success(request, f"Welcome to {place.account.name}.")
    return redirect("home")
