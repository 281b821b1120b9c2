"""A small installation to tell stories in: operator commands, carriers in the simulator, a clock, and the oracle."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import tempfile
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from django.core.management import call_command
from django.db.models import Sum
from simulator import Running

from accounts.models import Account
from billing.models import Entry, Wallet
from lines.models import Carrier, LineDay
from tests.oracle import MB, Oracle, OracleLine, Plan, last_day, month_of

SECRETS = {
    "simbase": [f"api_key={Running.api_key}"],
    "iotportal": [f"client_id={Running.client_id}", f"secret_key={Running.secret_key}"],
}
WORD = {"simbase": {True: "enabled", False: "disabled"}, "iotportal": {True: "ACTIVATED", False: "DEACTIVATED"}}


def usd(text: str | int) -> Decimal:
    return Decimal(text).quantize(Decimal("0.000001"))


def moment(text: str) -> dt.datetime:
    """2026-11-20 or 2026-11-20T12:00, UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def operator(command: str, *arguments: object, code: int = 0) -> dict[str, Any]:
    """An operator's command as the shell runs it, in this process: its JSON; its exit code must be `code`."""
    out = io.StringIO()
    exit_code = 0
    try:
        call_command(command, *map(str, arguments), "--json", stdout=out)
    except SystemExit as end:
        exit_code = int(end.code or 0)
    assert exit_code == code, out.getvalue()
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def books() -> dict[str, Any]:
    """check_books, which must find nothing."""
    answer = operator("check_books")
    assert answer["ok"]
    return answer


def written(iccids: list[str]) -> Path:
    """A CSV file with these lines."""
    with closing(tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False, newline="")) as file:
        writer = csv.writer(file)
        writer.writerow(["iccid"])
        writer.writerows([iccid] for iccid in iccids)
    return Path(file.name)


class Environ(Protocol):
    """Where the clock of a story stands: in this process's environment."""

    def setenv(self, name: str, value: str) -> None: ...


