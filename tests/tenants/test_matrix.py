"""The tenant matrix: every route and method, by every kind of person, on an object of theirs, of others, and on none.

The routes are read from the URL configuration and the API's endpoints; what is expected of each stands in
tenant_table.py. Every answer is searched for words that are not its reader's to know. What is refused writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from api.routes import ENDPOINTS
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.test import RequestFactory
from kit.endpoints import Endpoint

from accounts.models import Account
from accounts.policy import Right
from tests.tenants.matrix import (
    ABSENT,
    API_VALUES,
    BODIES,
    CALLERS,
    FOREIGN,
    METHODS,
    MINE,
    ONCE,
    address,
    allowed,
    ask,
    call,
    cells,
    chosen,
    expected,
    forbidden,
    is_refused_to_all,
    judged,
    other_objects,
    routes,
    tenant_of,
)
from tests.tenants.tenant_people import World, quick
from tests.tenants.tenant_table import PUBLIC, ROWS, Row
from tests.tenants.tenant_world import build

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Built once; each cell is undone."""
    with django_db_blocker.unblock(), transaction.atomic(), quick():
        yield build()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _counted(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """How many cells each test asked, for the summary of the run: whichever worker asked them."""
    before = len(cells)
    yield
    record_property("cells of the tenant matrix", len(cells) - before)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_route_shows_and_does_to_each_only_what_is_theirs(world: World, name: str) -> None:
    row, (pattern, view) = ROWS[name], routes()[name]
    wrong: list[str] = []
    none: dict[tuple[str, str], set[tuple[int, str]]] = {}
    refused = {method for method in METHODS if is_refused_to_all(row, method, view)}
    cache.clear()
    cache.set_many({f"seen:{key}": 1 for key in Session.objects.values_list("session_key", flat=True)})
    for who in world.browsers:
        words = forbidden(world, who)
        for whose, values in chosen(world, row, who):
            cells.extend([who] * len(refused) if whose == MINE else [])
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


def test_every_route_has_its_row() -> None:
    assert {name for name in routes() if not name.startswith("admin:")} == set(ROWS)


def test_the_back_office_is_shut_to_everybody_without_a_second_factor(world: World) -> None:
    """Each of its views asked by each kind of person, before it reads anything else."""
    people, wrong = {"anonymous": AnonymousUser(), **world.people}, []
    for name, (pattern, view) in routes().items():
        if not name.startswith("admin:") or name in ("admin:login", "admin:logout", "admin:jsi18n"):
            continue
        values = dict.fromkeys(re.findall(r"<(?:\w+:)?(\w+)>", pattern), "1")
        for request in [RequestFactory().generic(method, address(pattern, values)) for method in METHODS]:
            request._dont_enforce_csrf_checks, request.htmx = True, False  # type: ignore[attr-defined]
            for who, user in people.items():
                cells.append(who)
                request.user, request.session = user, {}  # type: ignore[assignment]
                try:
                    status = view(request, **values).status_code
                except (Http404, PermissionDenied):
                    continue
                if status not in (302, 405):
                    wrong.append(f"{who}: {request.method} {pattern} {status}")
    assert not wrong, "\n".join(wrong)


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
                if who and verb in one.verbs and (one.side == "test" or one.name == "test_account"):
                    well = {403, 404, 422}  # a live account's key; it has no test account
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
        assert paths[FOREIGN] or name in ("line", "line-usage"), name  # by a prepared one, which nobody is told of
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
        "accounts.GoneLinks", "lines.LineCountry", "lines.Sandbox", "lines.Bundle", "lines.BundleTold", "lines.Overage",
    }  # fmt: skip
    empty = {
        model._meta.label
        for model in apps.get_models()
        if (names := [one.name for one in model._meta.get_fields() if one.concrete and one.related_model is Account])
        if not any(model._default_manager.filter(**{name: world.xeno.account}).exists() for name in names)
    }
    assert empty - bare == set()
