"""What the API writes down of its calls: how many, which signed writes were accepted, and what they were answered."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from django.db import connection
from kit import clock, crypto
from kit.errors import Refusal
from kit.sql import prepared

from accounts.models import ApiDay, IdempotentAnswer, SignedWrite

ANSWERS_LAST = dt.timedelta(hours=24)
DAYS_KEPT = 32


class Replayed(Refusal):
    """This very request was accepted before."""


class OtherRequest(Refusal):
    """The Idempotency-Key was used for a request that was not this one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write was answered: the status and the JSON."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Used:
    """An account's calls of a day, this one included; `allowed` is None until somebody has counted the lines."""

    used: int
    allowed: int | None
    counted_at: dt.datetime | None


COUNT = """
    INSERT INTO accounts_apiday AS d (account_id, day, used) VALUES (%s, %s, 1)
    ON CONFLICT (account_id, day) DO UPDATE SET used = d.used + 1
    RETURNING used, allowed, counted_at
"""


def count_request(*, account_id: int, day: dt.date) -> Used:
    """Counts one request: one statement, so that none is lost however many come at once."""
    return Used(*prepared(COUNT, [account_id, day])[0])


def allow_requests(*, account_id: int, day: dt.date, allowed: int) -> None:
    """Writes down how many requests an account has on this day."""
    ApiDay.objects.filter(account_id=account_id, day=day).update(allowed=allowed, counted_at=clock.now())


def digest_of(*parts: bytes | str) -> bytes:
    """SHA-256 over these parts, each with its length: no two lists of parts are one text."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.digest()


def accept_write(*, digest: bytes, good_until: dt.datetime) -> None:
    """Lets a signed write through once. Raises Replayed.

    Belongs in the transaction of its effect: a write that failed may come again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_signedwrite (digest, good_until) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [digest, good_until],
        )
        if not cursor.rowcount:
            raise Replayed(
                "This signed request was accepted before; sign again with the current time to make another change, "
                "or send an Idempotency-Key to get the first answer again"
            )


def take_key(*, account_id: int, key: str, digest: bytes) -> Answer | None:
    """The answer that this request got before under its Idempotency-Key, or None: the key is now its own.

    Waits for another request with the same key that is under way. Belongs in the transaction of the effect, with
    `keep_answer` at its end. Raises OtherRequest.
    """
    now = clock.now()
    IdempotentAnswer.objects.filter(account_id=account_id, key=key, created_at__lte=now - ANSWERS_LAST).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_idempotentanswer (account_id, key, digest, status, body, created_at)"
            " VALUES (%s, %s, %s, 0, '', %s) ON CONFLICT DO NOTHING",
            [account_id, key, digest, now],
        )
        if cursor.rowcount:
            return None
    before = IdempotentAnswer.objects.get(account_id=account_id, key=key)
    if bytes(before.digest) != digest:
        raise OtherRequest(
            "This Idempotency-Key was used within 24 hours for another request; take a new key for each change"
        )
    return Answer(
        before.status, crypto.decrypt(bytes(before.body).decode("ascii"), row=f"answer:{account_id}:{key}").encode()
    )


def keep_answer(*, account_id: int, key: str, answer: Answer) -> None:
    """Writes down what the request that took this key was answered, encrypted: an answer may tell a secret."""
    body = crypto.encrypt(answer.body.decode(), row=f"answer:{account_id}:{key}").encode("ascii")
    IdempotentAnswer.objects.filter(account_id=account_id, key=key).update(status=answer.status, body=body)


def sweep() -> int:
    """Forgets signatures that are no longer good, answers over a day old and counts of last month. Harmless twice."""
    now = clock.now()
    old = (
        SignedWrite.objects.filter(good_until__lt=now),
        IdempotentAnswer.objects.filter(created_at__lte=now - ANSWERS_LAST),
        ApiDay.objects.filter(day__lt=now.date() - dt.timedelta(days=DAYS_KEPT)),
    )
    return sum(rows.delete()[0] for rows in old)
