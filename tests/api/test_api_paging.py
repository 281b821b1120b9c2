"""Pages: by offset, by number, by cursor; every walk sees every row once, and links lead to the neighbours."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import clock
from kit.errors import Invalid
from kit.paging import Cursor, Paging, listed

from accounts.models import Account
from tests.api.keepgo_client import KeepgoClient
from tests.fleets import Fleet


@pytest.fixture
def iccids(fleet: Fleet, account: Account) -> list[str]:
    return [line.iccid for line in fleet.lines(account, 30)]


def cards(client: KeepgoClient, **query: Any) -> dict[str, Any]:
    answer = client.get("iot_sim_cards", **query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def of(found: dict[str, Any]) -> list[str]:
    return [card["iccid"] for card in found["data"]]


def follow(client: KeepgoClient, found: dict[str, Any], way: str) -> dict[str, Any]:
    link = found["links"][way]
    assert link.startswith(f"http://testserver/api/{client.account_uuid}/iot_sim_cards?")
    page: dict[str, Any] = client.http.get(link, headers=client.headers()).json()
    return page


def test_pages_have_25_rows(client: KeepgoClient, iccids: list[str]) -> None:
    found = cards(client)
    assert (of(found), found["total"]) == (iccids[:25], 30)


def test_by_offset_and_by_page(client: KeepgoClient, iccids: list[str]) -> None:
    assert of(cards(client, offset=25)) == iccids[25:]
    assert of(cards(client, page=2)) == iccids[25:]
    assert of(cards(client, page=3, per_page=10)) == iccids[20:]
    assert of(cards(client, per_page=1000)) == iccids
    beyond = cards(client, page=9)
    assert (beyond["data"], beyond["total"], beyond["links"]["next"]) == ([], 30, None)
    assert of(cards(client, offset=7, per_page=3)) == iccids[7:10]


@pytest.mark.parametrize("start", [{}, {"page": 1}, {"offset": 0}])
def test_links_walk_there_and_back(client: KeepgoClient, iccids: list[str], start: dict[str, int]) -> None:
    found = cards(client, per_page=7, status_id=4, **start)
    assert found["links"]["prev"] is None
    seen = [of(found)]
    while found["links"]["next"]:
        found = follow(client, found, "next")
        assert found["total"] == 30
        seen.append(of(found))
    assert list(chain.from_iterable(seen)) == iccids
    for before in reversed(seen[:-1]):
        found = follow(client, found, "prev")
        assert of(found) == before
    assert found["links"]["prev"] is None


def test_a_cursor_neither_repeats_nor_skips_when_lines_come(
    client: KeepgoClient, fleet: Fleet, account: Account, iccids: list[str]
) -> None:
    found = cards(client)
    fleet.lines(account, 3)
    found = follow(client, found, "next")
    assert of(found)[:5] == iccids[25:]
    assert len(of(found)) == 8


@pytest.mark.parametrize(
    "query",
    [
        {"per_page": 1001}, {"per_page": 0}, {"page": 0}, {"page": -1}, {"offset": -1}, {"offset": 2**31},
        {"page": "x"}, {"page": 1, "offset": 0}, {"cursor": "x"}, {"cursor": "%%"}, {"cursor": "WyIxIl0"},
        {"cursor": str(Cursor("a\0", False, 1))}, {"cursor": str(Cursor("1", False, 1)), "page": 1},
        {"page": 2**31 - 1, "per_page": 1000}, {"status_id": 5}, {"status_id": "x"}, {"common_filter": "x" * 201},
        {"common_filter": "a\0b"}, {"account_uuid": "x"}, {"rate_plan_id": 2**40},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(client: KeepgoClient, query: dict[str, Any]) -> None:
    answer = client.get("iot_sim_cards", **query)
    assert (answer.status_code, answer.json()["status"]) == (422, 422)


def test_the_lists_of_usage_walk_by_cursor_too(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    lines = fleet.lines(account, 5)
    for number, line in enumerate(lines):
        fleet.read(line, f"{clock.today()} 00:00:00", 0)
        fleet.read(line, f"{clock.today()} 00:00:01", 1000 * (number + 1))
    found = client.get("balance_usages", per_page=2).json()
    seen = found["data"]
    while found["links"]["next"]:
        found = client.http.get(found["links"]["next"], headers=client.headers()).json()
        seen += found["data"]
    assert sorted(row["iccid"] for row in seen) == [line.iccid for line in lines]
    back = client.http.get(found["links"]["prev"], headers=client.headers()).json()
    assert back["data"] == seen[2:4]


@given(st.integers(0, 60), st.integers(1, 20))
def test_a_short_list_is_walked_whole_both_ways(length: int, per_page: int) -> None:
    rows = list(range(length))
    page = listed(Paging(per_page=per_page), rows)
    seen = [page.data]
    while page.links.next:
        page = listed(Paging(per_page=per_page, cursor=page.links.next.split("cursor=")[1].replace("%3D", "=")), rows)
        seen.append(page.data)
    assert list(chain.from_iterable(seen)) == rows
    for before in reversed(seen[:-1]):
        assert page.links.prev is not None
        page = listed(Paging(per_page=per_page, cursor=page.links.prev.split("cursor=")[1]), rows)
        assert page.data == before
    assert page.links.prev is None


@given(st.text())
def test_no_cursor_but_ours_is_taken(text: str) -> None:
    with suppress(Invalid):
        listed(Paging(cursor=text), [1, 2, 3])
