"""What the pages say, to whom, and what they never say."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account
from billing.models import Wallet
from lines.models import Line
from tests.console.console_people import MakeLine, client_of
from tests.evenly import evenly

pytestmark = pytest.mark.django_db

PART = {"HX-Request": "true"}


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return plain(response.content.decode())


def plain(html: str) -> str:
    """What a person reads, in one line; an ICCID's groups stand together."""
    html = re.sub(r'<span class="four">(\d+)</span>', r"\1", html)
    return re.sub(r" (?=[.,])", "", " ".join(re.sub(r"<[^>]+>", " ", html).split()))


def test_home_says_what_needs_somebody_first(acme: Account, fleet: dict[str, Line]) -> None:
    Wallet.objects.update(posted=Decimal("3.20"))
    said = text_of(client_of(acme), "/")
    said = said[said.index("Needs you") :]
    order = ["Needs you", "Balance too low: $3.20", "Add at least $1.80", "2 lines wait for the carrier"]
    order += ["3 lines off", "jane@acme.example and tom@acme.example", "Used this day", "Most used this month"]
    places = [said.index(words) for words in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("posted", "words"), [("5.00", "$5.00 Good"), ("4.99", "$4.99 Too low"), ("1234.5", "$1,234.50 Good")]
)
def test_the_header_has_the_balance_with_a_word_and_the_sum_behind_it(
    acme: Account, make_line: MakeLine, posted: str, words: str
) -> None:
    make_line(acme)
    Wallet.objects.update(posted=Decimal(posted))
    said = text_of(client_of(acme), "/")
    assert words in said
    assert "Minimum: that average, at least $5.00 $5.00" in said


def test_home_of_a_calm_fleet_says_that_nothing_needs_anybody(acme: Account, make_line: MakeLine) -> None:
    make_line(acme, megabytes=1)
    said = text_of(client_of(acme), "/")
    assert "Nothing needs you." in said
    assert "Needs you" not in said


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_of_another_time_is_none(acme: Account, day: str) -> None:
    for path in ("/billing/explain/?day=", "/billing/transactions/?to=", "/audit/?to=", "/automation/activity/?to="):
        assert client_of(acme).get(path + day, follow=True).status_code == 200


def test_home_adds_up_usage_and_what_it_cost(acme: Account, fleet: dict[str, Line]) -> None:
    said = text_of(client_of(acme), "/")
    assert "Used this day 150.0 MB $1.50 · read 3 min ago" in said
    assert "Used this month 150.0 MB read 3 min ago" in said
    assert "Cost this month $1.50" in said
    assert "Activated 2 20.00% Activation Ready 2 20.00% Suspended 1 10.00% Deactivated 5 50.00% All 10" in said


@pytest.mark.parametrize("path", ["/", "/lines/"])
def test_an_empty_account_is_taught_what_comes_next(acme: Account, path: str) -> None:
    said = text_of(client_of(acme), path)
    assert "No lines yet" in said
    assert "18 to 22 digits" in said


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("running", "On: confirmed by Simbase, 2 days ago."),
        ("by balance", "Off since the balance went below its minimum, 5 h ago. A refill"),
        ("by person", "Switched off by jane@acme.example, 5 h ago. It stays off until somebody activates it."),
        ("by rule", "Switched off by the rule Over 500 MB, 5 h ago."),
        ("new", "Never activated since it was added, 0 s ago."),
        ("activating", "Activating, and not yet confirmed by Simbase: first asked 40 s ago."),
        ("stopping", "Stopping, and not yet confirmed by Simbase: first asked 3 min ago. Until it is, the line may"),
        ("blocked", "Wanted on, but Simbase stopped it (“blocked”), 2 days ago. Only Simbase can lift this"),
    ],
)  # fmt: skip
def test_a_line_says_what_it_is_why_and_what_lifts_it(
    acme: Account, fleet: dict[str, Line], kind: str, words: str
) -> None:
    said = text_of(client_of(acme), f"/lines/{fleet[kind].iccid}/")
    assert words in re.sub(r"\b(4?)\d s ago", r"\g<1>0 s ago", said)


