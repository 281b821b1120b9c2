"""What the doors share."""

from __future__ import annotations

import logging

from celery import Task
from kombu.exceptions import OperationalError

from accounts.doors import MemberRequest
from accounts.models import User
from accounts.policy import Actor

log = logging.getLogger(__name__)


def actor(request: MemberRequest) -> Actor:
    user = request.user
    assert isinstance(user, User)
    return user.actor


def nudge(task: Task) -> None:
    """Has a worker look now; without Redis its next round finds the same."""
    try:
        task.delay()
    except OperationalError as error:
        log.warning("%s waits for its next round: %s", task.name, error)
