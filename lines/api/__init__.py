"""The API's calls about lines."""

from lines.api import cards, costs, usage

ENDPOINTS = (*cards.ENDPOINTS, *usage.ENDPOINTS, *costs.ENDPOINTS)
