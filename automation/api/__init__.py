"""The API's calls about rules and webhooks."""

from automation.api import rules, webhooks

ENDPOINTS = (*rules.ENDPOINTS, *webhooks.ENDPOINTS)
