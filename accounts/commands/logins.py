"""Tries to log in: each is counted before its password is looked at, and the next waits longer and longer."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from django.db import connection
from kit import clock
from kit.errors import Refusal

from accounts.models import LoginGuess
from accounts.policy import GUESSES_AT_ADDRESS, GUESSES_FROM_NETWORK, Guesses, network_of

FORGOTTEN = dt.timedelta(days=2)


class TooManyGuesses(Refusal):
    """The password was not looked at."""

    status = 429


@dataclass(frozen=True, slots=True)
class Guess:
    """What one try counts against: the device where the person has used it before, else the address and the network."""

    digests: tuple[tuple[bytes, Guesses], ...]


# Counts the try unless it has to wait; one statement, so that of many at once no more are looked at than may be.
TAKE = """
    INSERT INTO accounts_loginguess AS g (digest, failures, blocked_until, last_at)
    VALUES (%(digest)s, 1, %(now)s, %(now)s)
    ON CONFLICT (digest) DO UPDATE SET
        failures = CASE WHEN g.last_at < %(forgotten)s THEN 1 ELSE g.failures + 1 END,
        blocked_until = %(now)s + CASE
            WHEN g.last_at < %(forgotten)s OR g.failures + 1 < %(free)s THEN interval '0'
            ELSE least(%(first)s * 2 ^ least(g.failures + 1 - %(free)s, 20), %(most)s) END,
        last_at = %(now)s
     WHERE g.blocked_until <= %(now)s
    RETURNING failures
"""


def take(*, email: str, address: str, device: str = "") -> Guess:
    """Counts a try. Raises TooManyGuesses where it has to wait: nothing then says whether the password was right."""
    if device:
        wanted = [(_digest("device", device), GUESSES_AT_ADDRESS)]
    else:
        wanted = [
            (_digest("network", network_of(address)), GUESSES_FROM_NETWORK),
            (_digest("address", email.strip().lower()), GUESSES_AT_ADDRESS),
        ]
    taken: list[tuple[bytes, Guesses]] = []
    for digest, limit in wanted:
        if not _taken(digest, limit):
            give_back(guess=Guess(tuple(taken)))
            raise TooManyGuesses("Too many attempts. Wait a few minutes and try again, or reset your password.")
        taken.append((digest, limit))
    return Guess(tuple(taken))


def succeeded(*, guess: Guess) -> None:
    """The password was right: what was guessed at this address or device counts no longer; a network's goes on
    counting, or whoever has one right password could try all others."""
    give_back(guess=Guess(tuple(one for one in guess.digests if one[1] is GUESSES_FROM_NETWORK)))
    others = [digest for digest, limit in guess.digests if limit is not GUESSES_FROM_NETWORK]
    LoginGuess.objects.filter(pk__in=others).delete()


def give_back(*, guess: Guess) -> None:
    """It was no try at all."""
    with connection.cursor() as cursor:
        for digest, _ in guess.digests:
            cursor.execute(
                "UPDATE accounts_loginguess SET failures = greatest(failures - 1, 0), blocked_until = last_at"
                " WHERE digest = %s",
                [digest],
            )


def forgive(*, email: str) -> None:
    """Somebody proved that the address is theirs, as by resetting the password."""
    LoginGuess.objects.filter(pk=_digest("address", email.strip().lower())).delete()


def forget_old() -> int:
    return LoginGuess.objects.filter(last_at__lt=clock.now() - FORGOTTEN).delete()[0]


def _taken(digest: bytes, limit: Guesses) -> bool:
    now = clock.now()
    given: dict[str, Any] = {
        "digest": digest,
        "now": now,
        "forgotten": now - limit.forgotten_after,
        "free": limit.free,
        "first": limit.first_wait,
        "most": limit.longest_wait,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, given)
        return cursor.fetchone() is not None


def _digest(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}:{value}".encode()).digest()
