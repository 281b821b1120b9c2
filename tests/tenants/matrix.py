"""What the tenant matrix asks: its routes and calls, who asks them of whose objects, and what is right."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import io
import json
import re
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from django.db import connection, transaction
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from kit.endpoints import Endpoint
from pypdf import PdfReader

from accounts.models import Account
from accounts.policy import Right, Role, Scope, rights, rights_of_scopes
from tests.responses import streamed_content
from tests.tenants.tenant_people import Tenant, World
from tests.tenants.tenant_table import PERSON, PUBLIC, Row
from tests.tenants.tenant_world import BALANCE, CARRIER, OUR_NAME, PER_MB, PLAN

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
WELL = {200, 302, 303, 400, 409, 422}
NOT_OFFERED = {302, 401, 403, 404, 405}
MINE, FOREIGN, ABSENT = "own", "foreign", "absent"
ROLE_OF = {
    "owner": Role.OWNER, "user": Role.USER, "operator": Role.OPERATOR, "viewer": Role.VIEWER,
    "stranger": Role.OWNER, "sub-account": Role.USER, "sub-account's owner": Role.OWNER,
}  # fmt: skip
OF_HARBOUR = {"sub-account", "sub-account's owner"}
NO_ACCOUNT = {"deactivated", "back office"}
WRITES = re.compile(r"\b(?:INSERT INTO|DELETE FROM|(?<!FOR )(?<!KEY )(?<!DO )UPDATE(?! SET))\s+\"?(\w+)", re.IGNORECASE)
KEPT_BY_ALL = {
    "django_session",
    "accounts_apiday",
    "accounts_signedwrite",
    "accounts_apikey",
    "usersessions_usersession",
    "account_emailaddress",
}
ONCE = re.compile(
    r'"request_id":"[^"]*"|csrfmiddlewaretoken" value="\w+"|nonce="[^"]+"|[0-9a-f]{32}|[0-9a-f-]{36}|\d{6,}'
)

cells: list[str] = []  # what was asked so far, by whom
serial = count(1)


@functools.cache
def routes() -> dict[str, tuple[str, Any]]:
    """Name -> pattern and view of every address."""
    return {name: (pattern, view) for name, pattern, view in _walk(get_resolver(), "", "")}


def _walk(resolver: URLResolver, prefix: str, space: str) -> Iterator[tuple[str, str, Any]]:
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            yield f"{space}{one.name or prefix + str(one.pattern)}", prefix + str(one.pattern), one.callback
        else:
            inner = f"{space}{one.namespace}:" if one.namespace else space
            yield from _walk(one, prefix + str(one.pattern), inner)


def is_refused_to_all(row: Row, method: str, view: Any) -> bool:
    """Whether the view refuses this method before it looks at who asks: then it does so to every kind of person, and
    whatever the address names.

    The request that it gets is nobody's at all: whoever reads its user, its cookies or its account fails.
    """
    if row.offers(method):
        return False
    try:
        status = view(HttpRequestOfNobody(method)).status_code
    except (AttributeError, TypeError):
        if isinstance(row.right, Right):
            raise
        return False  # it looks at more than the method
    assert status == 405 or not isinstance(row.right, Right)
    return bool(status == 405)


class HttpRequestOfNobody:
    """A method and a path, and nothing else."""

    META: Mapping[str, str] = {}

    def __init__(self, method: str) -> None:
        self.method, self.path = method, "/"


def forbidden(world: World, who: str) -> re.Pattern[str]:
    """The words that this person may not meet."""
    a, h, s, x = (tenant.canaries for tenant in (world.acme, world.harbour, world.sister, world.xeno))
    secret = [PLAN, CARRIER, *BALANCE, PER_MB]
    words = {
        "owner": x, "user": x, "operator": x, "viewer": x, "reading bearer key": [*x, *BALANCE, PER_MB],
        "stranger": [*a, *h, *s], **{one: [*a, *s, *x, *secret, OUR_NAME] for one in OF_HARBOUR},
    }.get(who, [*a, *h, *s, *x, *secret])  # fmt: skip
    return re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)


def tenant_of(world: World, who: str) -> Tenant:
    return world.harbour if who in OF_HARBOUR else world.xeno if who == "stranger" else world.acme


def others_of(world: World, who: str) -> list[Tenant]:
    """Whose objects are foreign to this person."""
    if who == "stranger":
        return [world.acme, world.harbour]
    return [world.acme, world.sister, world.xeno] if who in OF_HARBOUR else [world.xeno]


def absent(value: Any) -> Any:
    """A value of the same shape that names nothing."""
    number = next(serial)
    if isinstance(value, int):
        return 90_000_000 + number
    if isinstance(value, uuid.UUID):
        return uuid.uuid4()
    if re.fullmatch("[0-9]{19,20}", value):
        return f"8900000{number:012}"
    return uuid.uuid4().hex if re.fullmatch("[0-9a-f]{32}", value) else f"nothing-{number}"


def chosen(world: World, row: Row, who: str) -> list[tuple[str, dict[str, Any]]]:
    """Each way to fill the address: with one's own, with others' (all of it, or one value), with nothing's."""
    mine = objects(tenant_of(world, who))
    own = {name: mine.get(kind) for name, kind in row.names.items()}
    ways: list[tuple[str, dict[str, Any]]] = []
    if all(value is not None for value in own.values()):
        ways.append((MINE, own))
    for tenant in others_of(world, who):
        theirs = {name: objects(tenant).get(kind) for name, kind in row.names.items()}
        if row.names and all(value is not None for value in theirs.values()) and theirs != own:
            ways.append((FOREIGN, theirs))
            if len(theirs) > 1 and MINE in dict(ways):
                ways += [(FOREIGN, own | {name: value}) for name, value in theirs.items()]
    if row.names:
        some = next(iter(values for _, values in ways), dict.fromkeys(row.names, "x"))
        ways.append((ABSENT, {name: absent(value) for name, value in some.items()}))
    return ways


