"""One of the two installations of the move rig: a process that is told by lines of JSON what to do, at which moment.

python -m tests.rigs.move_side    (with LINEKEEPER_DATA of its own)
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

MB = 1_048_576
PER_MB, PER_DAY = "0.013000", "0.050000"
START, A_LINE = 500, 4  # USD: enough for every day, so that nobody is suspended for it
BATCH = 500


class There:
    """The Linekeeper that runs as Keepgo: lines of a carrier that nobody calls, told what they used, and its API."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.random = random.Random(7)

    def seed(self, lines: int) -> dict[str, Any]:
        from accounts.commands import open_account
        from accounts.commands.opening import open_subaccount
        from accounts.policy import OPERATOR
        from accounts.queries import credential_of
        from billing.commands import adjust
        from lines.commands.adding import NewLine, add_lines
        from lines.commands.stock import add_carrier, import_lines
        from lines.commands.wishes import deactivate_lines
        from lines.models import Line

        secrets = {"api_key": "k" * 16}
        carrier = add_carrier(name="own", kind="simbase", url="http://127.0.0.1:9", secrets=secrets, by=OPERATOR)
        plan = _plan("Europe", carrier)
        account = open_account(name="Acme", owner_email="o@acme.example", professional=True, by=OPERATOR)
        sub = open_subaccount(parent=account, name="Delta", by=OPERATOR)
        adjust(account=account, amount=Decimal(max(START, A_LINE * lines)), reason="the beginning", by=OPERATOR)
        iccids = [f"8944{number:015}" for number in range(1, lines + 1)]
        rows = list(enumerate(iccids, 1))
        import_lines(rows=rows, carrier=carrier, plan=plan, account=None, active=False, by=OPERATOR, unchecked=True)
        for holder, some in ((account, rows[: lines * 2 // 3]), (sub, rows[lines * 2 // 3 :])):
            given = [NewLine(number, iccid, plan.name, f"SIM {number}") for number, iccid in some]
            added = add_lines(account=holder, rows=given, active=True, by=OPERATOR)
            assert not added.bad, added.bad[:3]
        self.counters = dict.fromkeys(iccids, 0)
        off = list(Line.objects.filter(iccid__in=iccids[::10]).values_list("pk", flat=True))
        deactivate_lines(line_ids=off, by=OPERATOR)
        self.use(share=0.0)
        found = credential_of(account)
        return {"account_uuid": account.uuid.hex, "user_uuid": found.user_uuid, "shared_key": found.shared_key}

    def use(self, share: float = 0.8) -> dict[str, Any]:
        """Its carrier tells what lines have used by now; those that are off use nothing."""
        from kit import clock

        from lines.carriers.base import Reading, Status, Switch
        from lines.commands.readings import apply_readings
        from lines.commands.wishes import enforce
        from lines.models import Carrier, LineState
        from lines.policy import Wanted

        now = clock.now()
        states = LineState.objects.filter(line__payer__isnull=False).order_by("pk")
        wanted = dict(states.values_list("line__iccid", "wanted"))
        readings = []
        for iccid, wish in wanted.items():
            if wish == Wanted.ACTIVE and self.random.random() < share:
                self.counters[iccid] += self.random.randrange(1, 20 * MB)
            status = Status(Switch.ON, "enabled") if wish == Wanted.ACTIVE else Status(Switch.OFF, "disabled")
            readings.append(Reading(iccid, self.counters[iccid], now.date().replace(day=1), status))
        carrier = Carrier.objects.get()
        for start in range(0, len(readings), BATCH):
            page = readings[start : start + BATCH]
            apply_readings(carrier=carrier, readings=page, read_at=now, has_finals=True)
        enforce()
        return {"bytes": sum(self.counters.values())}

    def serve(self) -> dict[str, Any]:
        """Its API, on a port of this process."""
        from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
        from django.core.wsgi import get_wsgi_application

        class Quiet(WSGIRequestHandler):
            def log_message(self, *_: object) -> None:
                """Thousands of calls a minute."""

        server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
        server.set_app(get_wsgi_application())
        threading.Thread(target=server.serve_forever, daemon=True, name="api").start()
        return {"port": server.server_port}


class Here:
    """The Linekeeper that the account comes to: it knows the other one as a carrier, over HTTP."""

    def seed(self, port: int, secrets: dict[str, str]) -> dict[str, Any]:
        from kit import clock

        from accounts.commands import open_account
        from accounts.policy import OPERATOR
        from lines.carriers import keepgo
        from lines.commands.stock import add_carrier
        from lines.models import Carrier

        keepgo._stamp = lambda: str(int(clock.now().timestamp()))  # both stand at one moment
        carrier = add_carrier(
            name="Keepgo", kind="keepgo", url=f"http://127.0.0.1:{port}/api", secrets=secrets, by=OPERATOR
        )
        Carrier.objects.filter(pk=carrier.pk).update(calls_per_second=1000, calls_per_day=None)
        _plan("Europe", carrier)
        account = open_account(name="Acme", owner_email="o@acme.example", professional=True, by=OPERATOR)
        return {"account": account.uuid.hex}

    def move(self, account: str, batches: int | None = None, words: list[str] | None = None) -> dict[str, Any]:
        """The command; with `batches` it is cut off after so many."""
        from lines.commands import moves
        from lines.work import moving

        real, left = moves.take_lines, [batches]
        moving.BATCH = 8 if batches else 40

        def cut(**given: Any) -> int:
            if left[0] is not None:
                if not left[0]:
                    raise KeyboardInterrupt
                left[0] -= 1
            return real(**given)

        moves.take_lines = cut
        try:
            return _command("import_keepgo", "--carrier", "Keepgo", "--account", account, *(words or []))
        except KeyboardInterrupt:
            return {"cut": True}
        finally:
            moves.take_lines = real

    def read(self) -> dict[str, Any]:
        """A pass of its own, with fees and balances; the other one's lines must stay as they are."""
        from lines.models import Carrier
        from lines.work.sync import sync

        done = sync(list(Carrier.objects.all()))
        return {"readings": done.readings, "failed": done.failed, "driven": done.driven, "errors": done.errors}


def books() -> dict[str, Any]:
    """What both sides say of money and lines, in exact figures."""
    from kit import clock

    from accounts.models import Account
    from billing.models import UsageDay
    from billing.queries import balance_of
    from lines.books import check_books, recompute_books
    from lines.models import Line
    from lines.policy import status
    from lines.recount.audit import Found, Scope
    from lines.rules import is_confirmed_on

    account = Account.objects.get(parent=None)
    lines = Line.objects.filter(payer=account).select_related("account", "state").order_by("iccid")
    answer = check_books()
    found = recompute_books(scope=Scope(), found=Found())
    return {
        "days": {f"{row.day}": f"{row.usage:f}" for row in UsageDay.objects.filter(account=account)},
        "available": f"{balance_of(account, today=clock.today()).available:f}",
        "breaches": [check["name"] for check in answer["checks"] if not check["ok"]],
        "second_books": {"line_days": found.line_days, "differences": found.differences, "first": found.first[:3]},
        "lines": {
            line.iccid: [
                line.account.name if line.account else "",
                line.notes,
                status(
                    line.state.wanted,  # type: ignore[arg-type]
                    confirmed_on=is_confirmed_on(line.state.reported, blocked=line.state.blocked),
                ).word,
            ]
            for line in lines
        },
    }


def keep_days() -> dict[str, Any]:
    from lines.work import sync

    return {"days": sync.keep_days()}


def _plan(name: str, carrier: Any) -> Any:
    from accounts.policy import OPERATOR
    from lines.commands.stock import add_rate_plan

    prices: dict[str, Any] = {"per_mb": Decimal(PER_MB), "per_sms": Decimal(0), "per_day": Decimal(PER_DAY)}
    return add_rate_plan(name=name, carrier=carrier, by=OPERATOR, **prices)


def _command(*words: str) -> dict[str, Any]:
    import io

    from django.core.management import call_command

    out = io.StringIO()
    with contextlib.suppress(SystemExit):
        call_command(*words, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def main() -> int:
    from embedded import services

    services.ensure_running()
    try:
        import django

        django.setup()
        there, here = There(), Here()
        own: dict[str, Callable[..., dict[str, Any]]] = {"books": books, "keep_days": keep_days}
        for line in sys.stdin:
            asked = json.loads(line)
            os.environ["LINEKEEPER_NOW"] = asked["now"]
            side, _, what = asked["what"].rpartition(".")
            act = own[what] if not side else getattr({"there": there, "here": here}[side], what)
            try:
                answer = act(**asked["with"])
            except Exception as error:  # noqa: BLE001 - told to whoever asked
                import traceback

                answer = {"error": f"{error!r}\n{traceback.format_exc()[-3000:]}"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        from django.db import connections

        connections.close_all()
        services.leave(wait=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
