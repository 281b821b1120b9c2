"""A bulk job of 2,000 lines: walked in a browser, and killed in the middle as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from django.db import connection
from embedded.addresses import REPOSITORY
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from lines.commands import jobs
from lines.models import Drive, Job, JobItem, Line
from lines.policy import Action, Item, JobState
from lines.work.jobs import run_jobs
from tests.console.console_people import log_in
from tests.fleets import Fleet

COUNT = 2000
WORKER = """
import sys
import django; django.setup()
from django.db import connection
connection.settings_dict["NAME"] = {database!r}
from lines.commands import jobs
for _ in range(3):
    jobs.work_chunk(job_id={job}, limit=100)

def stop_within(execute, sql, params, many, context):
    found = execute(sql, params, many, context)
    if sql.startswith("INSERT"):
        print("within the next set", flush=True)
        sys.stdin.read()
    return found

with connection.execute_wrapper(stop_within):
    jobs.work_chunk(job_id={job}, limit=100)
"""


@pytest.fixture
def account(transactional_db: None) -> Account:
    fleet = Fleet()
    account = fleet.account()
    fleet.lines(account, COUNT, active=False)
    return account


def test_a_killed_worker_leaves_no_line_acted_on_twice(account: Account) -> None:
    job = jobs.start_job(
        account=account, lines=Line.objects.all(), action=Action.ACTIVATE, selection="all", by=OPERATOR
    )
    code = WORKER.format(database=connection.settings_dict["NAME"], job=job.pk)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings.test")
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert worker.stdout is not None
    assert worker.stdout.readline() == "within the next set\n"
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    job.refresh_from_db()
    assert job.done == 300
    run_jobs(stop=lambda: False)
    job.refresh_from_db()
    assert (job.state, job.done, job.over) == (JobState.DONE, COUNT, COUNT)
    assert JobItem.objects.filter(job=job, state=Item.DONE).count() == COUNT
    assert Event.objects.filter(verb="line.activated").count() == COUNT
    assert Event.objects.filter(verb="line.activated").values("subject").distinct().count() == COUNT
    assert Drive.objects.count() == COUNT


@pytest.mark.browser
def test_two_thousand_lines_are_activated_from_the_list(page: Page, live_server: LiveServer, account: Account) -> None:
    log_in(page.context, owner_of(account).email, live_server.url)
    page.goto("/lines/?status=deactivated")
    page.locator("#rows .c-iccid a").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#ticked")).to_have_text("2 ticked:")
    page.get_by_role("link", name="All 2,000 that match").click()
    page.get_by_role("link", name="Activate", exact=True).click()
    page.get_by_role("button", name="Look at what would happen").click()
    page.get_by_role("button", name="Activate: 2,000 lines").click()
    expect(page.get_by_text("0 of 2,000 lines")).to_be_visible()
    jobs.work_chunk(job_id=Job.objects.get().pk)
    expect(page.get_by_text("1,000 of 2,000 lines")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    run_jobs(stop=lambda: False)
    expect(page.get_by_text("2,000 of 2,000 lines")).to_be_visible()
    expect(page.locator(".job-state")).to_contain_text("Done")
