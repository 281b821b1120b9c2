"""make demo, as far as it differs from the sum of its parts: one at a time, restarted, gone at Ctrl-C."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.house_processes import running_from, wait_for_the_end

DEMO = [sys.executable, "-m", "embedded.demo"]


# What the demo has that must not come a second time, and whether its books are true.
COUNTS = """
import json
from accounts.models import Account, User
from automation.models import Rule
from billing.models import AutoRefill, Customer, Invoice, Payment, Refund
from lines.books import check_books
from lines.models import Job, Line
states = list(Payment.objects.order_by("id").values_list("state", flat=True))
made = [one.objects.count() for one in (Account, User, Line, Job, Rule, Customer, Invoice, Refund)]
on = [one.is_on for one in AutoRefill.objects.all()]
wrong = [check["name"] for check in check_books()["checks"] if not check["ok"]]
print(json.dumps({"states": states[:4], "made": made, "auto_refill": on, "wrong": wrong}))
"""


@pytest.fixture
def port(own_data: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setenv("PORT", str(free_port))
    yield free_port
    wait_for_the_end(own_data)


def start() -> subprocess.Popen[str]:
    return subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def words_until_ready(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    words = ""
    for line in demo.stdout:
        words += line
        if "Ctrl-C" in line:
            return words
    pytest.fail(f"the demo does not come up: {words}", pytrace=False)


FIRST = "import json; from accounts.models import Account; print(json.dumps({'accounts': Account.objects.count()}))"


@pytest.mark.timeout(1200)
def test_the_demo_runs_once_leaves_nothing_at_ctrl_c_and_goes_on_until_it_is_killed(own_data: Path, port: int) -> None:
    """After another command, which was the first of all: it finds its tables and prints nothing else."""
    first = [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", FIRST]
    told = subprocess.run(first, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert json.loads(told.stdout) == {"accounts": 0}, told.stderr
    with start() as demo:
        assert f"http://127.0.0.1:{port}" in words_until_ready(demo)
        assert front_page(port) < 500
        had = what_it_has()
        assert (had["states"][:2], had["auto_refill"], had["wrong"]) == (["declined", "succeeded"], [False], [])
        second = subprocess.run(DEMO, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert re.fullmatch(rf"a demo of this folder runs already at http://127.0.0.1:{port} .*\n", second.stderr)
        os.killpg(demo.pid, signal.SIGINT)
        assert demo.wait(60) == 0
    assert running_from(own_data) == []
    with start() as demo:
        words_until_ready(demo)
        assert front_page(port) < 500
        assert what_it_has() == had
        demo.kill()
    wait_for_the_end(own_data, seconds=60)


def what_it_has() -> dict[str, Any]:
    """From a process of its own, as the demo is one."""
    told = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", COUNTS], capture_output=True, check=True
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def front_page(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().status


def test_a_taken_port_is_refused_in_one_line(own_data: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        refused = subprocess.run(DEMO, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"port {port} is taken; choose another: make demo PORT={port + 1}\n"
