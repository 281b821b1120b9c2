"""The tenant matrix: every route and method, by every kind of person, on an object of theirs, of others, and on none.

The routes are read from the URL configuration and the API's endpoints; what is expected of each stands in
tenant_table.py. Every answer is searched for words that are not its reader's to know. What is refused writes nothing.
"""

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
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest
from api.routes import ENDPOINTS
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from kit.endpoints import Endpoint
from pypdf import PdfReader
from tenant_table import PERSON, PUBLIC, ROWS, Row
from tenant_world import BALANCE, CARRIER, OUR_NAME, PER_MB, PLAN, Tenant, World, build, quick

from accounts.models import Account
from accounts.policy import Right, Role, Scope, rights, rights_of_scopes

pytestmark = pytest.mark.django_db

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

cells = 0
serial = count(1)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Built once; each cell is undone."""
    with django_db_blocker.unblock(), transaction.atomic(), quick():
        yield build()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _counted(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """How many cells each test asked, for the summary of the run: whichever worker asked them."""
    before = cells
    yield
    record_property("cells of the tenant matrix", cells - before)


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


def ask(world: World, who: str, method: str, path: str, row: Row) -> tuple[HttpResponse, set[str]]:
    """One cell: asked, then undone."""
    global cells
    cells += 1
    client, sent = world.browsers[who], Written()
    with transaction.atomic(), connection.execute_wrapper(sent):
        data = dict((row.get if method == "GET" else row.post) or {})
        response = client.get(path, data) if method == "GET" else client.post(path, data) if method == "POST" else (
            client.generic(method, path)
        )  # fmt: skip
        response.body = body_of(response)
        transaction.set_rollback(True)
    response.statements = sent.statements
    return response, sent.tables


def body_of(response: Any) -> str:
    """What a reader of the answer reads: a workbook unpacked, the words of a PDF."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    kind = response.get("Content-Type", "")
    if "spreadsheetml" in kind:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return "\n".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    if kind == "application/pdf":
        paper = PdfReader(io.BytesIO(content))
        return "\n".join([str(paper.metadata), *(page.extract_text() for page in paper.pages)])
    return str(content.decode("utf-8", "replace"))


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_route_shows_and_does_to_each_only_what_is_theirs(world: World, name: str) -> None:
    global cells
    row, (pattern, view), wrong, none = ROWS[name], routes()[name], [], {}
    refused = {method for method in METHODS if is_refused_to_all(row, method, view)}
    cache.clear()
    cache.set_many({f"seen:{key}": 1 for key in Session.objects.values_list("session_key", flat=True)})
    for who in world.browsers:
        words = forbidden(world, who)
        for whose, values in chosen(world, row, who):
            cells += len(refused) if whose == MINE else 0
            for method in METHODS:
                if method in refused or (whose != MINE and not row.offers(method)):
                    continue
                path = address(pattern, values)
                response, wrote = ask(world, who, method, path, row)
                cell = f"{who}: {method} {whose} {path} {response.status_code}"
                wrong += judged(row, cell, response, wrote, expected(row, method, who, whose), words)
                if whose != MINE and row.right != PUBLIC:
                    none.setdefault((who, method), set()).add((response.status_code, ONCE.sub("", response.body)))
    wrong += [f"{key}: foreign and absent are not one answer" for key, answers in none.items() if len(answers) > 1]
    assert not wrong, "\n".join(wrong)


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


def test_every_route_has_its_row() -> None:
    assert {name for name in routes() if not name.startswith("admin:")} == set(ROWS)


def test_the_back_office_is_shut_to_everybody_without_a_second_factor(world: World) -> None:
    """Each of its views asked by each kind of person, before it reads anything else."""
    global cells
    people, wrong = {"anonymous": AnonymousUser(), **world.people}, []
    for name, (pattern, view) in routes().items():
        if not name.startswith("admin:") or name in ("admin:login", "admin:logout", "admin:jsi18n"):
            continue
        values = dict.fromkeys(re.findall(r"<(?:\w+:)?(\w+)>", pattern), "1")
        for request in [RequestFactory().generic(method, address(pattern, values)) for method in METHODS]:
            request._dont_enforce_csrf_checks, request.htmx = True, False  # type: ignore[attr-defined]
            for who, user in people.items():
                cells += 1
                request.user, request.session = user, {}  # type: ignore[assignment]
                try:
                    status = view(request, **values).status_code
                except (Http404, PermissionDenied):
                    continue
                if status not in (302, 405):
                    wrong.append(f"{who}: {request.method} {pattern} {status}")
    assert not wrong, "\n".join(wrong)


