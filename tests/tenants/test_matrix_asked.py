"""The tenant matrix, in what is asked of pages: whatever a page reads of its query, naming what is others' tells no
more than naming nothing. Which names a page reads is seen as it reads them, so that a new filter is in by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.http import QueryDict
from pytest_django import DjangoDbBlocker

from accounts.policy import Right
from tests.tenants.matrix import ONCE, absent, address, ask, forbidden, may, objects, routes, tenant_of
from tests.tenants.tenant_people import World
from tests.tenants.tenant_table import ROWS, Row
from tests.tenants.test_matrix import world  # noqa: F401 - the fixture of the module
from tests.tenants.test_matrix_within import _difference, _plain, _without, make_keys_long

pytestmark = pytest.mark.django_db
IS_LONG = "HOSTILE" in os.environ  # everything under every name; the suite's run takes what a name is likely to mean
PAGES = sorted(name for name, row in ROWS.items() if row.get is not None and isinstance(row.right, Right))
KINDS = ("line", "subaccount", "account_hex", "tag", "list", "plan", "carrier", "job", "rule", "member", "sms", "order")
LIKELY = {
    "account": ("account_hex", "subaccount"), "by": ("member",), "carrier": ("carrier",), "list": ("list",),
    "plan": ("plan",), "rule": ("rule",), "subaccount": ("subaccount",), "tag": ("tag",), "job": ("job",),
}  # fmt: skip
ASKS = {"owner": "xeno", "sub-account": "acme", "stranger": "harbour"}  # who, and about whom

PLACES = {"before", "after", "startafter"}  # in one's own list: where it goes on tells nothing of whose the number is


@pytest.fixture(scope="module", autouse=True)
def _long_keys(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        make_keys_long()


@contextmanager
def names_read() -> Iterator[set[str]]:
    """The names that anybody looks for in a query."""
    seen: set[str] = set()

    def noted(method: str) -> Any:
        plain = getattr(QueryDict, method)

        def look(self: QueryDict, name: Any, *more: Any, **options: Any) -> Any:
            seen.add(str(name))
            return plain(self, name, *more, **options)

        return look

    with pytest.MonkeyPatch.context() as patch:
        for method in ("get", "getlist", "__getitem__", "__contains__"):
            patch.setattr(QueryDict, method, noted(method), raising=False)
        yield seen


def asked_of(world: World, who: str, path: str, given: dict[str, Any]) -> Any:  # noqa: F811
    return ask(world, who, "GET", path, Row(Right.SEE_LINES, get=given))[0]


@pytest.mark.parametrize("name", PAGES)
def test_what_a_query_names_of_others_is_what_does_not_exist(world: World, name: str) -> None:  # noqa: F811
    row, (pattern, _) = ROWS[name], routes()[name]
    wrong: list[str] = []
    for who, whom in ASKS.items():
        mine, theirs = objects(tenant_of(world, who)), objects(getattr(world, whom))
        here = {value: mine.get(kind) for value, kind in row.names.items()}
        if None in here.values() or not may(row, who):
            continue
        path, usual = address(pattern, here), dict(row.get or {})
        with names_read() as names:
            asked_of(world, who, path, usual)
        for field in sorted(names):
            for kind in KINDS if IS_LONG else LIKELY.get(field.removeprefix("is_"), ("line",)):
                value = theirs.get(kind)
                if value is not None and value != mine.get(kind):
                    wrong += told(world, who, path, usual, field, value)
    assert not wrong, "\n".join(wrong)


def told(world: World, who: str, path: str, usual: dict[str, Any], field: str, value: Any) -> Iterator[str]:  # noqa: F811
    answers = []
    for one in (value, absent(value)):
        response = asked_of(world, who, path, usual | {field: one})
        said = _without(response.body, one)
        answers.append((response.status_code, ONCE.sub("", response.get("Location", "")), _plain(said)))
        if met := forbidden(world, who).search(said):
            yield f"{who}: {path} {field}={one} shows {met[0]!r}"
    if answers[0] != answers[1] and field not in PLACES:
        yield f"{who}: {path} {field}={value}: {_difference(*answers)}"


def test_the_names_that_pages_read_are_seen(world: World) -> None:  # noqa: F811
    with names_read() as names:
        asked_of(world, "owner", "/lines/", {})
    assert {"q", "status", "subaccount", "plan", "tag", "list", "page"} <= names
    with names_read() as names:
        asked_of(world, "owner", "/usage/", {})
    assert len(names) > 2
