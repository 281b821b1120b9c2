"""API Docs: every call in words, tried as the person who is logged in, and examples that run as shown."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import uuid
from typing import Any

import pytest
from api.routes import ENDPOINTS
from django.test import Client
from django.utils.html import escape
from kit import clock
from pytest_django.live_server_helper import LiveServer

from accounts import keys
from accounts.models import Account, ApiDay, ApiKey, Event, Membership, User
from accounts.policy import OPERATOR, Role, Scope
from automation.commands.rules import Draft, add_rule
from automation.models import Rule
from automation.policy import Action as Does
from automation.policy import Trigger
from billing.commands.wallets import open_wallet
from lines.carriers.base import Switch
from lines.commands.jobs import start_job
from lines.commands.orders import Wish, ask_for_cards
from lines.commands.sandbox import make_sandbox
from lines.models import Cap, CustomField, Job, Line, LineState, UsageExport
from lines.policy import Action, JobState, Wanted
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit
from tests.api.keepgo_client import client_of
from tests.fleets import Fleet, state


def logged_in(account: Account) -> Client:
    browser = Client()
    browser.force_login(account.memberships.get().user)
    return browser


def code(page: str, kind: str) -> str:
    (found,) = re.findall(rf'<code class="{kind}">(.*?)</code>', page, re.DOTALL)
    return html.unescape(found)


@pytest.fixture
def browser(account: Account) -> Client:
    return logged_in(account)


def test_every_call_has_a_page(browser: Client) -> None:
    overview = browser.get("/api-docs/").content.decode()
    for one in ENDPOINTS:
        answer = browser.get(f"/api-docs/{one.name}/")
        assert answer.status_code == 200
        assert escape(one.summary) in answer.content.decode()
        assert f'href="/api-docs/{one.name}/"' in overview


def test_it_is_not_for_strangers(fleet: Fleet, account: Account, browser: Client) -> None:
    sub = logged_in(fleet.account(parent=account))
    for path in ("/api-docs/", "/api-docs/iot_sim_cards/"):
        assert Client().get(path).status_code == 302
        assert sub.get(path).status_code == 404
    assert sub.post("/api-docs/iot_sim_cards/").status_code == 404
    assert browser.get("/api-docs/no_such_call/").status_code == 404


def test_a_read_is_tried_as_the_person(browser: Client, fleet: Fleet, account: Account) -> None:
    lines, theirs = fleet.lines(account, 3), fleet.line(fleet.account())
    page = browser.post("/api-docs/iot_sim_cards/", {"query.per_page": "2"}).content.decode()
    assert "200 OK" in page
    assert "RateLimit-Remaining: 299" in page
    assert (lines[1].iccid in page, lines[2].iccid in page, theirs.iccid in page) == (True, False, False)
    assert "per_page=2" in code(page, "sh")
    assert ApiDay.objects.get(account=account).used == 1
    part = browser.post("/api-docs/iot_sim_cards/", {"query.per_page": "x"}, headers={"HX-Request": "true"})
    assert "422 Invalid" in part.content.decode()
    assert "<html" not in part.content.decode()
    path = {"path.iccid": theirs.iccid}
    assert "404 Not found" in browser.post("/api-docs/usage_summary/", path).content.decode()


def test_a_write_is_tried_when_it_is_meant_and_in_the_persons_name(
    browser: Client, fleet: Fleet, account: Account
) -> None:
    line = fleet.line(account)
    form = {"path.iccid": line.iccid, "body": "{}"}
    assert "Nothing was sent" in browser.post("/api-docs/deactivate/", form).content.decode()
    assert state(line).wanted == Wanted.ACTIVE
    assert "200 OK" in browser.post("/api-docs/deactivate/", form | {"sure": "on"}).content.decode()
    assert state(line).wanted == Wanted.DEACTIVATED
    event = Event.objects.filter(verb="line.deactivated").latest("pk")
    assert (event.actor_kind, event.actor_name) == ("person", account.memberships.get().user.email)
    notes = form | {"sure": "on", "body": '{"notes": "<b>x</b>"'}
    assert "422 Invalid" in browser.post("/api-docs/notes/", notes).content.decode()


def test_a_basic_account_tries_calls_in_its_test_account(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    browser = logged_in(account)
    page = browser.post("/api-docs/iot_sim_cards/").content.decode()
    assert "X-Sample-Data: true" in " ".join(page.split())
    assert line.iccid not in page
    assert "404" in browser.post("/api-docs/deactivate/", {"path.iccid": line.iccid}).content.decode()
    assert state(line).wanted == Wanted.ACTIVE


def test_a_user_makes_no_keys(account: Account) -> None:
    user, browser = User.objects.create(email="user@acme.example"), Client()
    Membership.objects.create(user=user, account=account, role=Role.USER)
    browser.force_login(user)
    assert browser.get("/api-docs/").status_code == 200
    assert browser.get("/api-credentials/keys/").status_code == 404


LAST = (
    "deactivate",
    "cancel_job",
    "delete_rule",
    "delete_cap",
    "remove_custom_field",
    "delete_usage_export",
    "close_test_account",
)  # what the others need undone
# Of an ended job, a line in stock, a doubt, a carrier that can.
REFUSED_HERE = {"retry_job", "undo_job", "add_sim_card", "settle_sms", "reset_connection"}


CAP, FIELD, EXPORT = uuid.UUID(int=7), uuid.UUID(int=8), uuid.UUID(int=9)


def prepare(line: Line) -> None:
    """A line that is on, a job that runs, a rule, a cap, a field and a file that are there, a name that is free."""
    Rule.objects.update(deleted_at=None)
    own = {"account": line.payer, "kind": CapKind.ACCOUNT, "unit": CapUnit.MB, "period": CapPeriod.DAY}
    Cap.objects.get_or_create(uuid=CAP, defaults=own | {"limit": 512, "action": CapAction.NOTIFY})
    CustomField.objects.exclude(uuid=FIELD).delete()
    depot = {"account": line.payer, "name": "Depot", "kind": "choice", "choices": ["Berlin", "Porto"]}
    CustomField.objects.get_or_create(uuid=FIELD, defaults=depot)
    day = clock.today()
    file: dict[str, Any] = {
        "account": line.payer,
        "kind": "days",
        "format": "csv",
        "start": day,
        "end": day,
        "next_day": day,
    }
    file |= {"done_at": clock.now(), "sees_money": False}
    UsageExport.objects.get_or_create(uuid=EXPORT, defaults=file)
    ApiKey.objects.filter(name="billing export").delete()
    ApiKey.objects.filter(name="old").update(revoked_at=None)
    holder = line.payer or line.account
    assert holder is not None
    make_sandbox(account=holder, by=OPERATOR)
    Account.objects.filter(name="Sample sub-account").update(name="The one before")
    LineState.objects.filter(pk=line.pk).update(wanted=Wanted.ACTIVE, why="", reported=Switch.ON)
    Job.objects.update(state=JobState.RUNNING, ended_at=None)


@pytest.mark.django_db(transaction=True)
def test_every_example_runs_as_shown(live_server: LiveServer) -> None:
    if not (shutil.which("curl") and shutil.which("openssl")):
        pytest.skip("no curl or no openssl here")
    fleet = Fleet()
    account = fleet.account()
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    line = fleet.line(account)
    fleet.lines(account, 3)  # a line's hundred requests a day are fewer than the examples
    chosen = Line.objects.filter(pk=line.pk)
    start_job(account=account, lines=chosen, action=Action.ACTIVATE, selection="one", by=OPERATOR)
    open_wallet(subaccount=fleet.account(parent=account), credit_limit=None, by=OPERATOR)
    browser, signer = logged_in(account), client_of(account)
    keys.make_key(account=account, name="old", scopes=[Scope.READ_LINES], days=7, by=OPERATOR)
    draft = Draft(name="a rule", trigger=Trigger.IMEI, action=Does.DEACTIVATE)
    add_rule(account=account, draft=draft, by=OPERATOR)
    prepare(line)
    wish = Wish(50, "Ann", "ann@example.com", "1 Quay Street")
    ask_for_cards(account=account, wish=wish, key=uuid.uuid4(), by=OPERATOR)
    host = {"Host": live_server.url.removeprefix("http://")}
    ordered = sorted(ENDPOINTS, key=lambda one: one.name in LAST)
    pages = [
        browser.get(f"/api-docs/{one.name}/", headers=host).content.decode()
        for one in ordered
        if one.name not in REFUSED_HERE and one.side != "test" and "webhook" not in one.name
    ]
    intro = browser.get("/api-docs/", headers=host).content.decode()
    shell = [code(page, "sh") for page in pages] + [code(intro, "signed-sh")]
    python = [code(page, "python") for page in pages] + [code(intro, "signed-python")]
    key = keys.make_key(account=account, name="examples", scopes=[*Scope], days=7, per_second=200, by=OPERATOR)[1]
    own = {"LINEKEEPER_KEY": key, "USER_UUID": signer.user_uuid, "SHARED_KEY": signer.shared_key}
    for command, script in (
        (["sh", "-e"], "\necho\n".join(shell)),
        ([sys.executable, "-"], "\n".join(f"exec({one!r}, {{}})" for one in python)),
    ):
        prepare(line)
        done = subprocess.run(
            command, input=script, env=os.environ | own, capture_output=True, text=True, timeout=500, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(done.stdout.strip().splitlines()) == len(shell)
