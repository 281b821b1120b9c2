"""The tables of automation, by noun."""

from automation.models.feed import AwaitedLine, FeedEvent, TroubledCarrier
from automation.models.rules import FollowUp, LineGuard, Rule, RuleFire, Swept
from automation.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "AwaitedLine",
    "FeedEvent",
    "FollowUp",
    "LineGuard",
    "Rule",
    "RuleFire",
    "Swept",
    "TroubledCarrier",
    "WebhookDelivery",
    "WebhookEndpoint",
]
