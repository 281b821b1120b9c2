"""An installation in a folder of its own for the length of a rig: servers, stand-ins, web server, worker and beat.

Its SIMs use nothing but what the rig adds. What ends is started again for as long as it lasts.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import psutil
from simulator import Running as Carriers
from stripe_proxy import Running as Payments

T = TypeVar("T")
KINDS = {"simbase": ("0.010000", "0"), "iotportal": ("0.030000", "0.010000")}  # USD a MB, USD a line and day
NAMES = ("acme", "bolt", "cord")
READ_EVERY = 5  # seconds
PATIENCE = 120.0  # seconds that a person tries again for


def set_up_environment(folder: Path) -> None:
    os.environ |= {
        "LINEKEEPER_DATA": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "WEBHOOKS_TO_PRIVATE": "1",
        "EMAIL_TIMEOUT": "5",
    }
    for name in ("DATABASE_URL", "REDIS_URL", "LINEKEEPER_NOW", "MAKELEVEL"):
        os.environ.pop(name, None)


@dataclass
class Installation:
    """What runs, and how a rig sees it."""

    folder: Path
    web: int
    carriers: Carriers
    payments: Payments
    stop: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """On a session of its own, as soon as the database takes one."""
        import psycopg
        from embedded import addresses

        end = time.monotonic() + PATIENCE
        while True:
            try:
                with psycopg.connect(addresses.database_url(), autocommit=True, connect_timeout=5) as session:
                    found = session.execute(statement, values)
                    return found.fetchall() if found.description else []
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def now(self) -> Any:
        return self.sql("SELECT clock_timestamp()")[0][0]

    def page(self, path: str = "/accounts/login/") -> tuple[int, float]:
        """The status of a page and the seconds it took; 999 where nobody answers."""
        began = time.monotonic()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}", timeout=20) as answer:
                return int(answer.status), time.monotonic() - began
        except urllib.error.HTTPError as error:
            return error.code, time.monotonic() - began
        except OSError:
            return 999, time.monotonic() - began

    def processes(self, *words: str) -> list[psutil.Process]:
        """Those of this installation whose command line has one of the words, the stand-ins left out."""
        return [one for one in ours(self.folder) if any(word in line_of(one) for word in words)]

    def insist(self, act: Callable[[], T]) -> T:
        """What a person does, again and again while the database is away: everything they do is harmless twice."""
        from django.db import InterfaceError, OperationalError, connections

        end = time.monotonic() + PATIENCE
        while True:
            try:
                return act()
            except (OperationalError, InterfaceError):
                connections.close_all()
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)

    def wait_for(self, statement: str, *values: object, within: float, what: str) -> float:
        """Seconds until the statement answers with no row. Raises TimeoutError naming the first that is left."""
        began = time.monotonic()
        while missing := self.sql(statement, *values):
            if time.monotonic() - began > within:
                raise TimeoutError(f"{what}: {missing[0][0]} and {len(missing) - 1} more after {within:.0f} s")
            time.sleep(0.3)
        return time.monotonic() - began


def line_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def ours(folder: Path) -> Iterator[psutil.Process]:
    """The processes of an installation: by its folder, in their environment or on their command line."""
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.pid == os.getpid() or one.status() == psutil.STATUS_ZOMBIE:
                continue
            if one.environ().get("LINEKEEPER_DATA") == str(folder) or str(folder) in line_of(one):
                yield one


@contextlib.contextmanager
def installation(*, simbase: int, iotportal: int, folder: Path | None = None) -> Iterator[Installation]:
    """One with three accounts that share so many lines. Everything is ended and forgotten afterwards."""
    with tempfile.TemporaryDirectory(prefix="linekeeper-rig-", ignore_cleanup_errors=True) as above:
        folder = folder or Path(above) / "data"
        set_up_environment(folder)
        from embedded import services

        from tests.preloaded import preload

        preload(folder)

        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        ports = [one.getsockname()[1] for one in sockets]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            web = int(probe.getsockname()[1])
        os.environ |= {
            "LINEKEEPER_URL": f"http://127.0.0.1:{web}",
            "STRIPE_SECRET_KEY": Payments.key,
            "STRIPE_WEBHOOK_SECRET": Payments.secret,
            "STRIPE_API_BASE": f"http://127.0.0.1:{ports[1]}",
        }
        one = Installation(
            folder, web, Carriers(f"http://127.0.0.1:{ports[0]}"), Payments(f"http://127.0.0.1:{ports[1]}")
        )
        services.ensure_running()
        try:
            with _standins(sockets, web, simbase, iotportal):
                seed(one, simbase=simbase, iotportal=iotportal)
                with _programs(one):
                    yield one
        finally:
            from django.db import connections

            connections.close_all()
            services.leave(wait=True)


@contextlib.contextmanager
def _standins(sockets: list[socket.socket], web: int, simbase: int, iotportal: int) -> Iterator[None]:
    """The carriers and the payments: they are the truth, and nobody kills them."""
    from embedded import programs
    from embedded.supervisor import Supervisor

    standins = Supervisor(stop_seconds=5)
    more = ["--simbase", str(simbase), "--iotportal", str(iotportal), "--quiet", "--rate", "off", "--sms-delay", "0"]
    simulator = programs.simulator(sockets[0], simbase + iotportal)
    try:
        standins.start(replace(simulator, arguments=[*simulator.arguments, *more]))
        standins.start(
            programs.stripe_proxy(sockets[1], f"http://127.0.0.1:{web}/billing/stripe/webhook/", Payments.secret)
        )
        standins.wait_until_ready(seconds=60)
        yield
    finally:
        standins.stop_all()
        for one in sockets:
            one.close()


@contextlib.contextmanager
def _programs(one: Installation) -> Iterator[None]:
    ready = threading.Event()
    watch = threading.Thread(target=_watch, args=(one, ready), name="watch")  # children end with the thread they are of
    watch.start()
    try:
        ready.wait()
        if one.failure is not None:
            raise one.failure
        yield
    finally:
        one.stop.set()
        watch.join()


def _watch(one: Installation, ready: threading.Event) -> None:
    from embedded import programs, services
    from embedded.supervisor import Supervisor

    children = Supervisor(stop_seconds=15, is_patient=True)
    try:
        for program in (programs.web(one.web), programs.worker(), programs.beat()):
            children.start(program)
        children.wait_until_ready(seconds=120)
        ready.set()
        servers = services.Watch()
        while not one.stop.wait(0.2):
            children.restart_ended()
            servers.look()
    except Exception as failure:  # noqa: BLE001 - told to whoever waits
        one.failure = failure
    finally:
        ready.set()
        children.stop_all()


def seed(one: Installation, *, simbase: int, iotportal: int) -> None:
    """Accounts with money, and the lines of both carriers dealt among them, on from the beginning."""
    import django

    django.setup()
    from allauth.account.models import EmailAddress
    from django.core.management import call_command

    from accounts.commands import open_account
    from accounts.policy import OPERATOR
    from billing.commands.byhand import adjust
    from lines.commands.stock import add_carrier, add_rate_plan, import_lines
    from lines.models import Carrier

    call_command("collectstatic", "--noinput", "--verbosity", "0")
    accounts = [
        open_account(name=name, owner_email=f"owner@{name}.example", professional=True, by=OPERATOR) for name in NAMES
    ]
    EmailAddress.objects.update(verified=True)
    for account in accounts:
        adjust(account=account, amount=Decimal(500), reason="the beginning", by=OPERATOR)
    secrets = {
        "simbase": {"api_key": Carriers.api_key},
        "iotportal": {"client_id": Carriers.client_id, "secret_key": Carriers.secret_key},
    }
    for kind, count in (("simbase", simbase), ("iotportal", iotportal)):
        carrier = add_carrier(name=kind, kind=kind, url=getattr(one.carriers, kind), secrets=secrets[kind], by=OPERATOR)
        Carrier.objects.filter(pk=carrier.pk).update(calls_per_second=200, calls_per_day=None, read_every=READ_EVERY)
        per_mb, per_day = (Decimal(price) for price in KINDS[kind])
        plan = add_rate_plan(
            name=kind, carrier=carrier, per_mb=per_mb, per_sms=Decimal(0), per_day=per_day, by=OPERATOR
        )
        iccids = one.carriers.iccids(kind, 10_000)[:count]
        for number, account in enumerate(accounts):
            rows = list(enumerate(iccids[number :: len(accounts)], 1))
            import_lines(rows=rows, carrier=carrier, plan=plan, account=account, active=True, by=OPERATOR)


UNREAD = """
SELECT c.name FROM lines_carrier c WHERE c.is_active AND NOT EXISTS
  (SELECT FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id WHERE l.carrier_id = c.id AND st.read_at > %s)
"""
UNREAD_LINES = """
SELECT l.iccid FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id
 WHERE l.payer_id IS NOT NULL AND (st.read_at IS NULL OR st.read_at <= %s)
"""


def told(result: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


def kill(process: psutil.Process) -> bool:
    """At once; False where it had ended by itself."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True
