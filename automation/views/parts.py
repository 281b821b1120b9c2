"""What the doors share."""

from __future__ import annotations

from accounts.doors import MemberRequest
from accounts.models import User
from accounts.policy import Actor


def actor(request: MemberRequest) -> Actor:
    user = request.user
    assert isinstance(user, User)
    return user.actor
