"""Which endpoint a path is; the endpoints themselves are in their apps."""

from __future__ import annotations

import re
from functools import cache

from kit import uuids
from kit.endpoints import Endpoint
from kit.errors import NotFound
from kit.identifiers import ICCID_IN_PATH

import accounts.api
import automation.api
import billing.api
import lines.api
import subaccounts.api
from accounts.policy import Right
from api.problems import WrongVerb

ENDPOINTS: tuple[Endpoint, ...] = (
    *billing.api.ENDPOINTS,
    *lines.api.ENDPOINTS,
    *subaccounts.api.ENDPOINTS,
    *automation.api.ENDPOINTS,
    *accounts.api.ENDPOINTS,
)
HEX = "[0-9a-f]{32}"
PATTERNS = {"iccid": ICCID_IN_PATH} | dict.fromkeys(
    ("job", "account", "rule", "webhook", "message", "order", "cap", "field", "usage_export"), HEX
)  # in a path
PATTERNS["api_key"] = "[0-9]{1,32}"
BY_NAME = {one.name: one for one in ENDPOINTS}


def _taken(name: str) -> str:
    """What a path may have for this value: of a UUID any form."""
    return uuids.ANY_FORM if PATTERNS[name] == HEX else PATTERNS[name]


_ROUTES: dict[str, list[tuple[re.Pattern[str], Endpoint]]] = {}  # by the first word of the path
for _one in ENDPOINTS:
    _pattern = re.compile(re.sub(r"{(\w+)}", lambda value: f"(?P<{value[1]}>{_taken(value[1])})", _one.path))
    _ROUTES.setdefault(_one.path.partition("/")[0], []).append((_pattern, _one))


_GETS = {re.sub(r"{\w+}", "{}", one.path): Right(one.right) for one in ENDPOINTS if "GET" in one.verbs}


@cache
def right_to(template: str) -> Right:
    """What a GET of this path takes, a query or not. Raises KeyError where there is none."""
    return _GETS[re.sub(r"{\w+}", "{}", template.partition("?")[0])]


def find(verb: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    """The endpoint and the values in its path; a slash at the end is as good as none. Raises NotFound, WrongVerb."""
    allowed: list[str] = []
    path = path.removesuffix("/")
    for pattern, found in _ROUTES.get(path.partition("/")[0], []):
        if match := pattern.fullmatch(path):
            if verb in found.verbs:
                return found, {name: uuids.plain(value) for name, value in match.groupdict().items()}
            allowed += found.verbs + (("HEAD",) if "GET" in found.verbs else ())
    if allowed:
        raise WrongVerb(allowed)
    raise NotFound("There is no such call; /api/openapi.json lists all of them")
