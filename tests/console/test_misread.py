"""A filter that an address misspells never widens a list, a file or what is done with many lines: it is said."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts.models import Account, User
from lines.models import Job, Line

pytestmark = pytest.mark.django_db
TREE = Path(__file__).resolve().parents[2]
LISTS = {  # the page of each list, and the files and doors that take its filters
    "lines": ("lines-csv", "lines-xlsx", "lines-bulk"), "audit": ("audit_csv",), "transactions": (),
    "rule_activity": ("rule_activity_csv",), "sms": (), "jobs": (), "coverage": (), "usage": ("usage-csv",),
}  # fmt: skip
OWN_VALUES = {
    "lines": "status",
    "audit": "by",
    "transactions": "kind",
    "rule_activity": "outcome",
    "sms": "which",
    "usage": "by",
}


@pytest.fixture
def jane(acme: Account, fleet: dict[str, Line]) -> Client:
    client = Client()
    client.force_login(User.objects.get(email="jane@acme.example"))
    return client


def said(client: Client, address: str) -> list[str]:
    return [str(one) for one in get_messages(client.get(address).wsgi_request)]


@pytest.mark.parametrize("name", [*LISTS, *(file for files in LISTS.values() for file in files)])
def test_an_unknown_filter_is_a_sentence_and_never_the_whole(jane: Client, name: str) -> None:
    page = next(page for page, files in LISTS.items() if name == page or name in files)
    answer = jane.get(reverse(name), {"stauts": "suspended"})
    assert (answer.status_code, answer["Location"]) == (302, reverse(page))
    assert "no filter “stauts”" in jane.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("name", OWN_VALUES)
def test_a_value_that_there_is_not_is_a_sentence_too(jane: Client, name: str) -> None:
    for door in (name, *LISTS[name]):
        answer = jane.get(reverse(door), {OWN_VALUES[name]: "suspendid"})
        assert (answer.status_code, answer["Location"]) == (302, reverse(name)), door
        assert f"“{OWN_VALUES[name]}” has no such value" in jane.get(answer["Location"]).content.decode()


def test_what_was_read_stays(jane: Client) -> None:
    answer = jane.get(reverse("lines-csv"), {"status": "suspended", "tga": "7", "q": "truck"})
    assert answer["Location"] == f"{reverse('lines')}?q=truck&status=suspended"


def test_nothing_is_done_with_all_lines_by_a_misspelt_filter(jane: Client) -> None:
    for query in ("stauts=suspended", "status=suspendid", "tag=99999"):
        answer = jane.post(f"{reverse('lines-bulk')}?{query}", {"action": "deactivate-next-day"})
        assert (answer.status_code, answer["Location"]) == (302, reverse("lines"))
    assert not Job.objects.exists()


def test_a_part_of_a_page_goes_back_as_a_whole_that_says_so(jane: Client) -> None:
    answer = jane.get(reverse("lines"), {"status": "suspendid"}, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == reverse("lines")
    assert b"no such value" in jane.get(reverse("lines")).content


def test_a_stranger_cannot_have_a_page_say_their_words(jane: Client) -> None:
    answer = jane.get(reverse("lines"), {"<b>pay at http://evil.example</b>": "1"})
    page = jane.get(answer["Location"]).content.decode()
    assert "evil.example" not in page
    assert "http://evil" not in page


def test_the_address_that_a_page_makes_is_read_whole(jane: Client) -> None:
    for address in ("?status=suspended&sort=-month&per=50&page=1", "?q=truck&why=balance", "?subaccount=own"):
        assert jane.get(reverse("lines") + address).status_code == 200
    assert jane.get(reverse("audit") + "?q=a&by=person&from=2026-01-01&to=&before=9").status_code == 200


READS_NO_FILTER = {  # module.function -> what of its address it reads
    "billing.views.pay": "where to go on after a card or a payment",
    "billing.views.read.invoice": "whether to keep or to view",
    "billing.views.papers._file": "whether to keep or to view",
    "lines.views.bulk.find": "where the list goes to",
    "lines.views.adding.add": "what the form is filled with",
    "lines.views.about": "a month or a page of one line",
    "lines.views.messages._listed": "a page", "lines.views.jobs._progress": "a page",
    "lines.views.jobs._which": "job_page asks it", "lines.views.readings._day": "its pages ask it",
    "lines.views.listing._rows_again": "line_list asks it",
    "automation.views.rules": "an example, and what was saved", "automation.views.webhooks": "a page, and a secret",
}  # fmt: skip


def test_every_page_that_reads_its_address_says_what_it_did_not_read() -> None:
    for path in sorted(file for app in ("accounts", "billing", "lines", "automation", "subaccounts")
                       for file in (TREE / app).glob("views*/*.py")):  # fmt: skip
        module = ".".join(path.relative_to(TREE).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            text = ast.unparse(node)
            if isinstance(node, ast.FunctionDef) and "request.GET" in text and "misread(" not in text:
                assert {module, f"{module}.{node.name}"} & set(READS_NO_FILTER), f"{module}.{node.name}"
