"""Undo in messages: what was done just now is offered to be taken back, as a signed note of what it was.

Whoever does something says how it is undone (`undoes`) and offers it with its message (`undo`). The note is good for an
hour, for the same person in the same account. Before anything is undone rights are asked again, and the function itself
raises Changed where something has changed since: nothing that somebody else did is taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core import signing
from kit.errors import Changed, NotFound

from accounts.doors import MemberRequest
from accounts.policy import Right

GOOD_FOR = 3600  # seconds
SALT = "accounts.undoing"
UNDO, VIEW = "undo:", "view:"


Undoing = Callable[[MemberRequest, dict[str, Any]], str]  # what it was -> what to say of it


WAYS: dict[str, Undoing] = {}


def undoes(what: str) -> Callable[[Undoing], Undoing]:
    """Names the way back of something."""

    def named(way: Undoing) -> Undoing:
        WAYS[what] = way
        return way

    return named


def undo(request: MemberRequest, what: str, right: Right, **was: Any) -> str:
    """For `extra_tags` of a message: offers to undo it, to who has the right that this asks for. `was` is what the way
    back is told."""
    if not request.membership.may(right):
        return ""
    note = {"what": what, "right": right, "was": was, "account": request.membership.account_id, "user": request.user.pk}
    return UNDO + signing.dumps(note, salt=SALT, compress=True)


def view(href: str) -> str:
    """For `extra_tags` of a message: offers to see what it is about."""
    return VIEW + href


def undo_it(request: MemberRequest, note: str) -> str:
    """Takes back what the note says; gives what to say of it. Raises NotFound, Changed, Refusal."""
    try:
        read = signing.loads(note, salt=SALT, max_age=GOOD_FOR)
    except signing.SignatureExpired:
        raise Changed("Not undone. It was done more than an hour ago.") from None
    except signing.BadSignature:
        raise NotFound("There is nothing to undo") from None
    way = WAYS.get(read["what"])
    is_theirs = (read["account"], read["user"]) == (request.membership.account_id, request.user.pk)
    if way is None or not is_theirs or not request.membership.may(Right(read["right"])):
        raise NotFound("There is nothing to undo")
    return way(request, read["was"])
