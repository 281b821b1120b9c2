"""Statements: asked for by a person, written by a worker, kept for a week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Q
from kit import clock
from kit.errors import Invalid
from kit.months import month_after

from accounts.commands import Happened, record, record_many
from accounts.models import Account, Event
from accounts.policy import SYSTEM, Actor
from billing.commands.ledger import PaidByParent
from billing.models import Statement, StatementPart, UsageDay
from billing.policy import CLOSES_AFTER, closed_from

MOST_ATTEMPTS = 3
LEASE = dt.timedelta(minutes=6)  # longer than the task that writes one may run
KEPT = dt.timedelta(days=7)


@transaction.atomic
def ask_statement(*, account: Account, month: dt.date, format: str, by: Actor) -> Statement:
    """One that is being written already is the same one. Raises PaidByParent, Invalid."""
    if account.is_subaccount:
        raise PaidByParent(f"{account.name} is a sub-account; its main account has the statements")
    if format not in ("xlsx", "csv") or month.day != 1 or month > clock.today():
        raise Invalid("Choose a month that has begun, and XLSX or CSV")
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    found = Statement.objects.filter(account=account, month=month, format=format, done_at=None, failed="").first()
    if found is not None:
        return found
    statement = Statement.objects.create(account=account, month=month, format=format, by=by.name, asked_at=clock.now())
    detail = {"month": f"{month:%Y-%m}", "format": format}
    record(by=by, verb="statement.asked", account_id=account.pk, subject=f"statement:{statement.pk}", detail=detail)
    return statement


@transaction.atomic
def claim_statement() -> Statement | None:
    """The oldest that nobody writes, its attempt counted first; one whose worker died is free after its lease."""
    now = clock.now()
    waiting = Statement.objects.select_for_update(skip_locked=True).filter(done_at=None, failed="")
    statement = waiting.filter(Q(started_at=None) | Q(started_at__lt=now - LEASE)).order_by("id").first()
    if statement is None:
        return None
    if statement.attempts >= MOST_ATTEMPTS:
        statement.failed = "It could not be written; ask for it again or tell whoever runs this installation"
        statement.save(update_fields=["failed"])
        return None
    statement.attempts += 1
    statement.started_at, statement.rows_done = now, 0
    statement.save(update_fields=["attempts", "started_at", "rows_done"])
    return statement


@transaction.atomic
def close_statements(*, today: dt.date, account_id: int | None = None) -> int:
    """Says to each live account with usage in it, or to this one, that the last month's figures are final; says to how
    many. Harmless twice, and beside another that does the same; of one account whoever calls stands alone."""
    first = month_after(today - dt.timedelta(days=CLOSES_AFTER), -1)
    subject = f"statement:{first:%Y-%m}"
    if account_id is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('statements close'))")
    told = Event.objects.filter(verb="statement.closed", subject=subject, at__date__gte=closed_from(first))
    used = UsageDay.objects.filter(day__gte=first, day__lt=month_after(first, 1)).order_by()
    used = used.filter(account__is_test=False) if account_id is None else used.filter(account=account_id)
    new = used.exclude(account__in=told.values("account"))
    ids = sorted(new.values_list("account_id", flat=True).distinct())
    things = [Happened(account_id, subject, {"month": f"{first:%Y-%m}"}) for account_id in ids]
    record_many(by=SYSTEM, verb="statement.closed", things=things)
    return len(ids)


def progress(*, statement_id: int, done: int, total: int) -> None:
    Statement.objects.filter(pk=statement_id).update(rows_done=done, rows_total=total)


@transaction.atomic
def finish_statement(*, statement_id: int, pieces: Iterable[bytes]) -> None:
    """Keeps the file in pieces, one at a time in memory. Harmless twice: the later file counts."""
    statement = Statement.objects.select_for_update().get(pk=statement_id)
    StatementPart.objects.filter(statement=statement).delete()
    for number, piece in enumerate(pieces):
        StatementPart.objects.create(statement=statement, number=number, content=piece)
    statement.done_at = clock.now()
    statement.save(update_fields=["done_at"])


def drop_old_statements() -> int:
    """Files of over a week ago; they can be asked for again."""
    return Statement.objects.filter(asked_at__lt=clock.now() - KEPT).delete()[0]
