"""Schemathesis' own run over the whole document, every phase of it, against the web server of production: no answer is
a 5xx, and each is as the document says. `make contract [EXAMPLES=100] [SEED=1]`; the suite has a short run.

What it thinks of is done in one account, whose objects often stand in the paths, and then in its test account.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from api.openapi import document
from django.db import connection
from kit import clock

from accounts import keys
from accounts.models import Account, ApiDay
from accounts.policy import OPERATOR, Scope
from automation.commands.rules import Draft, add_rule
from automation.commands.webhooks import add_webhook
from automation.policy import Action as Does
from automation.policy import Trigger
from lines.commands.fields import add_field
from lines.commands.jobs import start_job
from lines.commands.sandbox import make_sandbox
from lines.models import Line
from lines.policy import Action
from lines.policy.fields import FieldKind
from tests.api.test_api_schemathesis import decimals_are_texts, with_own
from tests.fleets import MB, Fleet
from tests.webserver import web_server

EXAMPLES, SEED = os.environ.get("EXAMPLES", "100"), os.environ.get("SEED", "1")
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "unsupported_method", "allow_header_conformance", "ignored_auth",
)  # fmt: skip
ONLY = os.environ.get("ONLY", "live live-texts test").split()
KEPT = Path(".local/contract")
pytestmark = pytest.mark.django_db(transaction=True)


def lived(fleet: Fleet, account: Account) -> dict[str, str]:
    """The account has one of each thing; their names in paths."""
    line, sub = fleet.line(account), fleet.account(parent=account)
    for at, used in ((0, 0), (1, 3 * MB)):
        fleet.read(line, f"{clock.today()} 00:00:0{at}", used)
    field = add_field(account=account, name="Depot", kind=FieldKind.CHOICE, choices=["Berlin"], by=OPERATOR)
    job = start_job(
        account=account, lines=Line.objects.filter(pk=line.pk), action=Action.TAG, parameters={"tags": ["a"]},
        selection="one", by=OPERATOR,
    )  # fmt: skip
    rule = add_rule(account=account, draft=Draft(name="a", trigger=Trigger.IMEI, action=Does.DEACTIVATE), by=OPERATOR)
    hook = add_webhook(account=account, url="https://hooks.example.com/a", topics=["rules"], by=OPERATOR)
    return {
        "iccid": line.iccid,
        "account": sub.uuid.hex,
        "field": field.uuid.hex,
        "job": job.uuid.hex,
        "rule": rule.uuid.hex,
        "webhook": hook.uuid.hex,
    }


@contextmanager
def no_end_of_the_day() -> Iterator[None]:
    """Requests of a day are counted anew all the time."""
    over = threading.Event()

    def reset() -> None:
        while not over.wait(0.5):
            ApiDay.objects.update(used=0)
        connection.close()

    thread = threading.Thread(target=reset)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def run(name: str, asked: dict[str, Any], where: str, key: str, which: tuple[str, ...]) -> str:
    """What it says in the end. It ends with 0, or this fails with what it found."""
    KEPT.mkdir(parents=True, exist_ok=True)
    path, log = KEPT / f"{name}.json", KEPT / f"{name}.log"
    path.write_text(json.dumps(asked, default=float))
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", path.name, "--url", where,
        "--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS), "--seed", SEED,
        "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--continue-on-failure",
        "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "120", "--no-color", *which,
    ]  # fmt: skip
    with log.open("w") as out:
        code = subprocess.run(command, cwd=KEPT, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    said = log.read_text()
    assert code == 0, said[-20_000:]
    return "; ".join(" ".join(line.split()) for line in said.splitlines() if re.search(r"generated|selected", line))


@pytest.mark.timeout(4 * 3600)
def test_the_whole_document_by_its_own_run(transactional_db: None, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Fleet()
    account = fleet.account()
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    own = lived(fleet, account)
    key = keys.make_key(account=account, name="c", scopes=[*Scope], days=7, per_second=200, by=OPERATOR)[1]
    test = make_sandbox(account=account, by=OPERATOR)
    tests_key = keys.make_key(account=test, name="t", scopes=[*Scope], days=7, per_second=200, by=OPERATOR)[1]
    tests_own = {"iccid": Line.objects.filter(payer=test).order_by("pk")[0].iccid}
    live, texts, play = (with_own(document(), *of) for of in ((account, own), (account, own), (test, tests_own)))
    for numbers in (live, play):
        numbers["components"]["parameters"]["Money"]["schema"]["enum"] = ["number"]
    texts["components"]["parameters"]["Money"]["schema"]["enum"] = ["string"]  # and the header asks for it, too
    texts["components"]["schemas"] = decimals_are_texts(texts["components"]["schemas"])
    with web_server() as port, no_end_of_the_day():
        for name, asked, at, bearer, which in (
            ("live", live, account, key, ()),
            ("live-texts", texts, account, key, ("--include-method", "GET", "--header", "Money: string")),
            ("test", play, test, tests_key, ()),
        ):
            if name not in ONLY:
                continue
            said = run(name, asked, f"http://127.0.0.1:{port}/api/{at.uuid.hex}", bearer, which)
            with capsys.disabled():
                print(f"\n{name}: {said}")
