"""The books, proved: the rules of the ledger by sums in SQL, its days and costs by a second set of books."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from kit import clock

from lines.policy import Wanted, Why
from lines.queries.caps import due_caps
from lines.recount.audit import Found, Scope, recompute
from lines.recount.bundles import recount_bundles
from lines.recount.caps import recount_caps
from lines.recount.resale import recount_resale
from lines.rules import NOT_MOVING, confirmed_on_sql, data_cost_sql, month_share_sql

SHOWN = 20  # broken rows that are named


@dataclass(frozen=True, slots=True)
class Proof:
    """One rule; the query finds what breaks it."""

    name: str
    says: str
    breaches: str


PROOFS = (
    Proof(
        "balance_is_the_sum_of_its_rows",
        "an account's posted balance = the sum of its ledger rows",
        "SELECT w.account_id, w.posted, coalesce(e.total, 0) AS rows FROM billing_wallet w"
        " FULL JOIN (SELECT account_id, sum(amount) AS total FROM billing_entry GROUP BY 1) e USING (account_id)"
        " WHERE coalesce(w.posted, 0) <> coalesce(e.total, 0)",
    ),
    Proof(
        "accrued_is_what_is_not_sealed",
        "an account's accrued usage = the usage of its days that is not in the ledger",
        "SELECT account_id, w.accrued, d.accrued AS days FROM billing_wallet w"
        " FULL JOIN (SELECT account_id, sum(usage - sealed) AS accrued FROM billing_usageday GROUP BY 1) d"
        "   USING (account_id) WHERE coalesce(w.accrued, 0) <> coalesce(d.accrued, 0)",
    ),
    Proof(
        "usage_is_the_sum_of_its_lines",
        "usage charged for an account and day = the sum over its lines of that day's cost, and of what is beyond its"
        " bundles",
        "SELECT account_id, day, d.usage, l.cost AS lines FROM (SELECT u.* FROM billing_usageday u"
        "   JOIN accounts_account a ON a.id = u.account_id AND a.parent_id IS NULL) d"
        " FULL JOIN (SELECT account_id, day, sum(cost) AS cost FROM ("
        "     SELECT payer_id AS account_id, day, sum(cost + fee) AS cost FROM lines_lineday GROUP BY 1, 2"
        "     UNION ALL SELECT payer_id, day, sum(cost) FROM lines_overage GROUP BY 1, 2) c GROUP BY 1, 2) l"
        "   USING (account_id, day) WHERE coalesce(d.usage, 0) <> coalesce(l.cost, 0)",
    ),
    Proof(
        "resale_is_the_sum_of_its_days",
        "usage charged to a sub-account for a day = what its lines used that day at its price list",
        "SELECT account_id, day, d.usage, r.owed FROM (SELECT u.* FROM billing_usageday u"
        "   JOIN accounts_account a ON a.id = u.account_id AND a.parent_id IS NOT NULL) d"
        " FULL JOIN (SELECT account_id, day, sum(data + fees + sms) AS owed FROM lines_resaleday GROUP BY 1, 2) r"
        "   USING (account_id, day) WHERE coalesce(d.usage, 0) <> coalesce(r.owed, 0)",
    ),
    Proof(
        "holders_days_are_the_sum_of_their_lines",
        "what lines of one holder used and cost at a price on a day = the sum of their rows",
        "SELECT payer_id, day, account_id, price_id, h.days, d.days AS rows, h.used, d.used AS lines_used, h.cost,"
        " d.cost AS lines_cost FROM lines_holderday h FULL JOIN ("
        "  SELECT payer_id, day, account_id, price_id, sum(days) AS days, sum(used) AS used, sum(cost) AS cost FROM ("
        "    SELECT payer_id, day, account_id, price_id, count(*) AS days, sum(used) AS used, sum(cost + fee) AS cost"
        "      FROM lines_lineday GROUP BY 1, 2, 3, 4"
        "     UNION ALL SELECT payer_id, day, account_id, price_id, 0, 0, sum(cost)"
        "      FROM lines_overage GROUP BY 1, 2, 3, 4) c GROUP BY 1, 2, 3, 4) d"
        "   USING (payer_id, day, account_id, price_id)"
        " WHERE (coalesce(h.days, 0), coalesce(h.used, 0), coalesce(h.cost, 0))"
        "    <> (coalesce(d.days, 0), coalesce(d.used, 0), coalesce(d.cost, 0))",
    ),
    Proof(
        "sealed_days_are_in_the_ledger",
        "what is sealed of an account's day = its usage rows in the ledger, and sms likewise",
        "SELECT account_id, day, d.sealed, d.sms, e.usage AS usage_rows, e.sms AS sms_rows FROM billing_usageday d"
        " FULL JOIN (SELECT account_id, day, -coalesce(sum(amount) FILTER (WHERE kind = 'usage'), 0) AS usage,"
        "                   -coalesce(sum(amount) FILTER (WHERE kind = 'sms'), 0) AS sms"
        "              FROM billing_entry WHERE kind IN ('usage', 'sms') GROUP BY 1, 2) e USING (account_id, day)"
        " WHERE coalesce(d.sealed, 0) <> coalesce(e.usage, 0) OR coalesce(d.sms, 0) <> coalesce(e.sms, 0)",
    ),
    Proof(
        "cost_is_the_day_rounded_once",
        "a line's day costs round_half_up(bytes x price per MB / 1,048,576, 6) at each price, however often read",
        "SELECT d.line_id, d.day, d.used, d.cost, p.per_mb FROM lines_lineday d JOIN lines_price p ON p.id = d.price_id"
        f" WHERE d.cost <> {data_cost_sql('d.used', 'p.per_mb')}",
    ),
    Proof(
        "fees_are_the_prices",
        "a line's day owes nothing, or its fee a day with its part of the fee a month, and on one day the activation"
        " fee too",
        "SELECT line_id, day, payer_id, fee, owed, activation FROM ("
        "  SELECT d.*, p.activation,"
        f"         p.per_day + {month_share_sql('p.per_month', 'd.day', 'd.cycle')} AS owed"
        "    FROM lines_lineday d JOIN lines_price p ON p.id = d.price_id WHERE d.fee > 0) f"
        " WHERE fee NOT IN (owed, owed + activation)",
    ),
    Proof(
        "line_fee_is_once_a_day",
        "a line pays one fee a day to a payer",
        "SELECT line_id, day, payer_id, count(*) FROM lines_lineday WHERE fee > 0"
        " GROUP BY line_id, day, payer_id HAVING count(*) > 1",
    ),
    Proof(
        "fees_are_for_days_on",
        "a line fee is for a day on which the line was confirmed on, at a plan that it had then",
        "SELECT d.line_id, d.day, d.payer_id, d.fee FROM lines_lineday d JOIN lines_price p ON p.id = d.price_id"
        " WHERE d.fee > 0 AND NOT EXISTS (SELECT FROM lines_onspan s WHERE s.line_id = d.line_id"
        "   AND s.payer_id = d.payer_id AND s.plan_id = p.plan_id"
        "   AND s.started_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'"
        "   AND coalesce(s.ended_at, 'infinity') >= d.day::timestamp AT TIME ZONE 'UTC')",
    ),
    Proof(
        "lines_on_are_recorded_so",
        "a line is confirmed on = its record of times on has one that is open, of its payer and its plan",
        "SELECT l.iccid, st.wanted, st.reported, s.started_at FROM lines_linestate st"
        " JOIN lines_line l ON l.id = st.line_id"
        " FULL JOIN (SELECT * FROM lines_onspan WHERE ended_at IS NULL) s ON s.line_id = st.line_id"
        f" WHERE (l.payer_id IS NOT NULL AND st.wanted = {Wanted.ACTIVE:d} AND {confirmed_on_sql('st')})"
        "       <> (s.id IS NOT NULL)"
        "    OR (s.id IS NOT NULL AND (s.payer_id, s.plan_id) IS DISTINCT FROM (l.payer_id, l.plan_id))",
    ),
    Proof(
        "bytes_are_what_the_counter_moved",
        "bytes of a line in a cycle = what its carrier's counter moved in it since the line became the payer's",
        "WITH counted AS ("
        "  SELECT line_id, cycle, payer_id, sum(used) AS moved FROM ("
        "    SELECT line_id, cycle, payer_id, used FROM lines_linecycle"
        "    UNION ALL SELECT st.line_id, st.cycle, l.payer_id, st.counter - st.baseline"
        "      FROM lines_linestate st JOIN lines_line l ON l.id = st.line_id"
        "     WHERE st.cycle IS NOT NULL AND l.payer_id IS NOT NULL) c GROUP BY 1, 2, 3)"
        " SELECT line_id, cycle, payer_id, c.moved, d.used FROM counted c FULL JOIN ("
        "   SELECT line_id, cycle, payer_id, sum(used) AS used FROM lines_lineday GROUP BY 1, 2, 3) d"
        "   USING (line_id, cycle, payer_id) WHERE coalesce(c.moved, 0) <> coalesce(d.used, 0)",
    ),
    Proof(
        "messages_are_charged_once",
        "a message that its carrier took and that costs something = one sms row of its price; no other has any",
        "SELECT m.id, m.state, m.price, e.amount AS charged FROM"
        " (SELECT * FROM lines_smsmessage WHERE accepted_at IS NOT NULL AND price > 0) m"
        " FULL JOIN (SELECT * FROM billing_entry WHERE kind = 'sms') e ON e.key = 'sms:' || m.id"
        " WHERE -m.price IS DISTINCT FROM e.amount OR m.payer_id IS DISTINCT FROM e.account_id",
    ),
    Proof(
        "entries_say_what_they_are_for",
        "every ledger row's key names its thing: usage rows their account and day",
        "SELECT e.id, e.key FROM billing_entry e JOIN accounts_account a ON a.id = e.account_id WHERE e.kind = 'usage'"
        " AND e.key NOT LIKE 'usage:' || replace(a.uuid::text, '-', '') || ':' || e.day || '%%'",
    ),
    Proof(
        "payments_are_credited_once",
        "a payment that succeeded = one top-up row of its amount and account; no other payment has any",
        "SELECT p.id, p.state, p.amount, e.amount AS credited FROM"
        " (SELECT * FROM billing_payment WHERE state = 'succeeded') p"
        " FULL JOIN (SELECT * FROM billing_entry WHERE kind = 'top-up') e ON e.key = 'top-up:' || p.id"
        " WHERE p.amount IS DISTINCT FROM e.amount OR p.account_id IS DISTINCT FROM e.account_id",
    ),
    Proof(
        "reversals_are_debited_once",
        "a refund or a dispute = one row that takes its amount without tax, and one that gives it back where it was"
        " undone; no other row is of these kinds",
        "SELECT key, r.amount, e.amount AS posted FROM ("
        "  SELECT r.kind || w.way || r.stripe_id AS key, p.account_id, w.sign * (r.amount - r.tax) AS amount"
        "    FROM billing_reversal r JOIN billing_payment p ON p.id = r.payment_id"
        "    JOIN (VALUES (':', -1), ('-undone:', 1)) AS w(way, sign) ON w.sign < 0 OR r.is_undone) r"
        " FULL JOIN (SELECT * FROM billing_entry WHERE kind IN ('refund', 'dispute')) e USING (key)"
        " WHERE r.amount IS DISTINCT FROM e.amount OR r.account_id IS DISTINCT FROM e.account_id",
    ),
    Proof(
        "money_by_hand_has_its_reason",
        "an adjustment or discount = one row of its amount, a transfer less its tax; no other row is of these kinds",
        "SELECT e.key, a.id, a.amount, e.amount AS posted FROM billing_adjustment a"
        " FULL JOIN (SELECT *, split_part(key, ':', 2) AS of FROM billing_entry"
        "             WHERE kind IN ('adjustment', 'discount', 'transfer')) e ON e.of = a.id::text"
        " LEFT JOIN billing_invoice i ON i.key = e.key"
        " WHERE a.amount - coalesce(i.tax, 0) IS DISTINCT FROM e.amount OR a.account_id IS DISTINCT FROM e.account_id",
    ),
    Proof(
        "papers_say_what_was_posted",
        "an invoice or credit note has the net amount and the account of its ledger row",
        "SELECT i.kind, i.number, i.amount, e.amount AS posted FROM billing_invoice i"
        " LEFT JOIN billing_entry e USING (key) WHERE i.key IS NOT NULL AND"
        " (e.amount IS DISTINCT FROM CASE i.kind WHEN 'invoice' THEN i.amount ELSE -i.amount END"
        "  OR e.account_id <> i.account_id)",
    ),
    Proof(
        "papers_are_numbered_without_gaps",
        "invoices and credit notes each have the numbers 1 to the last one given out",
        "SELECT kind, count(*), max(number), last FROM billing_invoice i LEFT JOIN billing_invoicecounter c"
        " ON c.id = CASE i.kind WHEN 'invoice' THEN 1 ELSE 2 END GROUP BY kind, last"
        " HAVING count(*) <> max(number) OR max(number) IS DISTINCT FROM last",
    ),
    Proof(
        "lines_follow_the_colour",
        "no line is wanted on while its payer's balance or its sub-account's own is red, none Suspended while neither"
        " is, and none for one of them that is not; lines that come from Keepgo, once their move is confirmed",
        "SELECT l.iccid, st.wanted, st.why, w.is_red, h.is_red AS holder_is_red FROM lines_linestate st"
        " JOIN lines_line l ON l.id = st.line_id JOIN billing_wallet w ON w.account_id = l.payer_id"
        " LEFT JOIN billing_wallet h ON h.account_id = l.account_id AND l.account_id <> l.payer_id"
        f" WHERE {NOT_MOVING} AND ("
        f"      st.wanted = CASE WHEN w.is_red OR coalesce(h.is_red, false) THEN {Wanted.ACTIVE:d}"
        f"                        ELSE {Wanted.SUSPENDED:d} END"
        f"    OR (st.why = '{Why.BALANCE}' AND NOT w.is_red)"
        f"    OR (st.why = '{Why.WALLET}' AND NOT coalesce(h.is_red, false)))",
    ),
    Proof(
        "lines_off_for_a_cap_have_one",
        "a line that is off for a full cap is held by one of its payer's caps that stops its lines, or that was deleted"
        " or let go at this moment",
        "SELECT l.iccid, h.cap_id, c.account_id, l.payer_id FROM lines_linestate st"
        " JOIN lines_line l ON l.id = st.line_id LEFT JOIN lines_caphold h ON h.line_id = l.id"
        " LEFT JOIN lines_cap c ON c.id = h.cap_id"
        f" WHERE st.why = '{Why.CAP}' AND (h.line_id IS NULL OR c.account_id <> l.payer_id)",
    ),
)


def check_books() -> dict[str, Any]:
    """Proves every rule on one snapshot of the database; `ok` is False where one fails, with the rows that break it."""
    checks: list[dict[str, Any]] = []
    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") if not connection.in_atomic_block else None
        try:
            for proof in PROOFS:
                cursor.execute(
                    f"WITH b AS ({proof.breaches}) SELECT (SELECT count(*) FROM b), b.* FROM b LIMIT {SHOWN}".replace(
                        "%%", "%"
                    )
                )
                rows = cursor.fetchall()
                names = [column.name for column in cursor.description or []][1:]
                checks.append(
                    {
                        "name": proof.name,
                        "says": proof.says,
                        "ok": not rows,
                        "breaches": rows[0][0] if rows else 0,
                        "first": [dict(zip(names, map(_plain, row[1:]), strict=True)) for row in rows],
                    }
                )
            waiting = [one.cap_id for one in due_caps(today=clock.today())]
            checks.append(recount_caps(waiting=waiting))
        finally:
            if not connection.in_atomic_block:
                cursor.execute("COMMIT")
    return {"ok": all(check["ok"] for check in checks), "checks": checks}


def recompute_books(
    *,
    scope: Scope,
    found: Found,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[Found], None] = lambda _: None,
) -> Found:
    """Goes on with the second books behind what `found` has been through, until it is whole or time to stop."""
    for part in recompute(scope=scope, today=clock.today(), after=found.through):
        found.add(part)
        tell(found)
        if stop():
            break
    return found


def as_check(found: Found) -> dict[str, Any]:
    """The second books as one more rule."""
    return {
        "name": "second_books_agree",
        "says": "every line's day costs what the readings that carriers reported cost at the plan and price in force",
        "ok": not found.differences,
        "breaches": found.differences,
        "first": found.first,
        **{name: value for name, value in asdict(found).items() if name in COUNTED},
    }


COUNTED = ("lines", "line_days", "readings", "one_by_one")
BUNDLES = (
    "second_books_of_bundles_agree",
    "data beyond a bundle or a pool costs what all of its cycle costs through a day, less the days before",
)
RESALE = (
    "second_books_of_resale_agree",
    "every sub-account’s day costs what the lines that it held used, at the price list in force",
)


def with_second_books(answer: dict[str, Any], found: Found, *, since: dt.date | None = None) -> dict[str, Any]:
    """With what lines' days cost by the second books, and from this day on what is beyond bundles and what sub-accounts
    owe by them."""
    more = [recount_bundles(since=since).as_check(*BUNDLES), recount_resale(since=since).as_check(*RESALE)]
    checks = [*answer["checks"], as_check(found), *more]
    return {"ok": all(check["ok"] for check in checks), "checks": checks}


def _plain(value: object) -> object:
    return value if isinstance(value, int | str | None) else str(value)
