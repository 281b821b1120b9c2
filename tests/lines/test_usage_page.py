"""The usage page: what it shows to whom, its addresses, its file."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Account
from accounts.queries import owner_of
from tests.lines.test_breakdown import World
from tests.responses import streamed_content

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def client_of(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def text(client: Client, query: str) -> str:
    answer = client.get(f"/usage/{query}", follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_bar_has_its_day_in_explain_and_each_row_narrows_the_page(world: World) -> None:
    page = text(client_of(world.acme), "?by=subaccount&range=7d")
    assert page.count("/billing/explain/?day=") == 7
    assert f"is_subaccount={world.sub.uuid.hex}" in page
    assert "is_subaccount=own" in page
    narrowed = text(client_of(world.acme), f"?by=line&range=7d&is_subaccount={world.sub.uuid.hex}")
    assert world.lines[2].iccid in narrowed
    assert world.lines[0].iccid not in narrowed


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?from=2026-11-20&to=2026-11-01", "The first day is after the last day."),
        ("?from=2026-01-01&to=2026-11-20", "A range has up to 92 days."),
        ("?from=yesterday&to=2026-11-01", "Enter both dates."),
    ],
)
def test_a_range_that_is_none_is_said_and_the_usual_is_shown(world: World, query: str, said: str) -> None:
    page = text(client_of(world.acme), query)
    assert said in page
    assert "Showing the last 30 days." in page
    assert 'role="alert"' in page


@pytest.mark.parametrize(
    "query", ["?by=nothing", "?range=x&unit=y", "?is_plan=%00", "?is_line=1&is_tag=x.y", "?is_country=%27"]
)
def test_an_address_that_makes_no_sense_still_answers(world: World, query: str) -> None:
    text(client_of(world.acme), query)


def test_a_sub_accounts_people_see_no_money_and_no_other_line(world: World) -> None:
    page = text(client_of(world.sub), "?by=plan&unit=usd&range=7d")
    assert world.lines[2].iccid in page
    for secret in ("$", "simbase", "explain", world.lines[0].iccid, world.others.iccid):
        assert secret not in page.split("<main", 1)[1]


def test_the_file_has_every_day_and_the_pages_sum(world: World) -> None:
    answer = client_of(world.acme).get("/usage/usage.csv?by=line&range=7d")
    rows = streamed_content(answer).decode().splitlines()
    assert rows[0].lstrip("\ufeff") == "Day,Line,Note,Bytes,MB,Cost USD"
    assert len(rows) == 1 + 7 * 3
    assert "Cost" not in streamed_content(client_of(world.sub).get("/usage/usage.csv")).decode()


def test_an_account_without_usage_is_taught(world: World) -> None:
    assert "No usage in this period" in text(client_of(world.fleet.account()), "")
