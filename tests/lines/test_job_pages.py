"""The pages of what is done with many lines: chosen, looked at, begun, watched, and never by a stranger."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Account
from accounts.queries import owner_of
from lines.models import IccidList, Job, Line
from lines.policy import JobState, Wanted
from lines.work.jobs import run_jobs
from tests.evenly import evenly
from tests.fleets import Fleet, state
from tests.responses import streamed_content


def browser(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def test_ticked_lines_are_looked_at_then_begun_then_done(fleet: Fleet) -> None:
    account = fleet.account()
    one, two, three = fleet.lines(account, 3, active=False)
    client = browser(account)
    answer = client.post("/lines/bulk/", {"action": "activate", "line": [one.iccid, two.iccid], "ticked": "1"})
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.uuid.hex}/"
    page = client.get(answer["Location"]).content.decode()
    assert "Activate: 2 lines" in page
    assert (state(one).wanted, job.state) == (Wanted.DEACTIVATED, JobState.PREVIEWED)
    for _ in range(2):  # the second click
        client.post(f"{answer['Location']}start/")
    assert "0 of 2 lines" in evenly(client.get(answer["Location"]).content.decode())
    run_jobs(stop=lambda: False)
    page = " ".join(client.get(answer["Location"]).content.decode().split())
    assert "2 of 2 lines" in page
    assert "2 of the 2 that changed wait for their carrier" in page
    assert (state(one).wanted, state(three).wanted) == (Wanted.ACTIVE, Wanted.DEACTIVATED)
    assert streamed_content(client.get(f"{answer['Location']}lines.csv")).decode().count(",Done,") == 2


def test_the_filter_of_the_address_chooses(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.lines(account, 3, active=False)
    fleet.lines(account, 2)
    client = browser(account)
    assert "3 lines" in evenly(client.get("/lines/bulk/?status=deactivated").content.decode())
    client.post("/lines/bulk/?status=deactivated", {"action": "activate"})
    job = Job.objects.get()
    assert (job.total, job.selection) == (3, "Deactivated")


def test_a_pasted_list_filters_and_says_what_it_did_not_find(fleet: Fleet) -> None:
    account, stranger = fleet.account(), fleet.account()
    own, foreign = fleet.line(account), fleet.line(stranger)
    fleet.lines(account, 3)
    client = browser(account)
    spaced = " ".join(own.iccid[start : start + 4] for start in range(0, len(own.iccid), 4))
    answer = client.post("/lines/find/", {"iccids": f"{spaced}\n{foreign.iccid}\nnot a number"})
    page = " ".join(client.get(answer["Location"]).content.decode().split())
    assert "A list of 2 ICCIDs: 1 is among your lines; not found: " + foreign.iccid in page
    assert page.count('role="row" id="line-') == 1
    assert "list" not in browser(stranger).get(answer["Location"]).context["bulk"] or (
        'role="row" id="line-' not in browser(stranger).get(answer["Location"]).content.decode()
    )
    client.post("/lines/find/", {"iccids": f"{own.iccid}\n{foreign.iccid}"})
    assert IccidList.objects.count() == 1


def test_nothing_ticked_or_nothing_to_say_is_told(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.account(parent=account)
    fleet.line(account)
    client = browser(account)
    said = client.post("/lines/bulk/", {"action": "activate", "ticked": "1"}, follow=True).content.decode()
    assert "No line is ticked" in said
    for data, expected in (
        ({"action": "sms", "text": ""}, "1 to 70 characters"),
        ({"action": "tag", "tags": " , "}, "at least one tag"),
        ({"action": "assign", "account": "0" * 32}, "no such sub-account"),
        ({"action": "plan", "plan": "999"}, "no such rate plan"),
    ):
        assert expected in client.post("/lines/bulk/", data, follow=True).content.decode()
    assert "No ICCIDs found" in client.post("/lines/find/", {"iccids": "none"}).content.decode()
    assert Job.objects.count() == 0


def test_every_form_of_an_action_opens(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.account(parent=account)
    line = fleet.line(account)
    client = browser(account)
    client.post("/lines/bulk/", {"action": "tag", "tags": "north", "line": line.iccid})
    client.post(f"/jobs/{Job.objects.get().uuid.hex}/start/")
    run_jobs(stop=lambda: False)
    page = client.get("/lines/bulk/")
    assert len(page.context["offered"]) == 9
    for _, _, href in page.context["offered"]:
        assert "Look at what would happen" in client.get(href).content.decode()


def test_a_stranger_finds_no_job(fleet: Fleet) -> None:
    account, stranger = fleet.account(), fleet.account()
    line = fleet.line(account, active=False)
    browser(account).post("/lines/bulk/", {"action": "activate", "line": line.iccid})
    job = Job.objects.get()
    other = browser(stranger)
    assert other.get(f"/jobs/{job.uuid.hex}/").status_code == 404
    assert other.get(f"/jobs/{job.uuid.hex}/lines.csv").status_code == 404
    for move in ("start", "pause", "resume", "cancel", "retry"):
        assert other.post(f"/jobs/{job.uuid.hex}/{move}/").status_code == 404
    job.refresh_from_db()
    assert job.state == JobState.PREVIEWED
    assert "Deactivate" not in other.get("/jobs/").content.decode()


def test_a_subaccounts_people_are_offered_what_is_theirs_and_read_no_balance(fleet: Fleet) -> None:
    account = fleet.account(credit="0")
    sub = fleet.account(parent=account)
    line = fleet.line(sub, active=False)
    client = browser(sub)
    assert [action.value for action, _, _ in client.get("/lines/bulk/").context["offered"]] == ["activate", "sms"]
    assert client.post("/lines/bulk/", {"action": "deactivate-next-day", "line": line.iccid})[
        "Location"
    ] == "/lines/bulk/" or (Job.objects.count() == 0)
    client.post("/lines/bulk/", {"action": "activate", "line": line.iccid})
    job = Job.objects.get()
    page = client.get(f"/jobs/{job.uuid.hex}/").content.decode()
    client.post(f"/jobs/{job.uuid.hex}/start/")
    run_jobs(stop=lambda: False)
    page += client.get(f"/jobs/{job.uuid.hex}/").content.decode()
    assert "ask there" in page
    assert "balance" not in page


@pytest.mark.parametrize("path", ["/lines/bulk/", "/lines/find/", "/jobs/"])
def test_the_pages_open_for_an_account_without_lines(fleet: Fleet, path: str) -> None:
    assert browser(fleet.account()).get(path).status_code == 200
    assert Line.objects.count() == 0
