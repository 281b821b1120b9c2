"""The API's calls about rules, events and webhooks."""

from automation.api import events, rules, webhooks

ENDPOINTS = (*rules.ENDPOINTS, *webhooks.ENDPOINTS, *events.ENDPOINTS)
