"""Who holds a payer's lines: its sub-accounts or itself, and what becomes of them when one is switched off or on."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction
from kit import clock

from accounts.commands import Happened, record_many
from accounts.models import Account
from accounts.policy import Actor
from billing.commands import lock_wallets
from lines.commands.holdercuts import CUTS
from lines.commands.wishes import change_wishes, enforce, ready_standing
from lines.commands.wishes.caps import let_run, stop_under_caps
from lines.commands.wishes.changing import BY_IDS
from lines.commands.wishes.wallets import follow_wallet
from lines.policy.precedence import Request, Result, Standing, leads_to

MOVE = f"""
WITH moving AS (
    SELECT l.id, l.iccid, l.account_id, l.payer_id, l.notes FROM lines_line l
     WHERE l.id = ANY(%(ids)s::bigint[]) AND l.payer_id = %(payer)s AND l.account_id <> %(holder)s
     ORDER BY l.id FOR UPDATE
), {CUTS.format(lines="moving")}, kept AS (
    INSERT INTO lines_notesleft (line_id, account_id, notes, at)
    SELECT id, account_id, notes, %(now)s FROM moving
    ON CONFLICT (line_id, account_id) DO UPDATE SET notes = excluded.notes, at = excluded.at
)
UPDATE lines_line l SET account_id = %(holder)s,
       notes = coalesce((SELECT n.notes FROM lines_notesleft n
                          WHERE n.line_id = l.id AND n.account_id = %(holder)s), ''),
       held_since = greatest(%(now)s, held_since + interval '1 microsecond') FROM moving m, accounts_account a
 WHERE l.id = m.id AND a.id = m.account_id
RETURNING l.id, m.iccid, a.name
"""


@transaction.atomic
def assign(*, line_ids: Sequence[int], holder: Account, by: Actor) -> int:
    """Gives lines to a sub-account of their payer, or back to the payer itself; says how many moved. Harmless twice.

    Lines of another payer are left alone. Who is switched off holds no line that is on. Their usage stays the payer's.
    Notes stay with who wrote them: a new holder begins with none, and a former one finds its own again.
    """
    lock_wallets(account_ids=[holder.payer_id])
    holder = Account.objects.get(pk=holder.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            MOVE,
            {
                "ids": list(line_ids),
                "payer": holder.payer_id,
                "holder": holder.pk,
                "now": clock.now(),
                "today": clock.today(),
            },
        )
        moved = cursor.fetchall()
    _follow_holder(holder, BY_IDS, [line_id for line_id, _, _ in moved])
    record_many(
        by=by,
        verb="line.assigned",
        things=[
            Happened(holder.payer_id, f"line:{iccid}", {"before": before, "after": holder.name})
            for _, iccid, before in moved
        ],
    )
    return len(moved)


@transaction.atomic
def follow_holder(*, holder: Account) -> int:
    """Stops the lines of a sub-account that is switched off, or brings back what stopped so; says how many.

    A person's, a rule's and a balance's reasons outlive it. Harmless twice. Call it in the transaction of the switch.
    """
    lock_wallets(account_ids=[holder.payer_id])
    return _follow_holder(holder, "l.account_id = ANY(%(ids)s::bigint[])", [holder.pk])


def _follow_holder(holder: Account, which: str, ids: Sequence[int]) -> int:
    if not holder.is_active:
        running = leads_to(Request.HOLDER_OFF, Result.SUBACCOUNT)
        return sum(change_wishes(which=which, ids=ids, to=Standing.SUBACCOUNT, instead_of=running).values())
    enforce(account_ids=[holder.payer_id])
    follow_wallet(holder=holder, which=which, ids=ids)
    to = ready_standing(holder=holder)
    stop_under_caps(which=which, ids=ids, running=leads_to(Request.CAP_FULL, Result.CAP))
    return sum(let_run(which=which, ids=ids, to=to, instead_of=leads_to(Request.HOLDER_ON, Result.ON)).values())
