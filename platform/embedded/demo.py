"""The demo: services, tables, data, carriers and the product, from one command, until Ctrl-C."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

from embedded import addresses, locks, programs, services, stamps
from embedded.processes import CannotStart, end_with, last_words, open_lock, rotate, try_lock
from embedded.supervisor import Supervisor

SIMS = 500
SIMULATOR_PORT = 8400
STRIPE_PORT = 8420
READY_SECONDS = 120


class Stopped(BaseException):
    """Somebody asked the demo to stop."""


def main() -> int:
    """Run the demo; return 0 when it was stopped, 1 with one line on standard error when it cannot run."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    os.chdir(addresses.REPOSITORY)
    children = Supervisor(stop_seconds=15)
    _on_signals(_stop)
    if "MAKELEVEL" in os.environ:
        end_with(os.getppid(), signal.SIGTERM)  # make does not tell us when it is killed
    try:
        port = _port("PORT", 8000)
        _be_the_only_one(port)
        _run(children, port)
    except Stopped:
        return 0
    except CannotStart as refusal:
        print(refusal, file=sys.stderr)
        return 1
    finally:
        _end(children)
    return 0


def _run(children: Supervisor, port: int) -> None:
    """Start everything in its order, say where it is, and watch over it."""
    _refuse_taken(port)
    os.environ.setdefault("LINEKEEPER_URL", f"http://127.0.0.1:{port}")
    os.environ.setdefault("STORE_URL", "https://store.example.com/")
    os.environ.setdefault("WEBHOOKS_TO_PRIVATE", "1")  # whoever tries it listens on this machine
    _say("Starting PostgreSQL and Redis")
    services.ensure_running(migrate=False)
    _collect_static()
    simulator = _listener("SIMULATOR_PORT", SIMULATOR_PORT)
    children.start(programs.simulator(simulator, SIMS))
    _take_cards(children, port)
    children.wait_until_ready(seconds=READY_SECONDS)
    _say("Preparing the database and the demo's data")
    if not addresses.is_embedded_database():
        _manage("migrate", "--verbosity", "0")
    login = _seed(_url(simulator))
    _say("Starting the web server, a worker and beat")
    for program in (programs.web(port), programs.worker(), programs.beat()):
        children.start(program)
    children.wait_until_ready(seconds=READY_SECONDS)
    _say(f"\n  Linekeeper    http://127.0.0.1:{port}")
    _say(f"  Log in with   {login}\n")
    _say(f"The logs are in {addresses.logs_dir()}. Ctrl-C stops everything.")
    servers = services.Watch()
    while True:
        time.sleep(0.5)
        for name in children.restart_ended():
            _say(f"{name} ended by itself and was started again; see {addresses.logs_dir() / name}.log")
        servers.look()
        if _make_was_interrupted():
            return


def _take_cards(children: Supervisor, port: int) -> None:
    """Start a stand-in for Stripe and name it to what is started after it, unless keys of Stripe are given."""
    if os.environ.get("STRIPE_SECRET_KEY"):
        return
    stripe = _listener("STRIPE_PORT", STRIPE_PORT)
    secret = addresses.secret("STRIPE_WEBHOOK_SECRET")
    os.environ["STRIPE_SECRET_KEY"] = "sk_test_linekeeper_demo"  # noqa: S105 - for the stand-in only
    os.environ["STRIPE_WEBHOOK_SECRET"] = secret
    os.environ["STRIPE_API_BASE"] = _url(stripe)
    webhook = f"http://127.0.0.1:{port}/billing/stripe/webhook/"
    children.start(programs.stripe_proxy(stripe, webhook, secret))


def _seed(simulator: str) -> str:
    """Have the demo's accounts and lines made where they are missing, and return the login as a person reads it."""
    login = json.loads(_manage("seed_demo", "--simulator", simulator, "--json"))
    said = f"{login['email']}   {login['password']}"
    link = login["office_link"]
    how = f"{link} sets up {login['office']}, once" if link else f"/back-office/ with {login['office']}"
    said += f"\n  Back office   {how}"
    if card := login["card"]:  # for an account of one's own; the demo's has cards reserved
        said += f"\n  A SIM card    {card['iccid']}, code {card['code']}, at Lines > Add a line"
    return said


def _end(children: Supervisor) -> None:
    """Stop everything; a second Ctrl-C makes it short."""

    def hurry(_signum: int, _frame: FrameType | None) -> None:
        children.stop_seconds = 0

    _on_signals(hurry)
    if children.children:
        _say("\nStopping")
    children.stop_all()
    if not services.leave(wait=True):
        _say("PostgreSQL and Redis stay until the other command that uses them ends.")


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, handler)


def _stop(_signum: int, _frame: FrameType | None) -> None:
    raise Stopped


def _make_was_interrupted() -> bool:
    """Tell whether make, our parent, got an interrupt for itself alone: it waits for us then, without telling us."""
    if "MAKELEVEL" not in os.environ or sys.platform != "linux":
        return False
    with open(f"/proc/{os.getppid()}/status", encoding="ascii") as status:
        blocked = next(line.split()[1] for line in status if line.startswith("SigBlk"))
    return bool(int(blocked, 16) & 1 << (signal.SIGINT - 1))  # blocked while its handler waits


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(line, flush=True)


def _be_the_only_one(port: int) -> None:
    """Hold the demo's lock for as long as this process lives."""
    handle = open_lock(locks.demo())
    if not try_lock(handle):
        pid, address = locks.read_state(locks.demo())
        raise CannotStart(f"a demo of this folder runs already at {address} (process {pid})")
    locks.write_state(handle, f"http://127.0.0.1:{port}")


def _port(name: str, default: int) -> int:
    """Return a port from the environment."""
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CannotStart(f"{name}={text} is not a port")
    return int(text)


def _refuse_taken(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        raise _taken("PORT", port) from None


def _taken(name: str, port: int) -> CannotStart:
    return CannotStart(f"port {port} is taken; choose another: make demo {name}={port + 1}")


def _listener(name: str, usual: int) -> socket.socket:
    """Return a socket that listens on the port that the environment names, or the usual one, or any if that is taken.

    It stays ours while its program is started, and started again: nobody can take the port in between.
    """
    port = _port(name, usual)
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:  # another folder's demo has it
        if name in os.environ:
            raise _taken(name, port) from None
        return socket.create_server(("127.0.0.1", 0))


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _collect_static() -> None:
    """Gather, fingerprint and compress static files when one of them changed."""

    def sources() -> Iterator[str | bytes]:
        yield (addresses.REPOSITORY / "requirements-dev.lock").read_bytes()
        for path in sorted((addresses.REPOSITORY / "static").rglob("*")):
            status = path.stat()
            yield f"{path} {status.st_size} {status.st_mtime_ns}"

    stamp = addresses.data_dir() / "static.stamp"
    collect = ("collectstatic", "--noinput", "--clear", "--verbosity", "0")
    stamps.once(stamp, sources(), locks.static(), lambda: _manage(*collect))


def _manage(*arguments: str) -> str:
    """Run one management command and return its standard output; its errors go to its log."""
    log = addresses.logs_dir() / f"{arguments[0]}.log"
    rotate(log)
    with log.open("ab") as errors:
        command = [sys.executable, "manage.py", *arguments]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, check=False)
    if result.returncode:
        raise CannotStart(f"manage.py {arguments[0]} fails: {last_words(log)} (see {log})")
    return result.stdout.decode()


if __name__ == "__main__":
    sys.exit(main())
