"""How the installation is: what must be mended now, and the figures that are watched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min, Q, QuerySet
from kit import broker, clock
from kit.kept import Kept
from kit.posting import WAITING
from prometheus_client.core import GaugeMetricFamily, Metric

from accounts.models import AccountExport, Event, PostedLetter
from automation.models import WebhookDelivery
from billing.models import Notice, Statement, WebhookEvent
from lines.models import BooksCheck, Carrier, Drive
from lines.queries import health

Samples = Sequence[tuple[tuple[object, ...], float]]

MAILS_WAIT = dt.timedelta(days=3)  # older ones are given up
OLDEST = {  # how long work of a kind may be due before somebody has to look
    "reading": dt.timedelta(minutes=15),
    "commands": dt.timedelta(minutes=15),
    "settings": dt.timedelta(minutes=30),
    "messages": dt.timedelta(minutes=15),
    "mails": dt.timedelta(minutes=15),
    "letters": dt.timedelta(minutes=15),
    "webhooks": dt.timedelta(minutes=15),
    "payment events": dt.timedelta(minutes=15),
    "statements": dt.timedelta(minutes=30),
    "account exports": dt.timedelta(minutes=30),
}
_migrated: Kept[bool] = Kept(seconds=60, most=1, worth=lambda is_so: is_so)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is wrong, in sentences for an operator. `may_serve`: requests can be answered all the same."""

    may_serve: bool
    problems: list[str]


def is_migrated() -> bool:
    """Whether the database has every table as this version wants it."""

    def asked() -> bool:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())

    return _migrated.get("", asked)


