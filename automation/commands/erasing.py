"""An account's rules, what they did, and its webhooks: what of them is forgotten, and when."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from kit.retention import before

from accounts.models import Account
from automation.commands.sandbox import reader_of
from automation.models import FeedEvent, FollowUp, Rule, RuleFire, Swept, WebhookDelivery, WebhookEndpoint
from automation.policy import Trigger
from lines.commands.retention import KINDS


@transaction.atomic
def erase_automation(*, account: Account) -> dict[str, int]:
    """Deletes all of it. Harmless twice."""
    held = Account.objects.filter(pk=account.pk) | Account.objects.filter(parent=account)
    return {
        "FollowUp": FollowUp.objects.filter(fire__rule__account__in=held).delete()[0],
        "RuleFire": RuleFire.objects.filter(rule__account__in=held).delete()[0],
        "Rule": Rule.objects.filter(account__in=held).delete()[0],
        "WebhookDelivery": WebhookDelivery.objects.filter(endpoint__account__in=held).delete()[0],
        "FeedEvent": FeedEvent.objects.filter(account__in=held).delete()[0],
        "WebhookEndpoint": WebhookEndpoint.objects.filter(account__in=held).delete()[0],
        "Swept": Swept.objects.filter(name=reader_of(payer=account)).delete()[0],
    }


NO_TEXT = "Message: (removed)"
SLICE = 5_000  # rows of one transaction
FORGET = f"""
UPDATE automation_rulefire SET because = '{NO_TEXT}'
 WHERE id IN (SELECT f.id FROM automation_rulefire f JOIN automation_rule r ON r.id = f.rule_id
               WHERE r.trigger = '{Trigger.SMS}' AND f.fired_at < %s AND f.because LIKE 'Message: %%'
                 AND f.because <> '{NO_TEXT}'
               LIMIT {SLICE})
"""


def forget_messages(*, today: dt.date) -> int:
    """What devices wrote is removed from the rules' activity when it is from the messages; says of how many. The next
    sweep goes on."""
    messages = next(kind for kind in KINDS if kind.name == "messages")
    if not messages.kept:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [before(today, messages.kept)])
        return int(cursor.rowcount)