# The API: made from its endpoints, so that a new one is in by itself.
API_VALUES = {"iccid": "line", "order": "order_hex"}  # what a value names, where it is not called so
BODIES: dict[str, Any] = {"deactivation_date": {"deactivation_date": "2090-01-01"}, "notes": {"notes": "mine"}}
CALLERS = {
    "owner's key": "owner", "sub-account's key": "sub-account", "stranger's key": "stranger", "revoked key": "",
    "reading bearer key": "reading bearer key", "revoked bearer key": "", "nobody": "",
}  # fmt: skip


def call(world: World, caller: str, account: Account, verb: str, path: str, body: Any) -> tuple[Any, set[str]]:
    global cells
    cells += 1
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


@pytest.mark.parametrize("one", ENDPOINTS, ids=lambda one: one.name)
def test_a_call_of_the_api_shows_and_does_to_each_only_what_is_theirs(world: World, one: Endpoint) -> None:
    at_path = {verb for other in ENDPOINTS if other.path == one.path for verb in other.verbs}
    row = Row(one.right, {name: API_VALUES.get(name, name) for name in one.values})
    wrong: list[str] = []
    for caller, who in CALLERS.items():
        words, none = forbidden(world, who), set()
        home = tenant_of(world, who).account
        for whose, values in chosen(world, row, who):
            path = one.path.format(**values)
            unknown = [verb for verb in METHODS if verb not in at_path] if whose == MINE else []
            for verb in (*one.verbs, *unknown):
                response, wrote = call(world, caller, home, verb, path, BODIES.get(one.name))
                well = {401} if not who else {405} if verb not in one.verbs else {403, 404, 422}
                if who and verb in one.verbs and allowed(one, who) and whose == MINE:
                    well = {200, 201, 202, 409, 422}
                cell = f"{caller}: {verb} {whose} {path} {response.status_code}"
                wrong += judged(row, cell, response, wrote, well, words)
                if whose != MINE:
                    none.add((verb, response.status_code, ONCE.sub("", response.body)))
        for other in (world.xeno, world.acme) if who else ():
            if other.account != home:  # with one's own key at another's address
                response, wrote = call(world, caller, other.account, one.verbs[0], one.path.format(**values), None)
                wrong += judged(row, f"{caller} at {other.word}'s", response, wrote, {401}, words)
        if len(none) > len(one.verbs):
            wrong.append(f"{caller}: foreign and absent are not one answer: {none}")
    assert not wrong, "\n".join(wrong)


def other_objects(world: World, row: Row, who: str) -> dict[str, dict[str, Any]]:
    """What an address may name that is not theirs: of somebody else, and of nobody."""
    found: dict[str, dict[str, Any]] = {}
    for whose, values in chosen(world, row, who):
        if whose != MINE:
            found.setdefault(whose, values)
    return found if len(found) == 2 else {}


NAMED = sorted(name for name, row in ROWS.items() if row.names and row.right != PUBLIC)
NAMED_CALLS = [one for one in ENDPOINTS if one.values]


@pytest.mark.parametrize("name", NAMED)
def test_a_page_takes_no_other_path_for_what_is_somebody_elses(world: World, name: str) -> None:
    """The database is asked the very same of what others have and of what nobody has: no clock tells them apart."""
    row, (pattern, _) = ROWS[name], routes()[name]
    others = other_objects(world, row, "owner")
    for method in [method for method in METHODS if row.offers(method) and others]:
        paths = {}
        for _ in range(2):  # what a first look keeps is kept in the second
            for whose, values in others.items():
                response, _ = ask(world, "owner", method, address(pattern, values), row)
                paths[whose] = response.statements
        assert paths[FOREIGN], name
        assert paths[FOREIGN] == paths[ABSENT], f"{method} {name}"


@pytest.mark.parametrize("one", NAMED_CALLS, ids=lambda one: one.name)
def test_a_call_takes_no_other_path_for_what_is_somebody_elses(world: World, one: Endpoint) -> None:
    row = Row(one.right, {name: API_VALUES.get(name, name) for name in one.values})
    others, home = other_objects(world, row, "owner"), tenant_of(world, "owner").account
    for verb in one.verbs if others else ():
        paths = {}
        for _ in range(2):
            for whose, values in others.items():
                path = one.path.format(**values)
                response, _ = call(world, "owner's key", home, verb, path, BODIES.get(one.name))
                paths[whose] = response.statements
        assert paths[FOREIGN] == paths[ABSENT], f"{verb} {one.path}"


