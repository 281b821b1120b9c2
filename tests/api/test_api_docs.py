"""The examples of docs/api.md run as they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from api.routes import ENDPOINTS
from embedded.addresses import REPOSITORY
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from tests.api.keepgo_client import client_of
from tests.fleets import Fleet

TEXT = (REPOSITORY / "docs" / "api.md").read_text()


def example(kind: str, number: int = 0) -> str:
    return str(re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)[number])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "number", "count"), [("python", 0, 120), ("python", 1, 2), ("sh", 0, 2)])
def test_the_example_runs(kind: str, number: int, count: int, live_server: LiveServer) -> None:
    if kind == "sh" and not (shutil.which("curl") and shutil.which("openssl")):
        pytest.skip("no curl or no openssl here")
    fleet = Fleet()
    account = fleet.account()
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    lines = fleet.lines(account, count)
    client = client_of(account)
    values = {
        "LINEKEEPER_URL": live_server.url,
        "ACCOUNT_UUID": client.account_uuid,
        "USER_UUID": client.user_uuid,
        "SHARED_KEY": client.shared_key,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
    command = [sys.executable, "-c"] if kind == "python" else ["sh", "-ec"]
    done = subprocess.run([*command, example(kind, number)], env=values, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.iccid for line in lines if line.iccid not in done.stdout] == []


def test_every_call_that_is_named_exists() -> None:
    paths = {one.path for one in ENDPOINTS}
    named = set(re.findall(r"`((?:sim_card|jobs)/[^`]*)`", TEXT)) - {"sim_card/{iccid}/deactivate"}
    assert named
    assert named <= paths
