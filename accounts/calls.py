"""What the API writes down of its calls: how many, which signed writes were accepted, and what they were answered."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from kit import clock, crypto
from kit.errors import Refusal
from kit.sql import array, prepared

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


@dataclass(slots=True)
class _Day:
    """What this process knows of an account's calls of a day: those written down by all, and its own that are not."""

    used: int = 0
    allowed: int | None = None
    counted_at: dt.datetime | None = None
    waiting: int = 0
    written_at: float = float("-inf")  # time.monotonic


_days: dict[tuple[int, dt.date], _Day] = {}
_lock = threading.Lock()

COUNT = """
    INSERT INTO accounts_apiday AS d (account_id, day, used)
    SELECT a.id, t.day, t.calls FROM unnest(%s::bigint[], %s::date[], %s::int[]) AS t (account, day, calls)
      JOIN accounts_account a ON a.id = t.account  -- erased meanwhile: nobody's
     ORDER BY a.id, t.day
    ON CONFLICT (account_id, day) DO UPDATE SET used = d.used + excluded.used
    RETURNING account_id, day, used, allowed, counted_at
"""


def count_request(*, account_id: int, day: dt.date) -> Used:
    """Counts one request. A process writes down those of API_KEPT_SECONDS at once, of every account: a call need not
    wait for a commit, and an account may pass its day's number by what it calls in this time."""
    key, now = (account_id, day), time.monotonic()
    with _lock:
        own = _days.setdefault(key, _Day())
        own.waiting += 1
        if now - own.written_at < settings.API_KEPT_SECONDS:
            return Used(own.used + own.waiting, own.allowed, own.counted_at)
        late = {one: row.waiting for one, row in _days.items() if now - row.written_at >= settings.API_KEPT_SECONDS}
        for one in late:
            _days[one].waiting, _days[one].written_at = 0, now
    try:
        written = _write({one: calls for one, calls in late.items() if calls})
    except BaseException:
        with _lock:
            for one, calls in late.items():
                _days.setdefault(one, _Day()).waiting += calls
        raise
    with _lock:
        for one, calls in late.items():
            if not calls and (row := _days.get(one)) is not None and not row.waiting:  # nobody has called since
                del _days[one]
        for one, found in written.items():
            row = _days.setdefault(one, _Day())
            row.used, row.allowed, row.counted_at = max(row.used, found.used), found.allowed, found.counted_at
    return written.get(key, Used(0, None, None))


def _write(calls: dict[tuple[int, dt.date], int]) -> dict[tuple[int, dt.date], Used]:
    columns = [account for account, _ in calls], [day for _, day in calls], calls.values()
    return {(account, day): Used(*rest) for account, day, *rest in prepared(COUNT, [array(one) for one in columns])}


def allow_requests(*, account_id: int, day: dt.date, allowed: int) -> None:
    """Writes down how many requests an account has on this day."""
    now = clock.now()
    ApiDay.objects.filter(account_id=account_id, day=day).update(allowed=allowed, counted_at=now)
    with _lock:
        if (own := _days.get((account_id, day))) is not None:
            own.allowed, own.counted_at = allowed, now


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
