"""A database of a version before is brought to today's: no balance, no charge, no byte moves, and the books go on."""

import json
import lzma
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from embedded.addresses import REPOSITORY, owner_url, redis_url
from embedded.postgres import binary
from psycopg import conninfo, sql

DUMPS = sorted(Path(__file__).parent.glob("*.sql.xz"))
KEYS = {"2026-11-26.sql.xz": "HJDlEmAhw95d31zwt_n_AlkIeQDUH_JL8ZT4uOmtPQI="}  # of a demo that is gone

MUST_STAY = {
    "balances": "SELECT account_id, posted, accrued, is_red FROM billing_wallet ORDER BY 1",
    "ledger": "SELECT id, account_id, kind, amount, key FROM billing_entry ORDER BY 1",
    "usage by account": "SELECT account_id, day, usage, sealed, sms FROM billing_usageday ORDER BY 1, 2",
    "usage by line": "SELECT line_id, day, payer_id, price_id, cycle, used, cost, fee FROM lines_lineday"
    " ORDER BY 1, 2, 3, 4",
    "counters": "SELECT line_id, cycle, counter, baseline, wanted, reported FROM lines_linestate ORDER BY 1",
    "whose": "SELECT id, iccid, account_id, payer_id, plan_id, notes FROM lines_line ORDER BY 1",
    "people": "SELECT email, password FROM accounts_user ORDER BY 1",
    "events": "SELECT count(*) FROM accounts_event",
}

USE_ONE_MEGABYTE = """
import json
from kit import clock
from accounts.models import ApiCredential
from billing.models import Wallet
from lines.carriers.base import Reading
from lines.commands.readings import apply_readings
from lines.models import LineState
from lines.policy import Wanted, cycle_start
state = LineState.objects.filter(
    wanted=Wanted.ACTIVE, line__carrier__kind="simbase", line__plan__prices__per_mb__gt=0, line__payer__isnull=False
).select_related("line__carrier").first()
cycle = cycle_start(clock.today(), 1)
before = state.counter if state.cycle == cycle else 0
applied = [
    apply_readings(
        carrier=state.line.carrier, read_at=clock.now(),
        readings=[Reading(iccid=state.line.iccid, counter=counter, cycle=cycle)],
    )
    for counter in (before, before + 1_048_576)
]
print(json.dumps({"charged": str(applied[-1].charged), "moved": applied[-1].bytes_moved}))
"""


@pytest.fixture(params=DUMPS, ids=lambda path: path.name)
def installation(request: pytest.FixtureRequest, services: None) -> Iterator[dict[str, str]]:
    """The environment of commands in which the database is that installation's, restored as it was."""
    server: dict[str, Any] = conninfo.conninfo_to_dict(owner_url())
    name = f"upgrade_{os.getpid()}"
    one = sql.Identifier(name)
    with psycopg.connect(**server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(one))
    url = conninfo.make_conninfo(**{**server, "dbname": name})
    subprocess.run(
        [binary("psql"), "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--output", os.devnull, url],
        input=lzma.decompress(request.param.read_bytes()),
        check=True,
    )
    yield {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": url,
        "REDIS_URL": redis_url(9),
        "ENCRYPTION_KEYS": KEYS[request.param.name],
    }
    with psycopg.connect(**server, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(one))


def manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "manage.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{arguments[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def looked_at(environment: dict[str, str]) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(environment["DATABASE_URL"]) as database:
        return {name: database.execute(query).fetchall() for name, query in MUST_STAY.items()}


def test_a_database_of_the_version_before_keeps_every_cent_and_goes_on(installation: dict[str, str]) -> None:
    before = looked_at(installation)
    manage(installation, "migrate", "--verbosity", "0")
    after = looked_at(installation)
    for name, rows in before.items():
        assert after[name] == rows, name
    assert json.loads(manage(installation, "check_books"))["ok"] is True
    used = json.loads(manage(installation, "shell", "--verbosity", "0", "--command", USE_ONE_MEGABYTE))
    assert used["moved"] == 1_048_576
    assert float(used["charged"]) > 0
    assert json.loads(manage(installation, "check_books"))["ok"] is True
    assert json.loads(manage(installation, "check_audit", "--json"))["whole"] is True