def vitals(*, only_serving: bool = False) -> Vitals:
    """Asks the database; never raises."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not is_migrated():
            return Vitals(False, ["The database is not migrated. Run manage.py migrate."])
        return Vitals(True, [] if only_serving else problems())
    except DatabaseError as error:
        return Vitals(False, [f"The database does not answer: {' '.join(str(error).split())[:200]}"])


def problems() -> list[str]:
    """What a person has to look at."""
    now = clock.now()
    found = [
        f"Nothing whole was read of {carrier.name} for {_span(lag)}, which is more than three turns."
        for carrier, lag in health.overdue(now)
    ]
    return found + [
        f"The oldest of {one.count:,} {one.kind} has been due for {_span(one.oldest)}."
        for one in backlog(now)
        if one.oldest is not None and one.oldest > OLDEST.get(one.kind, dt.timedelta.max)
    ]


def _span(time: dt.timedelta) -> str:
    return f"{int(time.total_seconds()):,} s"


def backlog(now: dt.datetime) -> list[health.Backlog]:
    """Work that is due, of every app."""

    def of(kind: str, rows: QuerySet[Any], moment: str) -> health.Backlog:
        found = rows.order_by().aggregate(n=Count("pk"), first=Min(moment))
        oldest = max(now - found["first"], dt.timedelta()) if found["first"] else None
        return health.Backlog(kind, found["n"], oldest)

    hooks = WebhookDelivery.objects.filter(_due(now), delivered_at=None, failed_at=None)
    return [
        *health.backlog(now),
        of(
            "mails",
            Notice.objects.filter(WAITING, account__is_test=False, mail_since__gte=now - MAILS_WAIT).exclude(
                due_at__gt=now
            ),
            "created_at",
        ),
        of("letters", PostedLetter.objects.filter(WAITING, mail_since__gte=now - MAILS_WAIT), "created_at"),
        of("webhooks", hooks, "created_at"),
        of("payment events", WebhookEvent.objects.filter(handled_at=None), "received_at"),
        of("statements", Statement.objects.filter(done_at=None, failed=""), "asked_at"),
        of("account exports", AccountExport.objects.filter(done_at=None, failed=""), "asked_at"),
    ]


def _due(now: dt.datetime) -> Q:
    return Q(due_at=None) | Q(due_at__lte=now)


def families() -> Iterator[Metric]:
    """The figures that are watched, as Prometheus has them. Raises DatabaseError."""
    now = clock.now()
    yield _gauge("up", "Whether the database answers and is migrated.", [((), float(is_migrated()))])
    yield _gauge("broker_up", "Whether Redis answers.", [((), float(broker.answers()))])
    yield from _carriers(list(Carrier.objects.filter(is_active=True).order_by("name")))
    rows = backlog(now)
    yield _gauge("work_due", "Work that is due now and not begun.", [((one.kind,), one.count) for one in rows], "kind")
    ages = [((one.kind,), one.oldest.total_seconds() if one.oldest else 0.0) for one in rows]
    yield _gauge("work_oldest_due_seconds", "Since when the oldest of it is due.", ages, "kind")
    yield from _books(now)
    yield from _database()


def _carriers(carriers: list[Carrier]) -> Iterator[Metric]:
    found = health.health_of(carriers)
    pending = dict(Drive.objects.values_list("carrier__name").annotate(n=Count("pk")).order_by())

    def by(value: Callable[[health.Health], float | None]) -> Samples:
        return [((one.name,), number) for one in found if (number := value(one)) is not None]

    yield _gauge(
        "reading_lag_seconds",
        "Since the last whole reading of a carrier began.",
        by(lambda one: one.lag.total_seconds() if one.lag else None),
        "carrier",
    )
    yield _gauge("reading_late", "Whether it is late.", by(lambda one: float(one.is_late)), "carrier")
    yield _gauge("records_failed", "Lines and pages not read, 24 hours.", by(lambda one: one.failed), "carrier")
    yield _gauge("records_set_aside", "Lines set aside, 24 hours.", by(lambda one: one.set_aside), "carrier")
    yield _gauge("calls_left_today", "Calls that may be made today.", by(lambda one: one.calls_left), "carrier")
    waits = [((one.name,), float(pending.get(one.name, 0))) for one in carriers]
    yield _gauge("commands_pending", "Lines that their carrier has not confirmed.", waits, "carrier")
    for name, is_pause in (("breaker_open", False), ("calls_paused", True)):
        shut = {(one.name, each.kind) for one in found for each in one.shut if each.is_pause is is_pause}
        rows = [((one.name, kind), float((one.name, kind) in shut)) for one in found for kind in health.KINDS]
        yield _gauge(name, "Whether a kind of call is not made now.", rows, "carrier", "kind")


def _books(now: dt.datetime) -> Iterator[Metric]:
    last = BooksCheck.objects.exclude(ended_at=None).order_by("-pk").first()
    if last is not None and last.ended_at is not None:
        yield _gauge("books_good", "Whether the books are right.", [((), float(bool(last.is_good)))])
        yield _gauge("books_checked_seconds", "Since it ended.", [((), (now - last.ended_at).total_seconds())])
    loose = Event.objects.filter(hash=None).aggregate(first=Min("at"))["first"]
    age = (now - loose).total_seconds() if loose else 0.0
    yield _gauge("audit_unsealed_seconds", "Since when the oldest event waits for its seal.", [((), age)])


def _database() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(state, 'none'), count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() GROUP BY 1"
        )
        states: Samples = [((str(state),), float(count)) for state, count in cursor.fetchall()]
        cursor.execute("SELECT current_setting('max_connections')::int, pg_database_size(current_database())")
        most, size = cursor.fetchone()
        cursor.execute(
            "SELECT CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity')"
            " THEN extract(epoch FROM clock_timestamp() - coalesce(last_archived_time, stats_reset)) ELSE 0 END"
            " FROM pg_stat_archiver"
        )
        behind = float(cursor.fetchone()[0])
    yield _gauge("database_connections", "Sessions by state.", states, "state")
    yield _gauge("database_connections_max", "Sessions that the server allows.", [((), float(most))])
    yield _gauge("database_bytes", "Size of the database.", [((), float(size))])
    yield _gauge("archive_behind_seconds", "Since when the database's log cannot be kept.", [((), behind)])


def _gauge(name: str, text: str, samples: Samples, *labels: str) -> Metric:
    family = GaugeMetricFamily(f"linekeeper_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric([str(value) for value in values], number)
    return family
