"""How often an account may call in a day: 100 times for each of its lines; and each bearer key in a second."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.http import HttpResponse
from kit import clock

from accounts import calls
from accounts.keys import one_more
from accounts.policy import requests_allowed
from accounts.queries import Caller
from api.problems import TooFast
from lines.queries.scope import lines_of

RECOUNT = dt.timedelta(minutes=1)  # a million lines are not counted with every request
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Limit:
    """Where an account stands on this day, this request counted."""

    allowed: int
    used: int
    seconds_left: int  # of the day, UTC
    per_second: int | None = None  # of the bearer key; None: it is not one

    @property
    def is_over(self) -> bool:
        return self.used > self.allowed

    def write_on(self, answer: HttpResponse) -> None:
        """The fields of the IETF draft, in its present form and in the older one that most clients read."""
        remaining = max(0, self.allowed - self.used)
        burst = f', "burst";q={self.per_second};w=1' if self.per_second else ""
        answer["RateLimit-Policy"] = f'"day";q={self.allowed};w={DAY_SECONDS}{burst}'
        answer["RateLimit"] = f'"day";r={remaining};t={self.seconds_left}'
        answer["RateLimit-Limit"] = str(self.allowed)
        answer["RateLimit-Remaining"] = str(remaining)
        answer["RateLimit-Reset"] = str(self.seconds_left)
        if answer.status_code == 429:
            answer["Retry-After"] = str(self.seconds_left)


def count(caller: Caller) -> Limit:
    """Counts this request. Raises TooFast; such a request costs none of the day's."""
    now, key = clock.now(), caller.key
    if key is not None and not one_more(key):
        raise TooFast(f"The key makes at most {key.per_second} requests a second; send it again a second later")
    found = calls.count_request(account_id=caller.account.pk, day=now.date())
    allowed = found.allowed
    if allowed is None or found.counted_at is None or now - found.counted_at > RECOUNT:
        allowed = requests_allowed(lines_of(caller).order_by().count(), is_test=caller.account.is_test)
        calls.allow_requests(account_id=caller.account.pk, day=now.date(), allowed=allowed)
    midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
    seconds_left = max(1, int((midnight - now).total_seconds()))
    return Limit(allowed, found.used, seconds_left, key.per_second if key else None)
