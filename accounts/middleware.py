"""Which account a request acts in."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterable, Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import translation
from kit import clock, logs, walls
from kit.factors import gave_factor
from kit.office import may_be_office

from accounts.doors import address_of
from accounts.models import Account, Membership, User
from accounts.policy import Role
from accounts.queries import memberships_of, open_account_of, places_at, test_places

CHOSEN = "account"  # the session's key: the UUID of the account that the person chose
ACTING = "acting_for"  # the same of the account that somebody of the back office acts for
PERSONAL = ("/accounts/", "/back-office/", "/profile/", "/staff/ownership/")


class ActingAccountMiddleware:
    """Sets `request.membership` and `request.account`: the person's place in an open account, or None.

    With several, the one that was chosen in this session, else the oldest that is live. `request.memberships` are all
    of them; at a brand's domain, those in its account and that one's sub-accounts. `request.is_acting`: from the back
    office.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        places = list(memberships_of(request.user)) if request.user.is_authenticated else []
        if request.brand is not None:  # type: ignore[attr-defined]
            places = places_at(places, request.brand)  # type: ignore[attr-defined]
        places += test_places(places)
        chosen = request.session.get(CHOSEN) if len(places) > 1 else None
        acting = _acting(request)
        membership = acting or _choose(places, chosen)
        request.is_acting = acting is not None  # type: ignore[attr-defined]
        request.memberships = places  # type: ignore[attr-defined]
        request.membership = membership  # type: ignore[attr-defined]
        request.account = membership.account if membership else None  # type: ignore[attr-defined]
        if not request.user.is_authenticated:
            return self.get_response(request)
        request.asked_by = {"who": request.user.email, "address": address_of(request)}  # type: ignore[attr-defined]
        with logs.doing(**request.asked_by):  # type: ignore[attr-defined]
            return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        """What is read in an account is read behind the database's wall; a person's own pages are of all of theirs."""
        account: Account | None = request.account  # type: ignore[attr-defined]
        if account is None or request.method not in ("GET", "HEAD") or request.path.startswith(PERSONAL):
            return self.get_response(request)
        with walls.around(account.pk, account.parent_id or account.pk):
            response = self.get_response(request)
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = _behind(account, response.streaming_content)
        return response


def _behind(account: Account, parts: Iterable[bytes]) -> Iterator[bytes]:
    """A file is made while it is sent: behind the same wall."""
    with walls.around(account.pk, account.parent_id or account.pk):
        yield from parts


def _acting(request: HttpRequest) -> Membership | None:
    """A place that is no row: somebody of the back office acts for an account, with the rights of its users."""
    user = request.user
    wanted = request.session.get(ACTING) if user.is_authenticated else None
    if not wanted or not user.is_staff or not may_be_office(request) or not gave_factor(request):
        return None
    account = open_account_of(wanted)
    if account is None:
        return None
    user.is_acting = True
    return Membership(user=user, account=account, role=Role.USER)


def _choose(places: list[Membership], chosen: str | None) -> Membership | None:
    for place in places:
        if place.account.uuid.hex == chosen:
            return place
    return places[0] if places else None


class PersonMiddleware:
    """Writes moments and dates in the way of the person who is logged in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        before = clock.zone.set(zoneinfo.ZoneInfo(user.time_zone))
        try:
            with translation.override(user.language):
                return self.get_response(request)
        finally:
            clock.zone.reset(before)
