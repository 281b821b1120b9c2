"""Which branding a request is answered in: its person's, its host's, or what this browser was shown last."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from kit.cookies import cookie_name, cookie_rules

from accounts.branding.hosts import is_own, live_domains
from accounts.branding.identity import Branding, branding_of
from accounts.models import Account, Brand

COOKIE = "branding"  # signed: the UUID of the sub-account whose people use this browser
A_YEAR = 365 * 86_400
VISIT = "visit-"  # before the UUID: nobody of the account was logged in here yet, and the browser forgets it


class BrandHostMiddleware:
    """Sets `request.brand`: whose domain the request came to, or None. Before who acts is asked.

    A browser in which a sub-account's person was logged in keeps its branding, so that they meet no other after logging
    out; anybody else who logs in there takes it off.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.brand = _brand_at(request)  # type: ignore[attr-defined]
        response = self.get_response(request)
        account: Account | None = getattr(request, "account", None)
        if account is not None and request.brand is None:  # type: ignore[attr-defined]
            if account.is_subaccount:
                keep(request, response, account)
            elif cookie_name(COOKIE) in request.COOKIES:
                response.delete_cookie(cookie_name(COOKIE))
        return response


def keep(request: HttpRequest, response: HttpResponse, account: Account) -> None:
    """This browser shows the account’s branding from now on, logged in or not."""
    _keep(request, response, account.uuid.hex, A_YEAR)


def visit(request: HttpRequest, response: HttpResponse, account: Account) -> None:
    """The same until the browser is closed: a link, which anybody can send, brands nothing for longer."""
    if _kept(request) != account.uuid.hex:
        _keep(request, response, VISIT + account.uuid.hex, None)


def _keep(request: HttpRequest, response: HttpResponse, value: str, max_age: int | None) -> None:
    if _kept(request) != value:
        response.set_signed_cookie(cookie_name(COOKIE), value, max_age=max_age, **cookie_rules())


def branding_for(request: HttpRequest) -> Branding:
    """What this request's page shows of whom it is from. A page about an account (`branded_as`) is in its branding."""
    return branding_of(branded_account(request))


def branded_account(request: HttpRequest) -> Account | None:
    """Whose branding that is; None: ours."""
    account: Account | None = getattr(request, "branded_as", None) or getattr(request, "account", None)
    brand: Brand | None = getattr(request, "brand", None)
    if account is not None:
        return account
    return brand.account if brand is not None else _account(_kept(request).removeprefix(VISIT))


def _brand_at(request: HttpRequest) -> Brand | None:
    """`get_host` refuses a host that is nobody's."""
    host, _ = split_domain_port(request.get_host())
    if is_own(host) or host not in live_domains():
        return None
    return Brand.objects.select_related("account").filter(domain=host, domain_live_at__isnull=False).first()


def _kept(request: HttpRequest) -> str:
    return request.get_signed_cookie(cookie_name(COOKIE), default="") or ""


def _account(text: str) -> Account | None:
    if not text:
        return None
    return Account.objects.select_related("brand", "parent__brand").filter(uuid=uuid.UUID(text)).first()