def objects(tenant: Tenant) -> dict[str, Any]:
    return tenant.objects | {
        "nothing": "nothing",
        "no number": 900_000_000,
        "account_uuid": tenant.account.uuid,
        "account_hex": tenant.account.uuid.hex,
        "endpoint": "accounts",
        "problem": "our-error",
    }


def address(pattern: str, values: dict[str, Any]) -> str:
    """The pattern with its values in their places; of a choice of words the first."""
    pattern = re.sub(r"\(\?P<\w+>([a-z]+)(?:\|[a-z]+)+\)", r"\1", pattern)
    text = re.sub(r"\(\?:/\(\?P<(\w+)>[^)]*\)\)\?", r"/<\1>", pattern)
    text = re.sub(r"\(\?P<(\w+)>(?:[^()\[\]]|\[[^\]]*\])*\)", r"<\1>", text)
    text = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), text)
    return "/" + text.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\.", ".")


def may(row: Row, who: str) -> bool | None:
    """None: the row asks for no right of an account."""
    if not isinstance(row.right, Right):
        return None
    if who not in ROLE_OF:
        return False
    return {row.right, row.and_right or row.right} <= rights(ROLE_OF[who], is_subaccount=who in OF_HARBOUR)


def expected(row: Row, method: str, who: str, whose: str) -> set[int]:
    if not row.offers(method):  # a form's own view takes PUT as it takes POST
        return NOT_OFFERED | ({200, 429} if row.right in (PUBLIC, PERSON) else set())
    if row.right == PUBLIC:
        return WELL | {401, 403, 404, 405, 429}
    if who == "anonymous":
        return {302}
    if row.right == PERSON:  # those of a second factor are shut to who has no password to confirm it with
        return WELL | {403, 404}
    if who in NO_ACCOUNT:
        return {302, 403}
    if may(row, who) and whose == MINE:
        return WELL | row.also
    return {404}


