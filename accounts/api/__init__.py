"""The API's calls about accounts and their keys."""

from accounts.api import accounts, keys

ENDPOINTS = (*accounts.ENDPOINTS, *keys.ENDPOINTS)
