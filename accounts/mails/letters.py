"""What mails about people say."""

from __future__ import annotations

from accounts.branding.identity import branding_of
from accounts.mails.mail import Letter
from accounts.models import Invitation
from accounts.policy import INVITATION_DAYS


def who_asks(asked: Invitation) -> str:
    """Who invites: a sub-account's people know their provider, and nobody's name there."""
    return branding_of(asked.account).name if asked.account.is_subaccount else asked.invited_by


def invitation(asked: Invitation, token: str) -> Letter:
    who = who_asks(asked)
    return Letter(
        f"join {asked.account.name}",
        f"{who} asks you to join {asked.account.name} as {asked.get_role_display().lower()}.\n\n"
        f"{asked.address}/accounts/open/invitation/#{token}\n\n"
        f"The link works once, and for {INVITATION_DAYS} days. If you do not know why you got this, do nothing.",
        button="Join",
    )
