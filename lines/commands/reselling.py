"""What sub-accounts owe their accounts, computed from day rows and messages that are booked: the same however often,
and in whatever order, it is done.

Nothing here happens in the statement that charges readings: a worker comes after it, and looks only at days whose sums
have changed.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection, transaction
from kit.sql import array
from kit.sweeps import each

from billing.commands import Charge, charge_usage, lock_wallets
from lines.models import ResaleTerms
from lines.queries.owed import OWED

LOOKS_BACK = dt.timedelta(days=100)  # usage is found so late at the most

# Of each day the sums of its rows by holder and price, of its messages, and how often its lines changed hands.
CHANGED = """
WITH sums AS (
    SELECT day, account_id, 'd' || price_id || ':' || days || ':' || used || ':' || cost AS said, used, cost,
           0 AS messages
      FROM lines_holderday WHERE payer_id = %(payer)s AND day >= %(since)s
     UNION ALL
    SELECT (accepted_at AT TIME ZONE 'UTC')::date, account_id, 's' || count(*) || ':' || sum(price) || ':' || max(id),
           0, 0, count(*)
      FROM lines_smsmessage
     WHERE payer_id = %(payer)s AND to_device AND accepted_at >= %(since)s::timestamp AT TIME ZONE 'UTC'
     GROUP BY 1, 2
     UNION ALL
    SELECT day, account_id, 'c' || count(*) || ':' || max(id), 0, 0, 0 FROM lines_holdercut
     WHERE payer_id = %(payer)s AND day >= %(since)s GROUP BY 1, 2
), days AS (
    SELECT day, md5(string_agg(account_id || said, ',' ORDER BY account_id, said)) AS digest, sum(used) AS used,
           sum(cost) AS cost, sum(messages) AS messages
      FROM sums GROUP BY day
)
SELECT day, digest, used::bigint, cost, messages::int FROM days
 WHERE NOT EXISTS (SELECT FROM lines_resaleseen s
                    WHERE s.payer_id = %(payer)s AND s.day = days.day AND s.digest = days.digest)
 ORDER BY day
"""

CHARGE = f"""
WITH {OWED}, summed AS (
    SELECT account_id, day, plan_id, sum(used)::bigint AS used, sum(messages)::int AS messages, sum(data) AS data,
           sum(fees) AS fees, sum(sms) AS sms, sum(cost) AS cost
      FROM owed GROUP BY 1, 2, 3
), compared AS (
    SELECT coalesce(s.account_id, r.account_id) AS account_id, coalesce(s.day, r.day) AS day,
           coalesce(s.plan_id, r.plan_id) AS plan_id, coalesce(s.used, 0) AS used, coalesce(s.messages, 0) AS messages,
           coalesce(s.data, 0) AS data, coalesce(s.fees, 0) AS fees, coalesce(s.sms, 0) AS sms,
           coalesce(s.cost, 0) AS cost,
           coalesce(s.data + s.fees + s.sms, 0) - coalesce(r.data + r.fees + r.sms, 0) AS more
      FROM summed s
      FULL JOIN (SELECT * FROM lines_resaleday WHERE payer_id = %(payer)s AND day = ANY(%(days)s::date[])) r
             ON (r.account_id, r.day, r.plan_id) = (s.account_id, s.day, s.plan_id)
), kept AS (
    INSERT INTO lines_resaleday AS k (account_id, payer_id, day, plan_id, used, messages, data, fees, sms, cost)
    SELECT account_id, %(payer)s, day, plan_id, used, messages, data, fees, sms, cost FROM compared
     ORDER BY account_id, day, plan_id
    ON CONFLICT (account_id, day, plan_id)
    DO UPDATE SET used = excluded.used, messages = excluded.messages, data = excluded.data, fees = excluded.fees,
                  sms = excluded.sms, cost = excluded.cost
)
SELECT account_id, day, sum(more) FROM compared GROUP BY 1, 2 HAVING sum(more) <> 0 ORDER BY 1, 2
"""
SEEN = """
INSERT INTO lines_resaleseen AS s (payer_id, day, digest, used, cost, messages)
SELECT %(payer)s, u.* FROM unnest(%(days)s::date[], %(digests)s::text[], %(used)s::bigint[], %(cost)s::numeric[],
                                  %(messages)s::int[]) AS u(day, digest, used, cost, messages)
 ORDER BY day
ON CONFLICT (payer_id, day) DO UPDATE SET digest = excluded.digest, used = excluded.used, cost = excluded.cost,
                                          messages = excluded.messages
"""


def charge_subaccounts(*, today: dt.date) -> int:
    """Charges every sub-account that has a balance of its own for what its lines used; says how many days of theirs
    changed. Harmless twice. One account's sub-accounts that cannot be charged stop no others."""
    payers = ResaleTerms.objects.order_by("payer_id").values_list("payer_id", flat=True).distinct()
    return sum(each(payers, lambda payer: charge_of(payer_id=payer, today=today)))


@transaction.atomic
def charge_of(*, payer_id: int, today: dt.date) -> int:
    """The same for the sub-accounts of one account."""
    terms = ResaleTerms.objects.filter(payer_id=payer_id)
    accounts = sorted(set(terms.values_list("account_id", flat=True)))
    first = terms.order_by("since").values_list("since", flat=True).first()
    if first is None:
        return 0
    lock_wallets(account_ids=accounts)
    given: dict[str, Any] = {"payer": payer_id, "since": max(first, today - LOOKS_BACK)}
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, given)
        changed = cursor.fetchall()
        if not changed:
            return 0
        days, digests, used, cost, messages = (array(column) for column in zip(*changed, strict=True))
        cursor.execute(CHARGE, {"payer": payer_id, "days": days})
        more = cursor.fetchall()
        seen: dict[str, Any] = {
            "payer": payer_id,
            "days": days,
            "digests": digests,
            "used": used,
            "cost": cost,
            "messages": messages,
        }
        cursor.execute(SEEN, seen)
    charge_usage(charges=[Charge(account, day, amount) for account, day, amount in more])
    return len(more)
