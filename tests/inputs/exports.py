"""Every file for a spreadsheet that people can download, by the name of its address, from an account whose every text
and number is one that spreadsheets like to change."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import unquote

from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from kit import clock, workbooks
from kit.sheets import undefused
from kit.tables import decoded

from accounts.commands import open_subaccount
from accounts.models import Account, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from automation.models import FollowUp, Rule, RuleFire
from automation.policy import Act, Outcome, Trigger
from automation.policy import Action as RuleAction
from billing.commands import adjust
from billing.commands.statements import ask_statement
from billing.commands.wallets import open_wallet
from billing.models import Statement
from lines.commands.usage_exports import ask_usage_export
from lines.commands.wishes import edit_notes
from lines.models import (
    Job,
    JobItem,
    Line,
    LineState,
    LineTag,
    RatePlan,
    ResaleDay,
    Sighting,
    SmsMessage,
    Tag,
    UsageExport,
)
from lines.policy import Action, ExportKind, Item, JobState, SmsState
from lines.queries.sought import Sought
from lines.work.statements import write_one
from lines.work.usage_exports import write_usage_exports
from tests.fleets import MB, Fleet, reading_of
from tests.rigs.roundtrip import NOTES

NAME = "+49 Größe; „深圳“ & Söhne"  # the account's
Row = tuple[str, ...]  # its sheet or table first
Address = tuple[str, str]  # where it is asked for, and what kind of file it is


@dataclass
class Offer:
    """What there is to download."""

    client: Client
    line: Line
    job: Job
    statements: list[Statement]
    usage: UsageExport
    customer: Client  # of a sub-account that pays from its own balance

    def client_for(self, name: str) -> Client:
        """Who may ask for the file of this name."""
        return self.customer if name == "own_statement" else self.client


EXPORTS: dict[str, Callable[[Offer], list[Address]]] = {
    "audit_csv": lambda _: [(reverse("audit_csv"), "csv")],
    "job-csv": lambda offer: [(reverse("job-csv", args=[offer.job.uuid.hex]), "csv")],
    "line-connections-csv": lambda offer: [(reverse("line-connections-csv", args=[offer.line.iccid]), "csv")],
    "line-readings-csv": lambda offer: [(reverse("line-readings-csv", args=[offer.line.iccid]), "csv")],
    "lines-csv": lambda _: [(reverse("lines-csv"), "csv")],
    "lines-xlsx": lambda _: [(reverse("lines-xlsx"), "xlsx")],
    "rule_activity_csv": lambda _: [(reverse("rule_activity_csv"), "csv")],
    "usage-export-file": lambda offer: [(reverse("usage-export-file", args=[offer.usage.uuid.hex]), "csv")],
    "usage-csv": lambda _: [(f"{reverse('usage-csv')}?by=tag", "csv")],
    "own_statement": lambda _: [(reverse("own_statement", args=[f"{clock.today():%Y-%m}"]), "csv")],
    "statement": lambda offer: [(reverse("statement", args=[one.uuid.hex]), one.format) for one in offer.statements],
}


def offer() -> Offer:
    """At a clock that stands still."""
    fleet = Fleet(per_day="0.10")
    account = fleet.account(credit="1234.56")
    Account.objects.filter(pk=account.pk).update(name=NAME)
    account.refresh_from_db()
    lines = fleet.lines(account, len(NOTES))
    for number, (line, note) in enumerate(zip(lines, NOTES, strict=True)):
        line.imei, line.msisdn = f"35209900176{number:04}", f"31970400{number:05}"
        line.save(update_fields=["imei", "msisdn"])
        edit_notes(line=line, notes=note, by=OPERATOR)
        tag = Tag.objects.create(account=account, name=f"{note[:20]} {number}")
        LineTag.objects.create(tag=tag, line=line)
    _used(fleet, account, lines)
    _done(account, lines)
    adjust(account=account, amount=Decimal("-0.000001"), reason="=HYPERLINK(1)", by=OPERATOR)
    for kind in ("csv", "xlsx"):
        ask_statement(account=account, month=clock.today().replace(day=1), format=kind, by=OPERATOR)
        write_one()
    client = Client()
    client.force_login(owner_of(account))
    files = list(Statement.objects.order_by("format"))
    return Offer(client, lines[0], Job.objects.get(), files, _usage_of_all(account), _sold(account))


def _usage_of_all(account: Account) -> UsageExport:
    export = ask_usage_export(
        account=account, kind=ExportKind.DAYS, format="csv", start=clock.today().replace(day=1), end=clock.today(),
        sought=Sought(), said="all lines", sees_money=True, by=OPERATOR,
    )  # fmt: skip
    write_usage_exports(stop=lambda: False)
    export.refresh_from_db()
    return export


def _sold(account: Account) -> Client:
    holder = open_subaccount(parent=account, name="Süd; „East“", by=OPERATOR)
    open_wallet(subaccount=holder, credit_limit=None, by=OPERATOR)
    ResaleDay.objects.create(
        account=holder, payer=account, day=clock.today(), plan=RatePlan.objects.order_by("pk")[0], used=12 * MB,
        data=Decimal("0.000012"),
    )  # fmt: skip
    person = User.objects.create_user("kim@sued.example")
    Membership.objects.create(user=person, account=holder, role=Role.VIEWER)
    client = Client()
    client.force_login(person)
    return client


def _used(fleet: Fleet, account: Account, lines: list[Line]) -> None:
    for hour, counter in (("08", 0), ("09", 3 * MB + 7), ("11", 12_345_678_901)):
        at = f"{clock.today()}T{hour}:00"
        fleet.apply("simbase", at, [reading_of(line, counter, clock.today().isoformat()[:8] + "01") for line in lines])
    LineState.objects.filter(line__in=lines).update(last_seen=clock.now())
    for line, note in zip(lines, NOTES, strict=True):
        SmsMessage.objects.create(
            line=line, carrier=line.carrier, account=account, payer=account, to_device=False, text=note,
            state=SmsState.RECEIVED, is_open=False,
        )  # fmt: skip
        Sighting.objects.create(
            line=lines[0], account=account, payer=account, cycle=clock.today().replace(day=1), is_session=True,
            started_at=clock.now() - dt.timedelta(hours=3), ended_at=clock.now(), network=note, country="DE",
            radio="4G", ip="10.0.0.7", sessions=3, used=987_654_321_012,
        )  # fmt: skip


def _done(account: Account, lines: list[Line]) -> None:
    job = Job.objects.create(
        account=account, action=Action.ACTIVATE, by_kind=OPERATOR.kind, by_name=OPERATOR.name, selection="lines",
        state=JobState.DONE, total=len(lines), done=len(lines), ended_at=clock.now(),
    )  # fmt: skip
    for number, (line, note) in enumerate(zip(lines, NOTES, strict=True)):
        JobItem.objects.create(job=job, line=line, state=Item.DONE, note=note)
        rule = Rule.objects.create(
            account=account, name=note, trigger=Trigger.IMEI, action=RuleAction.DEACTIVATE, limit=None
        )
        fire = RuleFire.objects.create(
            rule=rule, account=account, line=line, period="imei:1", because=note, outcome=Outcome.DEACTIVATED,
            value=Decimal("1234567.000001") if number % 2 else None,
        )  # fmt: skip
        FollowUp.objects.create(fire=fire, line=line, act=Act.ACTIVATE, due_at=clock.now() + dt.timedelta(days=9))


def fetched(client: Client, address: Address) -> bytes:
    where, kind = address
    answer = client.get(where)
    assert answer.status_code == 200, where
    assert f".{kind}" in unquote(answer["Content-Disposition"])
    assert isinstance(answer, StreamingHttpResponse)
    return b"".join(piece if isinstance(piece, bytes) else piece.encode() for piece in answer)


def cells_of(content: bytes) -> list[Row]:
    """Every row that is not empty, as our reader takes its cells, without the blanks at its end."""
    if workbooks.is_workbook(content):
        rows = [(sheet, *cells) for sheet, _, cells in workbooks.rows(content)]
    else:
        rows = [("", *cells) for cells in csv.reader(io.StringIO(decoded(content)[0], newline=""), strict=True)]
    found = [_trimmed(tuple(undefused(cell.strip()) for cell in row)) for row in rows]
    return [row for row in found if any(row[1:])]


def _trimmed(row: Row) -> Row:
    while row and not row[-1]:
        row = row[:-1]
    return row