class Written:
    """Tables that a cell wrote to, and its statements without their values."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.statements: list[str] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.tables |= set(WRITES.findall(str(sql))) - KEPT_BY_ALL
        self.statements.append(re.sub(r"\bs\d+_x\d+\b", "savepoint", str(sql)))
        return execute(sql, params, many, context)


def ask(world: World, who: str, method: str, path: str, row: Row) -> tuple[Any, set[str]]:
    """One cell: asked, then undone."""
    cells.append(who)
    client, sent = world.browsers[who], Written()
    with transaction.atomic(), connection.execute_wrapper(sent):
        data = dict((row.get if method == "GET" else row.post) or {})
        response: Any
        if method == "GET":
            response = client.get(path, data)
        elif method == "POST":
            response = client.post(path, data)
        else:
            response = client.generic(method, path)
        response.body = body_of(response)
        transaction.set_rollback(True)
    response.statements = sent.statements
    return response, sent.tables


def body_of(response: Any) -> str:
    """What a reader of the answer reads: a workbook unpacked, the words of a PDF."""
    content = streamed_content(response) if response.streaming else response.content
    kind = response.get("Content-Type", "")
    if "spreadsheetml" in kind:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return "\n".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    if kind == "application/pdf":
        paper = PdfReader(io.BytesIO(content))
        return "\n".join([str(paper.metadata), *(page.extract_text() for page in paper.pages)])
    return str(content.decode("utf-8", "replace"))


def judged(
    row: Row, cell: str, response: Any, wrote: set[str], well: set[int], words: re.Pattern[str]
) -> Iterator[str]:
    if response.status_code not in well:
        yield f"{cell}: expected {sorted(well)}"
    if response.status_code in (401, 403, 404, 405) and wrote:
        yield f"{cell}: refused, and wrote to {wrote}"
    met = None if row.unscanned else words.search(response.body)
    if met:
        around = response.body[max(0, met.start() - 60) : met.end() + 40]
        yield f"{cell}: shows {met[0]!r} in …{around}…"


def other_objects(world: World, row: Row, who: str) -> dict[str, dict[str, Any]]:
    """What an address may name that is not theirs: of somebody else, and of nobody."""
    found: dict[str, dict[str, Any]] = {}
    for whose, values in chosen(world, row, who):
        if whose != MINE:
            found.setdefault(whose, values)
    return found if len(found) == 2 else {}


# The API: made from its endpoints, so that a new one is in by itself.
API_VALUES = {"iccid": "line", "order": "order_hex"}  # what a value names, where it is not called so
BODIES: dict[str, Any] = {"deactivation_date": {"deactivation_date": "2090-01-01"}, "notes": {"notes": "mine"}}
CALLERS = {
    "owner's key": "owner", "sub-account's key": "sub-account", "stranger's key": "stranger", "revoked key": "",
    "reading bearer key": "reading bearer key", "revoked bearer key": "", "nobody": "",
}  # fmt: skip


def call(world: World, caller: str, account: Account, verb: str, path: str, body: Any) -> tuple[Any, set[str]]:
    cells.append(caller)
    known, stamp, sent = world.callers[caller], str(int(time.time())), Written()
    headers = {}
    if "bearer" in known:
        headers = {"Authorization": f"Bearer {known['bearer']}"}
    elif known:
        message = (stamp + account.uuid.hex).encode()
        digest = hmac.new(known["key"].encode(), message, hashlib.sha1).digest()
        headers = {"timestamp": stamp, "hash": base64.b64encode(digest).decode(), "uuid": known["uuid"]}
    with transaction.atomic(), connection.execute_wrapper(sent):
        data = json.dumps(body or {}).encode() if verb != "GET" else b""
        response: Any = world.browsers["anonymous"].generic(
            verb, f"/api/{account.uuid.hex}/{path}", data, content_type="application/json", headers=headers
        )
        response.body = body_of(response)
        transaction.set_rollback(True)
    response.statements = sent.statements
    return response, sent.tables


def allowed(one: Endpoint, who: str) -> bool:
    if who == "reading bearer key":
        return Right(one.right) in rights_of_scopes([Scope.READ_LINES], is_subaccount=False)
    return bool(who) and Right(one.right) in rights(Role.OWNER, is_subaccount=who == "sub-account")
