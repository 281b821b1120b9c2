"""The API's calls about lines."""

from lines.api import cards, changes, costs, jobs, messages, usage

ENDPOINTS = (
    *cards.ENDPOINTS,
    *usage.ENDPOINTS,
    *messages.ENDPOINTS,
    *changes.ENDPOINTS,
    *jobs.ENDPOINTS,
    *costs.ENDPOINTS,
)