class Story:
    """What happens to some accounts over time, told with the operator's commands; the oracle hears all of it.

    Every `sync` feeds the oracle with what the simulator says that the carriers show, then compares every row.
    """

    def __init__(self, sim: Running, clock: Environ, now: str) -> None:
        self.sim = sim
        self._clock = clock
        self.oracle = Oracle()
        self.accounts: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._settled: set[dt.date] = set()
        self.at(now)

    # Time

    def at(self, text: str) -> Story:
        """It is then, for us and for the carriers."""
        self.now = moment(text)
        self.sim.set_clock(self.now.isoformat())
        self._clock.setenv("LINEKEEPER_NOW", self.now.isoformat())
        return self

    # The installation

    def carrier(self, kind: str, *, per_mb: str, per_day: str = "0", name: str = "") -> None:
        """A carrier with one rate plan of the same name, fast enough for a test."""
        name = name or kind
        operator("add_carrier", name, "--kind", kind, "--url", getattr(self.sim, kind), "--secret", *SECRETS[kind])
        operator("add_rate_plan", name, "--carrier", name, "--per-mb", per_mb, "--per-day", per_day)
        Carrier.objects.filter(name=name).update(calls_per_second=500, calls_per_day=None)
        self._kinds[name] = kind
        self._plans = {**getattr(self, "_plans", {}), name: Plan(((None, Decimal(per_mb)),))}

    def account(self, name: str, *, parent: str = "", credit: str = "") -> str:
        more = ["--parent", self.accounts[parent]] if parent else []
        answer = operator("add_account", name, "--owner", f"owner@{name}.example", *more)
        self.accounts[name] = answer["account_uuid"]
        if credit:
            self.credit(name, credit)
        return self.accounts[name]

    def credit(self, name: str, amount: str) -> dict[str, Any]:
        self.oracle.credits[name].append(Decimal(amount))
        return operator("credit", self.accounts[name], amount, "--note", "a story")

    def lines(
        self, account: str, carrier: str, iccids: list[str], *, payer: str = "", active: bool = True
    ) -> list[OracleLine]:
        more = ["--activate"] if active else []
        file = written(iccids)
        answer = operator(
            "import_lines",
            file,
            "--carrier",
            carrier,
            "--rate-plan",
            carrier,
            "--account",
            self.accounts[account],
            *more,
        )
        file.unlink()
        assert answer["added"] == len(iccids)
        kind = self._kinds[carrier]
        return [
            self.oracle.add(iccid, payer=payer or account, plan=self._plans[carrier], timed=kind == "simbase")
            for iccid in iccids
        ]

    # What happens

    def uses(self, iccid: str, megabytes: float, **more: Any) -> None:
        self.sim.add_bytes(iccid, int(megabytes * MB), **more)

    def truth(self, iccid: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sim.ask("GET", "/truth", iccid=iccid, **{"from": "2026-06"})["sims"][0]
        return found

    def truths(self) -> dict[str, Any]:
        """What every SIM's carrier shows, by ICCID."""
        found: dict[str, Any] = {}
        for kind in set(self._kinds.values()):
            rows = self.sim.ask("GET", "/truth", carrier=kind, limit=10_000, **{"from": "2026-06"})["sims"]
            found |= {row["iccid"]: row for row in rows}
        return found

    def sync(self, *, compare: bool = True) -> dict[str, Any]:
        """One pass of the product, and the same for the oracle."""
        today = self.now.date()
        self.oracle.seal(today)
        answer = operator("sync")
        self.hear()
        if compare:
            self.compare()
        return answer

    def hear(self) -> None:
        """The oracle reads every line as the carrier shows it, and after a month's end its final totals."""
        today = self.now.date()
        truths = self.truths()
        months = {name: dt.date.fromisoformat(f"{truth['counter_month']}-01") for name, truth in truths.items()}
        for name, line in self.oracle.lines.items():
            line.read(self.now, truths[name]["counter"], months[name] if line.timed else None)
        self.oracle.seal(today)
        ended = last_day(month_of(month_of(today) - dt.timedelta(days=1)))
        is_over = today > ended + dt.timedelta(days=1)  # for more than 24 hours: then its totals are asked for, once
        if is_over and month_of(ended) not in self._settled:
            self._settled.add(month_of(ended))
            for name, line in self.oracle.lines.items():
                if line.timed:
                    total = truths[name]["months"][f"{ended:%Y-%m}"]["bytes"]
                    line.final_total(self.now, month_of(ended), total)
        self.oracle.seal(today)

    # What must be true

    def balance(self, name: str) -> dict[str, Any]:
        return operator("balance", self.accounts[name])

    def word(self, iccid: str) -> str:
        """The state of the SIM at its carrier."""
        return str(self.sim.ask("GET", f"/sims/{iccid}")["status"])

    def ledger(self, name: str) -> list[tuple[str, str, str]]:
        """Kind, day and amount of each row, in their order."""
        rows = Entry.objects.filter(account__uuid=self.accounts[name]).order_by("id")
        return [(row.kind, row.day.isoformat(), str(row.amount)) for row in rows]

    def compare(self, *, rows: bool = True) -> None:
        """The books are what the oracle says, and prove themselves; `rows`: down to the number of ledger rows."""
        same_books(self.oracle, self.accounts, self.now.date(), rows=rows)


def same_books(oracle: Oracle, accounts: dict[str, str], today: dt.date, *, rows: bool) -> None:
    """Days of lines, ledger, wallets and averages against the oracle; `accounts`: names and UUIDs."""
    books()
    found_days = {
        (row.line.iccid, row.day): (used, price)
        for row in LineDay.objects.select_related("line")
        for used, price in [(row.used, row.cost)]
        if row.used
    }
    expected_days: dict[tuple[str, dt.date], tuple[int, Decimal]] = {}
    for line in oracle.lines.values():
        for (day, _), (used, price) in line.days().items():
            before = expected_days.get((line.name, day), (0, Decimal(0)))
            expected_days[line.name, day] = (before[0] + used, before[1] + price)
    if len(found_days) == LineDay.objects.exclude(used=0).count():  # one price a day
        assert found_days == expected_days
    for name, uuid in accounts.items():
        account = Account.objects.get(uuid=uuid)
        if account.is_subaccount:
            assert not Entry.objects.filter(account=account).exists()
            assert not Wallet.objects.filter(account=account).exists()
            continue
        answer = operator("balance", uuid)
        assert answer["available"] == f"{oracle.available(name):.6f}", name
        assert answer["accrued"] == f"{oracle.accrued(name):.6f}", name
        assert answer["average_daily"] == f"{oracle.average_daily(name, today):.6f}", name
        sealed = {day: parts for (who, day), parts in oracle.sealed.items() if who == name}
        usage = Entry.objects.filter(account=account, kind="usage")
        sums = usage.values("day").annotate(total=Sum("amount")).values_list("day", "total")
        assert dict(sums) == {day: -sum(parts) for day, parts in sealed.items()}
        if rows:
            expected = sorted((day, -amount) for day, parts in sealed.items() for amount in parts)
            assert sorted(usage.values_list("day", "amount")) == expected
        other = Entry.objects.filter(account=account).exclude(kind="usage").order_by("id")
        assert [row.amount for row in other] == oracle.credits[name]
