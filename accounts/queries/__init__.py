"""Reads about people and accounts."""

from accounts.models import Membership
from accounts.queries.keys import Caller, Credential, caller_of, credential_of, is_open, key_by_digest
from accounts.queries.people import (
    account_by_uuid,
    is_of_brand,
    is_unconfirmed,
    memberships_of,
    open_account_of,
    owner_of,
    places_at,
    test_account_of,
    test_places,
    user_by_email,
)
from accounts.queries.staff import invitation_by_token, invitations_of, offer_of, offers_to, staff_of

Viewer = Membership | Caller  # whoever sees lines: a person in an account, or a client of its API

__all__ = [
    "Caller",
    "Credential",
    "Viewer",
    "account_by_uuid",
    "caller_of",
    "credential_of",
    "invitation_by_token",
    "invitations_of",
    "is_of_brand",
    "is_open",
    "is_unconfirmed",
    "key_by_digest",
    "memberships_of",
    "offer_of",
    "offers_to",
    "open_account_of",
    "owner_of",
    "places_at",
    "staff_of",
    "test_account_of",
    "test_places",
    "user_by_email",
]
