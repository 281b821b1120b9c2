"""An account's rules, what they did, and its webhooks."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Account
from automation.models import FeedEvent, FollowUp, Rule, RuleFire, WebhookDelivery, WebhookEndpoint


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
    }