PLAN_DOORS: dict[str, tuple[str, str, Callable[[str, str], dict[str, Any]]]] = {
    "the list's filter": ("GET", "/lines/", lambda plan, _: {"plan": plan}),
    "the list as CSV": ("GET", "/lines/export.csv", lambda plan, _: {"plan": plan}),
    "coverage": ("GET", "/coverage/", lambda plan, _: {"plan": plan}),
    "what is offered to many lines": ("GET", "/lines/bulk/", lambda plan, _: {"plan": plan, "action": "plan"}),
    "a line": ("POST", "/lines/{iccid}/plan/", lambda plan, _: {"plan": plan}),
    "ticked lines": ("POST", "/lines/bulk/", lambda plan, iccid: {"action": "plan", "plan": plan, "line": iccid}),
    "a line to add": ("POST", "/lines/add/", lambda plan, iccid: {"iccid": iccid, "plan": f"zqxeno own plan{plan}"}),
    "a file of lines": (
        "POST", "/lines/add/many/", lambda plan, iccid: {"rows": f"iccid,rate plan\n{iccid},zqxeno own plan{plan}"}
    ),
    "a rule": (
        "POST", "/automation/rules/new/",
        lambda plan, _: {"name": "r", "trigger": "imei", "action": "plan", "to_plan": plan, "plan": plan},
    ),
    "an order": (
        "POST", "/orders/",
        lambda plan, _: {"quantity": 20, "plan": plan, "contact": "A", "email": "a@b.example", "address": "Street",
                         "key": "0" * 32},
    ),
}  # fmt: skip
PLAN_CALLS: dict[str, tuple[str, str, Callable[[int, str], dict[str, Any]]]] = {
    "the API's change": ("PUT", "sim_card/{iccid}/rate_plan", lambda plan, _: {"rate_plan_id": plan}),
    "the API's job": (
        "POST", "jobs", lambda plan, iccid: {"action": "plan", "iccids": [iccid], "rate_plan_id": plan}
    ),
    "the API's new line": (
        "POST", "iot_sim_cards", lambda plan, iccid: {"iccid": iccid, "rate_plan_id": plan, "activate": False}
    ),
    "the API's order": (
        "POST", "orders",
        lambda plan, _: {"quantity": 20, "contact": "A", "email": "a@b.example", "address": "S", "rate_plan_id": plan},
    ),
    "the API's rule": (
        "POST", "rules",
        lambda plan, _: {"name": "r", "trigger": "imei", "action": "plan", "to_rate_plan_id": plan},
    ),
    "the API's rule for lines of a plan": (
        "POST", "rules", lambda plan, _: {"name": "r", "trigger": "imei", "rate_plan_id": plan}
    ),
    "the API's filter": ("GET", "iot_sim_cards?rate_plan_id={plan}", lambda plan, _: {"plan": plan}),
    "the API's coverage": ("GET", "coverage?rate_plan_id={plan}", lambda plan, _: {"plan": plan}),
    "the API's plans": ("GET", "rate_plans", lambda plan, _: {}),
}  # fmt: skip


@pytest.mark.parametrize("door", [*PLAN_DOORS, *PLAN_CALLS])
def test_a_rate_plan_of_another_account_is_one_that_does_not_exist(world: World, door: str) -> None:
    """By every door that a rate plan can be named at: the same answer as for none, and not a word of it."""
    iccid, theirs = world.acme.objects["line"], world.xeno.objects["plan"]
    words, answers = forbidden(world, "owner"), []
    for plan in (theirs, 90_000_001):
        if door in PLAN_DOORS:
            method, path, given = PLAN_DOORS[door]
            by_name = {theirs: "", 90_000_001: " of none"}[plan]
            name = by_name if "add" in path else str(plan)
            row = Row(Right.SEE_LINES, get=given(name, iccid), post=given(name, iccid))
            response, _ = ask(world, "owner", method, path.format(iccid=iccid), row)
        else:
            method, path, body = PLAN_CALLS[door]
            where = path.format(iccid=iccid, plan=plan)
            response, _ = call(world, "owner's key", world.acme.account, method, where, body(plan, iccid))
        said = response.body.replace("zqxeno own plan", "").replace(" of none", "")  # what was asked is said again
        plain = re.sub(r"\d+ s ago", "", ONCE.sub("", said.replace(str(plan), "")))
        assert not words.search(plain), plain
        answers.append((response.status_code, response.get("Location", ""), plain))
    (status, where, of_theirs), (of_none, there, nothing) = answers
    assert (status, where) == (of_none, there)
    assert of_theirs.splitlines() == nothing.splitlines()


def test_every_table_of_a_tenant_has_rows_with_a_canary(world: World) -> None:
    """So that a new table is in the world before its routes are in the matrix."""
    bare = {
        "accounts.Account", "accounts.ApiDay", "accounts.IdempotentAnswer", "accounts.OwnershipOffer",
        "accounts.Erasure", "accounts.WaitingLetter", "billing.AutoRefill", "billing.CreditRequest", "lines.AskedOfDay",
        "lines.DoneOfDay", "lines.HeldMovement", "lines.LineCycle", "lines.Opening", "lines.OpeningDay", "lines.Rebase",
    }  # fmt: skip
    empty = {
        model._meta.label
        for model in apps.get_models()
        if (names := [one.name for one in model._meta.get_fields() if one.concrete and one.related_model is Account])
        if not any(model._default_manager.filter(**{name: world.xeno.account}).exists() for name in names)
    }
    assert empty - bare == set()
