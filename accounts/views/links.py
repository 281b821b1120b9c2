"""Links that are mailed carry what opens them after the #, which browsers keep to themselves: it comes here in a form,
and goes on in the session. No address, and so no log, proxy or history, has it."""

from __future__ import annotations

import re

from allauth.account.models import get_emailconfirmation_model
from allauth.account.views import INTERNAL_RESET_SESSION_KEY, ConfirmEmailView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

KEPT = "link:{kind}"  # the session's key
PAGES = {"invitation": "invitation", "back-office": "office_pass", "confirm": "account_confirm_email"}
RESET = "reset"
HERE = "now"  # in the place of allauth's keys: the session has it
LONGEST = 400


@never_cache
@require_http_methods(["GET", "POST"])
def open_link(request: HttpRequest, kind: str) -> HttpResponse:
    """A script hands over what stands after the #; without one a person pastes the link."""
    if kind != RESET and kind not in PAGES:
        raise Http404
    token = request.POST.get("link", "").strip().rpartition("#")[2][:LONGEST]
    return exchanged(request, kind, token) if token else render(request, "accounts/open_link.html")


def exchanged(request: HttpRequest, kind: str, token: str) -> HttpResponse:
    """From here on the session has it."""
    if kind == RESET:
        whose, _, key = token.partition("-")
        request.session[INTERNAL_RESET_SESSION_KEY] = key
        whose = whose if re.fullmatch("[0-9A-Za-z]{1,13}", whose) else "0"
        return redirect("account_reset_password_from_key", uidb36=whose, key="set-password")
    request.session[KEPT.format(kind=kind)] = token
    return redirect(PAGES[kind], *([HERE] if kind == "confirm" else []))


@never_cache
def former_link(request: HttpRequest, token: str, kind: str) -> HttpResponse:
    """A link of a mail from before: what opens it leaves the address at once."""
    return exchanged(request, kind, token)


def kept(request: HttpRequest, kind: str) -> str:
    return str(request.session.get(KEPT.format(kind=kind), ""))


def used(request: HttpRequest, kind: str) -> None:
    request.session.pop(KEPT.format(kind=kind), None)


class ConfirmView(ConfirmEmailView):  # type: ignore[misc]
    """allauth's page, whose key is the session's."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: str) -> HttpResponse:
        if (key := kwargs.get("key", HERE)) != HERE:
            return former_link(request, key, "confirm")
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer

    def get_object(self, queryset: object = None) -> object:  # noqa: ARG002 - as allauth calls it
        found = get_emailconfirmation_model().from_key(kept(self.request, "confirm"))
        if not found:
            raise Http404
        return found

    def logout_other_user(self, confirmation: object) -> None:
        """A session that ends here does not take the key along."""
        key = kept(self.request, "confirm")
        super().logout_other_user(confirmation)
        self.request.session[KEPT.format(kind="confirm")] = key
