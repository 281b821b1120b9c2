"""bench_books [--lines N] [--days N] [--readings N]: how many line-days a second the second books recompute."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection, transaction
from kit.errors import Invalid
from kit.operator import OperatorCommand

from accounts.models import Account, Membership, User
from accounts.policy import Role
from bench.database import throwaway_database
from bench.fleet import foreign_keys_checked_at_the_end
from lines.models import Carrier, Price, RatePlan
from lines.policy import PER_BYTE
from lines.recount.audit import Found, Scope, recompute

START = dt.date(2026, 11, 1)
PAGE = 250
CORRECTED = 10  # of one line in so many the carrier shows less once
DECIDED = 50  # about the counter of one line in so many a person decided: it is recomputed by itself
FEE = Decimal("0.05")

MADE = (
    (
        "INSERT INTO lines_line (iccid, carrier_id, plan_id, account_id, payer_id, notes, imei, msisdn, added_at)"
        " SELECT (8910000000000000000 + n)::text, c.id, p.id, a.id, a.id, '', '', '', %(start)s"
        "   FROM generate_series(1, %(lines)s) n, lines_carrier c, lines_rateplan p, accounts_account a ORDER BY n"
    ),
    # Every reading moves a line by as many bytes as its number says; of one line in ten an answer shows less once.
    (
        "INSERT INTO lines_reading (asked_at, carrier_id, call, are_finals, has_finals, first_line, last_line,"
        "   line_ids, counters, cycles)"
        " SELECT %(start)s + k * %(every)s + again * interval '1 minute', l.carrier_id, 'list', false, true, min(l.id),"
        "        max(l.id), array_agg(l.id ORDER BY l.id),"
        "        array_agg((k - again) * (1000 + l.id %% 7919) ORDER BY l.id),"
        "        array_agg(%(cycle)s::date ORDER BY l.id)"
        "   FROM generate_series(0, %(days)s * %(readings)s - 1) k, generate_series(0, 1) again, lines_line l"
        f" WHERE again = 0 OR k = 5 AND l.id %% {CORRECTED} = 0"
        f" GROUP BY k, again, l.carrier_id, l.id / {PAGE} ORDER BY k, again, 6"
    ),
    (
        "INSERT INTO lines_lineday (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)"
        " SELECT line_id, day, payer_id, price_id, payer_id, %(cycle)s, used,"
        f"       round(used * 0.01 * {PER_BYTE}, 6), 0 FROM ("
        "   SELECT l.id AS line_id, l.payer_id, ((%(start)s + k * %(every)s) AT TIME ZONE 'UTC')::date AS day,"
        "          (SELECT p.id FROM lines_price p"
        "            WHERE coalesce(p.valid_from, '-infinity') <= %(start)s + (k - 1) * %(every)s"
        "            ORDER BY p.valid_from DESC NULLS LAST LIMIT 1) AS price_id,"
        "          sum(1000 + l.id %% 7919)::bigint AS used"
        "     FROM generate_series(1, %(days)s * %(readings)s - 1) k, lines_line l GROUP BY 1, 2, 3, 4) d"
    ),
    # Every line is on all the time, and owes a fee a day at the price of its midnight.
    (
        "INSERT INTO lines_onspan (line_id, payer_id, plan_id, started_at, ended_at)"
        " SELECT id, payer_id, plan_id, %(start)s, %(start)s + %(days)s * interval '1 day' FROM lines_line"
    ),
    (
        "INSERT INTO lines_lineday AS d (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)"
        " SELECT l.id, %(cycle)s::date + n, l.payer_id, p.id, l.payer_id, %(cycle)s, 0, 0, p.per_day"
        "   FROM lines_line l, generate_series(0, %(days)s - 1) n, LATERAL ("
        "     SELECT id, per_day FROM lines_price"
        "      WHERE coalesce(valid_from, '-infinity') <= (%(cycle)s::date + n)::timestamp AT TIME ZONE 'UTC'"
        "      ORDER BY valid_from DESC NULLS LAST LIMIT 1) p"
        " ON CONFLICT (line_id, day, payer_id, price_id) DO UPDATE SET fee = excluded.fee"
    ),
    (
        "INSERT INTO lines_rebase (line_id, payer_id, at, reading_id, cycle, counter_before, counter, reason, by,"
        "   agreed_by)"
        " SELECT l.id, l.payer_id, %(start)s + %(days)s * interval '1 day', r.id, %(cycle)s, 0, 0, 'bench', 'bench', ''"
        "   FROM lines_line l, (SELECT max(id) AS id FROM lines_reading) r"
        f"  WHERE l.id %% {DECIDED} = 0"
    ),
)


class Command(OperatorCommand):
    help = "Measure the second set of books in a database of its own: lines with daily fees, some of them not ordinary."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--lines", type=int, default=20_000, metavar="N", help="size of the fleet (20000)")
        parser.add_argument("--days", type=int, default=28, metavar="N", help="1 to 28 days of one month (28)")
        parser.add_argument("--readings", type=int, default=4, metavar="N", help="readings of a line and day (4)")

    def answer(self, **options: Any) -> dict[str, Any]:
        lines, days, readings = options["lines"], options["days"], options["readings"]
        if lines < 1 or not 1 <= days <= 28 or not 1 <= readings <= 288:
            raise Invalid("It takes a line or more, 1 to 28 days and 1 to 288 readings a day")
        with throwaway_database():
            self.stderr.write(f"Making {lines:,} lines with {days * readings:,} readings each ...", self.style.NOTICE)
            _make(lines, days, readings)
            began = time.monotonic()
            found = Found()
            for part in recompute(scope=Scope(), today=START + dt.timedelta(days=days)):
                found.add(part)
            seconds = time.monotonic() - began
        return {
            "lines": found.lines,
            "line_days": found.line_days,
            "readings": found.readings,
            "one_by_one": found.one_by_one,
            "differences": found.differences,
            "first": found.first[:3],
            "seconds": round(seconds, 2),
            "line_days_a_second": round(found.line_days / seconds),
            "readings_a_second": round(found.readings / seconds),
        }

    def exit_code(self, answer: dict[str, Any]) -> int:
        return 1 if answer["differences"] else 0


def _make(lines: int, days: int, readings: int) -> None:
    start = dt.datetime.combine(START, dt.time(), dt.UTC)
    given: dict[str, Any] = {
        "start": start,
        "cycle": START,
        "every": dt.timedelta(days=1) / readings,
        "lines": lines,
        "days": days,
        "readings": readings,
    }
    with transaction.atomic(), foreign_keys_checked_at_the_end(), connection.cursor() as cursor:
        account = Account.objects.create(name="Bench")
        owner = User.objects.create(email="owner@bench.invalid")
        Membership.objects.create(user=owner, account=account, role=Role.OWNER)
        carrier = Carrier.objects.create(name="Bench", kind="simbase", url="https://bench.invalid", secrets="")
        plan = RatePlan.objects.create(name="Bench", carrier=carrier)
        for since in (None, start + dt.timedelta(days=10)):
            Price.objects.create(plan=plan, valid_from=since, per_mb=Decimal("0.01"), per_day=FEE)
        for statement in MADE:
            cursor.execute(statement, given)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
