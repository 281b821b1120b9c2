"""The API's calls about rules, events and webhooks."""

from automation.api import caps, events, rules, sandbox, webhooks

ENDPOINTS = (*rules.ENDPOINTS, *caps.ENDPOINTS, *webhooks.ENDPOINTS, *events.ENDPOINTS, *sandbox.ENDPOINTS)
