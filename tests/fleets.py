"""Carriers, accounts and lines for tests of commands, and readings as a carrier's adapter would hand them over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum
from kit import clock

from accounts.commands import open_account
from accounts.models import Account
from accounts.policy import OPERATOR
from billing.commands import adjust
from billing.models import Entry, UsageDay, Wallet
from lines.books import check_books
from lines.carriers.base import Reading, Status, Switch
from lines.commands.readings import Applied, apply_readings
from lines.commands.stock import add_carrier, add_rate_plan, import_lines
from lines.models import Carrier, Drive, Line, LineDay, LineState, Price, RatePlan

SECRETS = {"simbase": {"api_key": "k" * 16}, "iotportal": {"client_id": "c" * 16, "secret_key": "s" * 16}}
ON = Status(Switch.ON, "on")
OFF = Status(Switch.OFF, "off")
MB = 1_048_576
ADDED = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@dataclass
class Fleet:
    """Two carriers, each with a plan, and as many accounts and lines as a test asks for."""

    per_mb: str = "0.01"
    per_day: str = "0"
    carriers: dict[str, Carrier] = field(default_factory=dict)
    plans: dict[str, RatePlan] = field(default_factory=dict)
    made: int = 0

    def __post_init__(self) -> None:
        for kind in ("simbase", "iotportal"):
            self.carriers[kind] = add_carrier(
                name=kind, kind=kind, url="http://127.0.0.1:9", secrets=SECRETS[kind], by=OPERATOR
            )
            self.plans[kind] = add_rate_plan(
                name=kind,
                carrier=self.carriers[kind],
                per_mb=Decimal(self.per_mb),
                per_sms=Decimal("0.05"),
                per_day=Decimal(self.per_day),
                by=OPERATOR,
            )

    def account(self, *, credit: str = "100", parent: Account | None = None) -> Account:
        self.made += 1
        account = open_account(
            name=f"account {self.made}", owner_email=f"owner{self.made}@acme.example", parent=parent, by=OPERATOR
        )
        if Decimal(credit) and parent is None:
            adjust(account=account, amount=Decimal(credit), reason="a start", by=OPERATOR)
        return account

    def line(self, account: Account | None, kind: str = "simbase", *, active: bool | None = None) -> Line:
        return self.lines(account, 1, kind, active=active)[0]

    def lines(
        self, account: Account | None, count: int, kind: str = "simbase", *, active: bool | None = None
    ) -> list[Line]:
        first = self.made + 1
        self.made += count
        iccids = [f"8944{number:015}" for number in range(first, first + count)]
        with clock.frozen(ADDED):  # before everything that tests tell of them
            imported = import_lines(
                rows=list(enumerate(iccids, 2)),
                unchecked=True,
                carrier=self.carriers[kind],
                plan=self.plans[kind],
                account=account,
                active=account is not None if active is None else active,
                by=OPERATOR,
            )
        assert imported.added == count
        lines = list(Line.objects.filter(iccid__in=iccids).order_by("iccid"))
        LineState.objects.filter(line__in=lines).update(wanted_at=clock.now())
        Drive.objects.filter(line__in=lines).update(since=clock.now())
        return lines

    def price(self, kind: str, since: str, per_mb: str, *, per_day: str = "0") -> Price:
        return Price.objects.create(
            plan=self.plans[kind], valid_from=at(since), per_mb=Decimal(per_mb), per_day=Decimal(per_day)
        )

    def apply(self, kind: str, when: str | dt.datetime, readings: Sequence[Reading], **more: Any) -> Applied:
        """A page of this carrier, asked for then."""
        read_at = at(when) if isinstance(when, str) else when
        return apply_readings(
            carrier=self.carriers[kind], readings=readings, read_at=read_at, has_finals=kind == "simbase", **more
        )

    def read(self, line: Line, when: str, counter: int, cycle: str | None = None, **more: Any) -> Applied:
        """One reading of one line; Simbase says which month it is of, by default the running one."""
        kind = line.carrier.kind
        reading = reading_of(line, counter, cycle if cycle or kind != "simbase" else f"{when[:7]}-01", **more)
        return self.apply(kind, when, [reading])


def reading_of(
    line: Line, counter: int, cycle: str | None = None, *, status: Status | None = ON, **more: Any
) -> Reading:
    return Reading(line.iccid, counter, dt.date.fromisoformat(cycle) if cycle else None, status, **more)


def state(line: Line) -> LineState:
    return LineState.objects.get(pk=line.pk)


def days(line: Line) -> dict[str, tuple[int, Decimal]]:
    """Day -> bytes and cost, over all prices."""
    rows = LineDay.objects.filter(line=line).values("day").annotate(bytes=Sum("used"), usd=Sum("cost")).order_by("day")
    return {row["day"].isoformat(): (row["bytes"], row["usd"]) for row in rows}


def used(line: Line) -> int:
    return LineDay.objects.filter(line=line).aggregate(total=Sum("used"))["total"] or 0


def sum_day_rows() -> None:
    """Holders' days of day rows that a test wrote by hand."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM lines_holderday;"
            "INSERT INTO lines_holderday (payer_id, day, account_id, price_id, days, used, cost)"
            " SELECT payer_id, day, account_id, price_id, count(*), sum(used), sum(cost + fee) FROM lines_lineday"
            " GROUP BY 1, 2, 3, 4"
        )


def wallet(account: Account | None) -> Wallet:
    return Wallet.objects.get(account=account)


def holders_of(line: Line) -> dict[str, Any]:
    """Who has a line and who pays for it, as the rows of its usage say it."""
    return {"account_id": line.account_id, "payer_id": line.payer_id}


def available(account: Account | None) -> Decimal:
    found = wallet(account)
    left: Decimal = found.posted - found.accrued
    return left


def usage_rows(account: Account | None) -> list[tuple[str, Decimal]]:
    rows = Entry.objects.filter(account=account, kind="usage").order_by("id")
    return [(row.day.isoformat(), row.amount) for row in rows]


def usage_days(account: Account | None) -> dict[str, Decimal]:
    return {row.day.isoformat(): row.usage for row in UsageDay.objects.filter(account=account).order_by("day")}


def books_hold() -> bool:
    answer = check_books()
    assert answer["ok"], [check for check in answer["checks"] if not check["ok"]]
    return True
