"""What every page of every app asks first: who is it, in which account, with what right."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails
from kit.again import confirmed_first
from kit.factors import door_to_factor, gave_factor

from accounts.models import Account, Membership
from accounts.policy import Actor, ActorKind, Right

__all__ = [
    "MemberRequest",
    "address_of",
    "base_url",
    "confirmed",
    "confirmed_first",
    "desk_actor",
    "misread",
    "needs",
    "to_factor",
]

Given = ParamSpec("Given")


class MemberRequest(HttpRequest):
    """A request of a person who acts in an account (see ActingAccountMiddleware)."""

    htmx: HtmxDetails
    memberships: list[Membership]
    membership: Membership
    account: Account


Page = Callable[Concatenate[MemberRequest, Given], HttpResponseBase]
Door = Callable[Concatenate[HttpRequest, Given], HttpResponseBase]


def needs(*rights: Right) -> Callable[[Page[Given]], Door[Given]]:
    """Let in who is logged in and has these rights in the account they act in; to anybody else the page does not
    exist."""

    def guarded(page: Page[Given]) -> Door[Given]:
        @wraps(page)
        def door(request: MemberRequest, /, *args: Given.args, **kwargs: Given.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                if request.htmx:  # a part of a page whose session ended: load the whole again, which asks to log in
                    return HttpResponseClientRefresh()
                return redirect_to_login(_page_asked(request))
            if request.membership is None and request.user.is_staff:
                return redirect("admin:index")
            if request.membership is None:
                return render(request, "accounts/no_account.html", status=403)
            if not all(request.membership.may(right) for right in rights):
                raise Http404
            demanded = settings.SECOND_FACTOR_FOR_ALL or request.account.demands_second_factor
            if demanded and not gave_factor(request):
                return to_factor(request)
            return page(request, *args, **kwargs)

        return door  # type: ignore[return-value]

    return guarded


def misread(
    request: MemberRequest, read: Mapping[str, object], *, beside: Collection[str] = (), to: str = ""
) -> HttpResponse | None:
    """The way back with a sentence where the address has a filter that does not exist, or one with no such value: what
    is dropped in silence widens a list, a file, and what is done with all lines that match. None: all was read.

    `read` is what was made of each filter, by its name in the address; `beside`, names that narrow nothing; `to`, the
    name of the list that the filters are of, if this page is not it.
    """
    given = {name: text for name in read if (text := request.GET.get(name, "").strip())}
    strange = [name for name in request.GET if name not in read and name not in beside]
    empty = [name for name in given if not read[name]]
    if not strange and not empty:
        return None
    for name in strange:
        messages.error(request, f"There is no filter “{_sayable(name)}”. It was left out.")
    for name in empty:
        messages.error(request, f"The filter “{name}” has no such value. It was left out.")
    kept = urlencode({name: text for name, text in given.items() if read[name]})
    address = (reverse(to) if to else request.path) + (f"?{kept}" if kept else "")
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


def _sayable(name: str) -> str:
    """What stands in somebody's address, as far as a sentence may repeat it."""
    return re.sub(r"[^\w-]", "", name)[:30]


def to_factor(request: HttpRequest) -> HttpResponse:
    """To where this session gives its second factor, and back to the page that was asked."""
    return redirect(f"{reverse(door_to_factor(request))}?{urlencode({'next': _page_asked(request)})}")


def _page_asked(request: HttpRequest) -> str:
    """Where to go on after logging in: a form's own address may be none to open, so the page that it stood on."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure()):
        return "/"
    return urlsplit(page)._replace(scheme="", netloc="").geturl()


def confirmed(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Ask people for their password or second factor again, unless they gave it in the last five minutes.

    They come back to the page's form, so that what is dangerous is seen once more before it is done.
    """

    @wraps(page)
    def door(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponse:
        return confirmed_first(request, back=request.path) or page(request, *args, **kwargs)

    return door


def address_of(request: HttpRequest) -> str:
    """The network address of who asks, by as many proxies as are trusted; empty where a socket has none."""
    try:
        return str(get_adapter(request).get_client_ip(request))
    except PermissionDenied:
        return ""


def base_url(request: HttpRequest) -> str:
    """What mails link to: the brand's domain that was asked, else the installation's own address as it is configured.
    What a request says of its host and port is believed only where nothing is configured."""
    brand = getattr(request, "brand", None)
    if brand is not None:
        return f"{request.scheme}://{brand.domain}"
    return settings.CONSOLE_URL or request.build_absolute_uri("/").rstrip("/")


def desk_actor(request: HttpRequest) -> Actor:
    """Who works in the back office."""
    return Actor(ActorKind.BACK_OFFICE, request.user.email, request.user.pk)  # type: ignore[union-attr]
