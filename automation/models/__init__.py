"""The tables of automation, by noun."""

from automation.models.rules import FollowUp, LineGuard, Rule, RuleFire, Swept
from automation.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = ["FollowUp", "LineGuard", "Rule", "RuleFire", "Swept", "WebhookDelivery", "WebhookEndpoint"]
