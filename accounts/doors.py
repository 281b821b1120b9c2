"""What every page of every app asks first: who is it, in which account, with what right."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from accounts.models import Account, Membership
from accounts.policy import Right

Given = ParamSpec("Given")


class MemberRequest(HttpRequest):
    """A request of a person who acts in an account (see ActingAccountMiddleware)."""

    htmx: HtmxDetails
    memberships: list[Membership]
    membership: Membership
    account: Account


Page = Callable[Concatenate[MemberRequest, Given], HttpResponse]
Door = Callable[Concatenate[HttpRequest, Given], HttpResponse]


def needs(right: Right) -> Callable[[Page[Given]], Door[Given]]:
    """Let in who is logged in and has the right in the account they act in; to anybody else the page does not exist."""

    def guarded(page: Page[Given]) -> Door[Given]:
        @wraps(page)
        def door(request: MemberRequest, /, *args: Given.args, **kwargs: Given.kwargs) -> HttpResponse:
            if not request.user.is_authenticated:
                if request.htmx:  # a part of a page whose session ended: load the whole again, which asks to log in
                    return HttpResponseClientRefresh()
                return redirect_to_login(request.get_full_path())
            if request.membership is None:
                return render(request, "accounts/no_account.html", status=403)
            if not request.membership.may(right):
                raise Http404
            return page(request, *args, **kwargs)

        return door  # type: ignore[return-value]

    return guarded
