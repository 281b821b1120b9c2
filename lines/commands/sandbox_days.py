"""A test account's lines: everything that workers do for all others, for this one alone and by its own clock.

Its carrier is called by no network, so one thread does all of it in one transaction, and no lease is needed.
"""

from __future__ import annotations

from dataclasses import replace

from django.db.models import F, Q
from kit import clock

from accounts.models import Account
from billing.commands import seal_days
from billing.commands.statements import close_statements
from lines.carriers.base import CarrierFailure, Refused
from lines.carriers.sandbox import Sandbox as Adapter
from lines.commands import drives, sms
from lines.commands.capping import check_caps
from lines.commands.fees import charge_fees
from lines.commands.reselling import charge_of
from lines.commands.sandbox_sims import Rows
from lines.commands.wishes import deactivate_due, enforce
from lines.models import Drive, SmsMessage
from lines.policy import SmsState, Wanted

AT_ONCE = 100


def settle_lines(*, payer: Account) -> int:
    """Does what is due at this moment of the account's clock; says how many lines and messages moved."""
    today = clock.today()
    while deactivate_due(today=today, payer_id=payer.pk):
        pass
    charge_fees(today=today, payer_id=payer.pk)
    charge_of(payer_id=payer.pk, today=today)
    for account_id in _family(payer):
        seal_days(before=today, account_id=account_id)
    close_statements(today=today, account_id=payer.pk)
    capped = check_caps(today=today, payer_id=payer.pk)
    enforced = enforce(account_ids=_family(payer), today=today)
    return _drive(payer) + _messages(payer) + capped + enforced.suspended + enforced.reactivated


def _family(payer: Account) -> list[int]:
    return list(Account.objects.filter(Q(pk=payer.pk) | Q(parent=payer)).order_by("pk").values_list("pk", flat=True))


def _due() -> Q:
    return Q(due_at=None) | Q(due_at__lte=clock.now())


def _drive(payer: Account) -> int:
    """Lines whose carrier does not agree yet; says how many it confirmed."""
    rows = Drive.objects.select_for_update(skip_locked=True, of=("self",)).select_related("line__state")
    due = list(rows.filter(_due(), line__payer=payer).order_by("pk")[:AT_ONCE])
    Drive.objects.filter(pk__in=[one.pk for one in due]).update(attempts=F("attempts") + 1)
    client, confirmed = Adapter(sims=Rows()), 0
    for one in due:
        wanted = one.line.state.wanted == Wanted.ACTIVE
        try:
            status = client.set_switch(one.line.called, on=wanted) or client.get_status(one.line.called)
        except CarrierFailure as failure:
            drives.postpone(line_id=one.pk, error=str(failure), is_refused=isinstance(failure, Refused))
        else:
            confirmed += drives.confirm(line_id=one.pk, status=status, asked_at=clock.now(), on=wanted)
    return confirmed


def _messages(payer: Account) -> int:
    """Messages that go to devices, and what becomes of them; says of how many something did."""
    rows = SmsMessage.objects.select_for_update(skip_locked=True, of=("self",)).select_related("line__state")
    due = list(rows.filter(_due(), is_open=True, payer=payer).order_by("pk")[:AT_ONCE])
    client, moved = Adapter(sims=Rows()), 0
    for message in due:
        moved += _handed(client, message) if message.state == SmsState.QUEUED else _followed(client, message)
    return moved


def _handed(client: Adapter, message: SmsMessage) -> int:
    if not sms.is_active(state=message.line.state):
        sms.sms_refused(message_id=message.pk, reason="The line was no longer activated")
        return 1
    try:
        taken = client.send_sms(message.line.called, message.text)
    except Refused as refused:
        sms.sms_refused(message_id=message.pk, reason=str(refused))
        return 1
    except CarrierFailure as failure:
        sms.sms_postponed(message_id=message.pk, error=str(failure), outcome_unknown=False)
        return 0
    sms.sms_accepted(message_id=message.pk, sms=replace(taken, ref=f"test-{message.pk}"), follow=True)
    message.refresh_from_db()
    _followed(client, message)
    return 1


def _followed(client: Adapter, message: SmsMessage) -> int:
    try:
        found = client.get_sms(message.line.called, message.ref)
    except CarrierFailure as failure:
        sms.sms_postponed(message_id=message.pk, error=str(failure), outcome_unknown=False)
        return 0
    sms.sms_followed(message_id=message.pk, sms=found)
    return 1
