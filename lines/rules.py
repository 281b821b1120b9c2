"""Rules of lines that statements need, too: each in Python beside itself in SQL, and a test draws cases for both.

Those of cycles stand so in `lines.counting`, those of money in `billing.policy`; what Python alone asks is policy.
"""

from __future__ import annotations

from django.db.models import Q

from lines.carriers.base import Switch
from lines.policy import PER_BYTE, Status, Wanted

# Of the lines whose states these are.
CONFIRMED_ON = Q(state__reported=Switch.ON, state__blocked=False)

# Of the line `l`: balance, caps and rules turn it. One that has come from Keepgo waits until its move is confirmed.
NOT_MOVING = "NOT EXISTS (SELECT FROM lines_moveline m WHERE m.line_id = l.id AND m.is_held)"


def is_confirmed_on(reported: int | None, *, blocked: bool) -> bool:
    """Whether its carrier says that a line is on, and does not stop it."""
    return reported == Switch.ON and not blocked


def confirmed_on_sql(state: str) -> str:
    """`is_confirmed_on` as SQL, never NULL: of the alias of a row of lines_linestate."""
    return f"(coalesce({state}.reported, 0) = {Switch.ON:d} AND NOT {state}.blocked)"


def has_status_sql(status: Status, state: str) -> str:
    """Whether `policy.status` is this one, as SQL: of the alias of a row of lines_linestate. In plain columns: the
    planner knows how many have which, and of an expression it knows nothing."""
    confirmed = f"{state}.reported IS NOT DISTINCT FROM {Switch.ON:d} AND NOT {state}.blocked"
    if status is Status.ACTIVATED:
        return f"({state}.wanted = {Wanted.ACTIVE:d} AND {confirmed})"
    if status is Status.ACTIVATION_READY:
        return f"({state}.wanted = {Wanted.ACTIVE:d} AND NOT ({confirmed}))"
    return f"({state}.wanted = {status:d})"


def data_cost_sql(used: str, per_mb: str) -> str:
    """`policy.data_cost` as SQL: of bytes and of USD per MB."""
    return f"round({used} * {per_mb} * {PER_BYTE}, 6)"


def resale_price_sql(price: str, own: str, percent: str, places: str) -> str:
    """`policy.resale.resale_price` as SQL: of the account's price, and of a row of a price list."""
    return f"round(coalesce({own}, round({price} * (100 + {percent}) / 100, {places})), 6)"


def month_days_sql(cycle: str) -> str:
    """`policy.bundles.days_of` as SQL."""
    return f"(({cycle} + interval '1 month')::date - {cycle})"


def month_share_sql(per_month: str, day: str, cycle: str) -> str:
    """`policy.bundles.month_share` as SQL: of dates."""
    through, before = (
        f"round({per_month} * ({day} - {cycle} + {more}) / {month_days_sql(cycle)}, 6)" for more in (1, 0)
    )
    return f"({through} - {before})"


def granted_sql(included: str, day: str, cycle: str) -> str:
    """`policy.bundles.granted` as SQL: of a bigint and dates."""
    days = month_days_sql(cycle)
    return f"({included} * least({days}, greatest(1, {days} - ({day} - {cycle}))) / {days})"


def overage_sql(used: str, included: str, per_mb: str) -> str:
    """What data beyond a bundle costs since its cycle began, as SQL: `policy.bundles.overage` is the difference of
    two days."""
    return data_cost_sql(f"greatest(0, {used} - {included})", per_mb)
