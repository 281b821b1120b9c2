"""The back office's calls: for people who run the installation, by bearer keys of their own, at our own hosts only."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from kit.endpoints import Endpoint
from kit.errors import NotFound, Refusal
from kit.identifiers import ICCID_IN_PATH
from kit.office import may_be_office

from accounts.doors import address_of
from accounts.office_keys import office_bearer
from accounts.policy import Actor
from api import asked, problems
from api.calling import JSON
from api.door import body_of, encrypted
from lines.api.office import ENDPOINTS

LONGEST_BEARER = 100
PATTERNS = {"carrier": "[0-9]{1,9}", "iccid": ICCID_IN_PATH}
ROUTES = [
    (re.compile(re.sub(r"{(\w+)}", lambda value: f"(?P<{value[1]}>{PATTERNS[value[1]]})", one.path)), one)
    for one in ENDPOINTS
]


@csrf_exempt
def office_door(request: HttpRequest, path: str = "") -> HttpResponse:
    """Answers one call. Nothing is wrapped in a transaction here: some calls ask the carrier."""
    try:
        encrypted(request)
        if not may_be_office(request):
            raise NotFound("There is no such call")
        found = _answer(request, _who(request), path)
    except Refusal as refusal:
        found = problems.of_refusal(refusal)
    except Exception as error:  # noqa: BLE001 - the last door: a client gets a problem, never a trace
        found = problems.of_failure(error)
    found["Cache-Control"] = "no-store"
    if found.status_code == 429:
        found["Retry-After"] = "1"
    return found


def _who(request: HttpRequest) -> Actor:
    """Raises Unauthenticated, in the same words whatever is wrong; WrongAddress."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    is_one = scheme.lower() == "bearer" and 0 < len(key) <= LONGEST_BEARER and key.isascii()
    actor = office_bearer(key=key, address=address_of(request)) if is_one else None
    if actor is None:
        raise problems.Unauthenticated("The header Authorization is no key of the back office; send it as: Bearer ...")
    return actor


def _answer(request: HttpRequest, by: Actor, path: str) -> HttpResponse:
    endpoint, values = _find(request.method or "", path.removesuffix("/"))
    given = asked.of(endpoint, request.GET, body_of(request))
    return HttpResponse(JSON.encode(endpoint.run(by, **values, **given)), content_type="application/json")


def _find(verb: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    """Raises NotFound, WrongVerb."""
    allowed: list[str] = []
    for pattern, one in ROUTES:
        if match := pattern.fullmatch(path):
            if verb in one.verbs:
                return one, match.groupdict()
            allowed += one.verbs
    if allowed:
        raise problems.WrongVerb(allowed)
    raise NotFound("There is no such call")