def test_a_line_shows_its_usage_its_cost_and_charts_with_a_table(acme: Account, fleet: dict[str, Line]) -> None:
    response = client_of(acme).get(f"/lines/{fleet['running'].iccid}/")
    said = plain(response.content.decode())
    assert "This day 120.0 MB $1.20 · read 3 min ago" in said
    assert len(re.findall(rb'<svg\s+class="bars', response.content)) == 2
    assert re.search(r"<title>\d+ \w+: 120.00 MB, \$1.20</title>", response.content.decode())
    assert said.count("The same as a table") == 2


def test_the_list_says_why_a_line_is_off_beside_its_status(acme: Account, fleet: dict[str, Line]) -> None:
    said = text_of(client_of(acme), "/lines/")
    assert "Suspended balance" in said
    assert "Deactivated by jane@acme.example" in said
    assert "Deactivated never activated" in said
    assert re.search(r"Activation Ready asked 4\d s ago", said)


@pytest.mark.parametrize("path", ["/", "/lines/", "/lines/?q=crane", "/lines/?sort=-month&status=activated"])
def test_a_subaccounts_people_see_no_money_no_staff_and_no_other_lines(
    harbour: Account, fleet: dict[str, Line], path: str
) -> None:
    page = client_of(harbour).get(path).content.decode()
    assert fleet["harbour's"].iccid in page
    assert fleet["running"].iccid not in page
    for word in ("$", "alance", "acme.example", "Simbase", "Truck", "500 MB", "Refill", "refill"):
        assert word not in plain(page), word


def test_a_subaccounts_line_page_shows_no_money_and_no_carrier(harbour: Account, fleet: dict[str, Line]) -> None:
    client = client_of(harbour)
    for kind in ("harbour's", "harbour's off"):
        page = client.get(f"/lines/{fleet[kind].iccid}/").content.decode()
        for word in ("$", "Cost", "Simbase", "acme.example", "alance"):
            assert word not in page, word


def test_the_balance_does_not_exist_for_a_subaccount(harbour: Account) -> None:
    assert client_of(harbour).get("/balance/").status_code == 404


def test_what_is_not_yours_and_what_is_not_read_the_same(
    acme: Account, harbour: Account, stranger: Account, fleet: dict[str, Line]
) -> None:
    for client in (client_of(acme), client_of(harbour)):
        pages = [client.get(f"/lines/{iccid}/") for iccid in ("8999999999999999999", "8945999999999999999")]
        assert [page.status_code for page in pages] == [404, 404]
        assert pages[0].content == pages[1].content
    assert client_of(harbour).get(f"/lines/{fleet['running'].iccid}/").status_code == 404
    assert client_of(stranger).get(f"/lines/{fleet['running'].iccid}/").status_code == 404


def test_nothing_of_a_stranger_shows_anywhere(
    acme: Account, harbour: Account, stranger: Account, fleet: dict[str, Line]
) -> None:
    paths = ["/", "/lines/", "/lines/?q=8999", "/lines/?sort=-month", f"/lines/?subaccount={stranger.uuid.hex}"]
    paths += ["/search/?q=CANARY", "/lines/?rows=8999999999999999999"]
    for client in (client_of(acme), client_of(harbour)):
        for path in paths:
            for headers in ({}, PART):
                page = client.get(path, headers=headers, follow=True).content.decode()
                assert "CANARY" not in re.sub(r"q=CANARY|“CANARY”|value=\"CANARY\"", "", page), path
                assert "8999999999999999999" not in page.replace("?rows=8999999999999999999", ""), path


def test_a_filter_by_somebody_elses_subaccount_is_none(acme: Account, stranger: Account, make_line: MakeLine) -> None:
    line = make_line(acme)
    for theirs in (stranger.uuid.hex, "0" * 32):
        page = client_of(acme).get(f"/lines/?subaccount={theirs}", follow=True)
        assert page.redirect_chain == [("/lines/", 302)]
        assert "“subaccount” has no such value" in page.content.decode()
        assert line.iccid in page.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=99999999999",
        "page=x",
        "per=7",
        "sort=password",
        "status=x",
        "plan=1e9",
        "q=%00",
        "q=" + "9" * 500,
    ],
)
def test_an_address_that_makes_no_sense_still_answers(acme: Account, fleet: dict[str, Line], query: str) -> None:
    assert client_of(acme).get(f"/lines/?{query}", follow=True).status_code == 200


