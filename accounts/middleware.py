"""Which account a request acts in."""

from __future__ import annotations

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from accounts import queries
from accounts.models import Membership

CHOSEN = "account"  # the session's key: the UUID of the account that the person chose


class ActingAccountMiddleware:
    """Sets `request.membership` and `request.account`: the person's place in an open account, or None.

    With several, the one that was chosen in this session, else the oldest. `request.memberships` are all of them; at a
    brand's domain, those in its account and that one's sub-accounts.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        places = list(queries.memberships_of(request.user)) if request.user.is_authenticated else []
        if request.brand is not None:  # type: ignore[attr-defined]
            home = request.brand.account_id  # type: ignore[attr-defined]
            places = [place for place in places if home in (place.account_id, place.account.parent_id)]
        chosen = request.session.get(CHOSEN) if len(places) > 1 else None
        membership = _choose(places, chosen)
        request.memberships = places  # type: ignore[attr-defined]
        request.membership = membership  # type: ignore[attr-defined]
        request.account = membership.account if membership else None  # type: ignore[attr-defined]
        return self.get_response(request)


def _choose(places: list[Membership], chosen: str | None) -> Membership | None:
    for place in places:
        if place.account.uuid.hex == chosen:
            return place
    return places[0] if places else None


class SeenMiddleware:
    """Writes down where a person is logged in and when they were last seen there: every few minutes, not every time."""

    EVERY = 300  # seconds

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session = request.session.session_key
        if session and request.user.is_authenticated and cache.add(f"seen:{session}", 1, self.EVERY):
            UserSession.objects.create_from_request(request)
        return self.get_response(request)
