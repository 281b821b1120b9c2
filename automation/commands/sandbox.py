"""Test accounts go on: at once where somebody did something in one, by and by elsewhere, and when its clock is turned.

All of it is done for one account alone, under its clock: nothing here reads or writes what another account has.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable

from django.db import connection, transaction
from django.db.models import Max, Q
from kit import clock
from kit.errors import Invalid
from kit.sweeps import each

from accounts.models import Account, Event
from automation.commands.fires import fire
from automation.commands.follow_ups import run_due_follow_ups
from automation.commands.standing_by import end_standing_by, fire_for_lines_that_came_on
from automation.models import Rule, Swept
from automation.policy import Trigger
from automation.queries import due
from lines.commands.sandbox_days import settle_lines
from lines.models import Sandbox
from lines.queries.sandbox import sandbox_of

log = logging.getLogger(__name__)

MOST_AHEAD = dt.timedelta(days=400)  # in all
MOST_AT_ONCE = dt.timedelta(days=31)
ROUNDS = 10  # in which what one thing leads to comes to rest
AT_ONCE = 20  # test accounts of one bell
SHIFT = 10.0  # seconds that all of them may take of one: live accounts are not to wait for play
MEETS: dict[Trigger, Callable[..., list[due.Found]]] = {
    Trigger.USAGE: due.usage_of_all,
    Trigger.SILENCE: due.silence,
    Trigger.COUNTRY: due.abroad,
    Trigger.COST: due.costs,
}

# By its own clock: lines whose carrier is to be asked, messages that are to go, what rules planned; and days that have
# begun since.
DUE = """
SELECT s.account_id FROM lines_sandbox s JOIN accounts_account a ON a.id = s.account_id AND a.is_active
 CROSS JOIN LATERAL (SELECT %(now)s + s.ahead AS at) now
 WHERE s.settled_on IS DISTINCT FROM (now.at AT TIME ZONE 'UTC')::date
    OR EXISTS (SELECT FROM lines_line l JOIN lines_drive d ON d.line_id = l.id
                WHERE l.payer_id = s.account_id AND (d.due_at IS NULL OR d.due_at <= now.at))
    OR EXISTS (SELECT FROM lines_smsmessage m
                WHERE m.payer_id = s.account_id AND m.is_open AND (m.due_at IS NULL OR m.due_at <= now.at))
    OR EXISTS (SELECT FROM automation_followup f JOIN automation_rulefire r ON r.id = f.fire_id
                WHERE r.account_id = s.account_id AND f.state = 'open' AND f.due_at <= now.at)
 ORDER BY s.settled_at NULLS FIRST, s.account_id LIMIT %(limit)s
"""


def due_accounts(*, limit: int) -> list[int]:
    """Test accounts in which something is due, those first that have waited longest."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"now": clock.real(), "limit": limit})
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def settle(*, account_id: int) -> int:
    """Does what is due in a test account at this moment of its clock until nothing moves; says how much did. Harmless
    twice, and beside another that does the same."""
    sandbox = _locked(account_id)
    return 0 if sandbox is None else _at(sandbox, sandbox.ahead)


def settle_or_log(*, account: Account) -> None:
    """The same where it is no part of what was asked: where it fails, the next bell does it."""
    try:
        settle(account_id=account.payer_id)
    except Exception:
        log.exception("test account %s could not be settled; the next bell tries again", account.pk)
        Sandbox.objects.filter(account=account.payer_id).update(settled_on=None)


def settle_due() -> int:
    """Test accounts in which something is due, one after the other; says how many moved. One that fails stops no
    other, and no more are begun once their share of time is over."""
    end = time.monotonic() + SHIFT

    def one(account_id: int) -> bool:
        return time.monotonic() < end and bool(settle(account_id=account_id))

    return sum(each(due_accounts(limit=AT_ONCE), one))


@transaction.atomic
def turn_clock(*, account: Account, by: dt.timedelta) -> dt.datetime:
    """Turns a test account's clock on; says where it then stands. What comes due on the way is done at the first moment
    of its day, day by day. Raises Invalid, NotFound."""
    if not dt.timedelta() < by <= MOST_AT_ONCE:
        raise Invalid(f"A clock is turned on by up to {MOST_AT_ONCE.days} days at a time", field="seconds")
    sandbox = Sandbox.objects.select_for_update(of=("self",)).select_related("account").get(pk=sandbox_of(account).pk)
    before, until = sandbox.ahead, sandbox.ahead + by
    if until > MOST_AHEAD:
        raise Invalid(f"A test account's clock goes {MOST_AHEAD.days} days ahead at the most; reset the account")
    real = clock.real()
    midnight = dt.datetime.combine((real + before).date(), dt.time(), dt.UTC)
    while (midnight := midnight + dt.timedelta(days=1)) <= real + until:
        _at(sandbox, max(before, midnight - real))
    _at(sandbox, until)
    return real + until


def _locked(account_id: int) -> Sandbox | None:
    rows = Sandbox.objects.select_for_update(of=("self",)).select_related("account")
    return rows.filter(account=account_id, account__is_test=True).first()


def _at(sandbox: Sandbox, ahead: dt.timedelta) -> int:
    moved = 0
    with clock.ahead(ahead):
        for _ in range(ROUNDS):
            done = settle_lines(payer=sandbox.account) + _rules(sandbox.account)
            moved += done
            if not done:
                break
        sandbox.ahead, sandbox.settled_on, sandbox.settled_at = ahead, clock.today(), clock.real()
    sandbox.save(update_fields=["ahead", "settled_on", "settled_at"])
    return moved


def _rules(payer: Account) -> int:
    """What the account's rules find and what they planned; says how many lines turned."""
    turned, today = run_due_follow_ups(payer_id=payer.pk), clock.today()
    for rule in Rule.objects.filter(account=payer, is_on=True, deleted_at=None).order_by("pk"):
        if (meets := MEETS.get(Trigger(rule.trigger))) is not None:
            turned += fire(found=meets(today=today, rule_id=rule.pk), payer_id=payer.pk).turned
    turned += _events(payer)
    end_standing_by(today=today, payer_id=payer.pk)
    return turned + fire_for_lines_that_came_on(payer_id=payer.pk)


def reader_of(*, payer: Account) -> str:
    """Under which name is kept how far a test account's events were read."""
    return f"test account {payer.pk}"


def _events(payer: Account) -> int:
    """Rules about devices and messages meet what happened since they last did. Whoever writes such an event has the
    account's sandbox locked, as who settles it has: none comes later with a lower number."""
    about = Rule.objects.filter(account=payer, is_on=True, deleted_at=None, trigger__in=[Trigger.IMEI, Trigger.SMS])
    if not about.exists():
        return 0
    swept, _ = Swept.objects.get_or_create(name=reader_of(payer=payer))
    family = list(Account.objects.filter(Q(pk=payer.pk) | Q(parent=payer)).values_list("pk", flat=True))
    newest = Event.objects.filter(account__in=family).aggregate(last=Max("pk"))["last"] or 0
    found = due.imei_changes(after=swept.last_event, accounts=family)
    found += due.messages(after=swept.last_event, accounts=family)
    turned = fire(found=found, payer_id=payer.pk).turned
    Swept.objects.filter(pk=swept.pk).update(last_event=newest)
    return turned