def test_htmx_gets_the_table_alone_and_history_the_whole_page(acme: Account, fleet: dict[str, Line]) -> None:
    client = client_of(acme)
    part = client.get("/lines/?q=truck", headers=PART).content.decode()
    assert re.match(r'\s*<section\s+id="listing"', part)
    whole = client.get("/lines/?q=truck", headers=PART | {"HX-History-Restore-Request": "true"}).content.decode()
    assert whole.lower().lstrip().startswith("<!doctype html>")
    assert part.strip() in whole
    assert "HX-Request" in client.get("/lines/").headers["Vary"]


def test_a_refresh_brings_the_same_rows_in_the_same_order_and_counts_new_ones(
    acme: Account, fleet: dict[str, Line], make_line: MakeLine
) -> None:
    client, shown = client_of(acme), [fleet["new"].iccid, fleet["running"].iccid]
    make_line(acme)
    page = client.get(f"/lines/?rows={','.join(shown)}&total={len(fleet)}", headers=PART).content.decode()
    assert re.findall(r'<tr role="row" id="line-(\d+)"', page) == shown
    assert "1 more line now: show" in evenly(page)


def test_every_filter_survives_sorting_and_paging(acme: Account, make_line: MakeLine) -> None:
    for _ in range(30):
        make_line(acme, notes="Truck", megabytes=1)
    page = client_of(acme).get("/lines/?q=truck&status=activated&sort=-month").content.decode()
    assert 'href="/lines/?q=truck&amp;status=activated&amp;sort=-month&amp;page=2"' in page
    assert 'href="/lines/?q=truck&amp;status=activated&amp;sort=month"' in page
    assert 'href="/lines/?q=truck&amp;status=activated&amp;sort=-month&amp;per=50"' in page


@pytest.mark.parametrize(
    ("text", "leads_to"),
    [("lines", "/lines/"), ("Home", "/"), ("truck", "line"), ("89450", "/lines/?q=89450"), ("\0", "/lines/")],
)
def test_the_header_search_leads_to_a_page_a_line_or_the_list(
    acme: Account, fleet: dict[str, Line], text: str, leads_to: str
) -> None:
    if leads_to == "line":
        leads_to = f"/lines/{fleet['running'].iccid}/"
    assert client_of(acme).get("/search/", {"q": text}).headers["Location"] == leads_to


def test_notes_are_shown_as_they_are_and_never_run(acme: Account, make_line: MakeLine) -> None:
    line = make_line(acme, notes="<script>alert(1)</script>", megabytes=1)
    for path in ("/", "/lines/", f"/lines/{line.iccid}/"):
        page = client_of(acme).get(path).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_theme_is_remembered_and_leads_nowhere_else(client: Client) -> None:
    response = client.post("/theme/", {"theme": "dark", "next": "/accounts/login/"})
    assert response.headers["Location"] == "/accounts/login/"
    assert 'data-bs-theme="dark"' in client.get("/accounts/login/").content.decode()
    assert client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"}).headers["Location"] == "/"
    client.post("/theme/", {"theme": "system"})
    assert "data-bs-theme" not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("path", ["/theme/", "/accounts/choose/"])
def test_what_changes_something_is_never_a_plain_link(acme: Account, path: str) -> None:
    assert client_of(acme).get(path).status_code == 405


def test_no_page_has_inline_code_or_style_or_another_host(acme: Account, fleet: dict[str, Line]) -> None:
    client = client_of(acme)
    for path in ("/", "/lines/", f"/lines/{fleet['running'].iccid}/", "/balance/", "/accounts/password/change/"):
        response = client.get(path)
        page = response.content.decode()
        assert not re.search(r'\sstyle="|\son\w+="|<style|<script(?!\s+src="/static/)|javascript:', page), path
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page), path
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/", 20),
        ("/lines/", 21),
        ("/lines/?q=truck&sort=-month", 22),
        ("line", 21),
        ("/usage/", 13),
        ("/usage/?by=line", 16),
    ],  # two: the walls; one: the jobs of the header; a line: the cycles it moved in
)
def test_the_number_of_queries_does_not_grow_with_the_lines(
    acme: Account,
    fleet: dict[str, Line],
    make_line: MakeLine,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    path: str,
    most: int,
) -> None:
    for _ in range(40):
        make_line(acme, notes="Truck", megabytes=1)
    client = client_of(acme)
    client.get("/profile/")  # the first request of a login also writes down where it is
    with django_assert_max_num_queries(most):
        client.get(f"/lines/{fleet['running'].iccid}/" if path == "line" else path)
