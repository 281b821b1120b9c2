"""What mails about people say."""

from __future__ import annotations

from accounts.dress import dress_of
from accounts.mail import Letter
from accounts.models import Invitation
from accounts.policy import INVITATION_DAYS


def invitation(asked: Invitation, token: str) -> Letter:
    is_outside = asked.account.is_subaccount  # its people know its provider, and nobody's name there
    who = dress_of(asked.account).name if is_outside else asked.invited_by
    return Letter(
        f"join {asked.account.name}",
        f"{who} asks you to join {asked.account.name} as {asked.get_role_display().lower()}.\n\n"
        f"{asked.address}/accounts/open/invitation/#{token}\n\n"
        f"The link works once, and for {INVITATION_DAYS} days. If you do not know why you got this, do nothing.",
        button="Join",
    )
