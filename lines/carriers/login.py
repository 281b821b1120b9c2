"""A token that calls need and that expires without notice: fetched when there is none, anew at a 401, once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from .base import CallKind, Malformed, Refused, Unreachable
from .deadline import Deadline
from .wire import Call, Heard, Unauthorized, Wire

T = TypeVar("T")
Headers = Mapping[str, str]

SULK = 10.0  # seconds during which a refused login is not tried again: an account may be locked by too many


class Login:
    """What stands between a client and its wire where there is a token. Safe to use from several threads."""

    def __init__(
        self,
        wire: Wire,
        *,
        credentials: str,
        call: Callable[[CallKind], Call],
        decode: Callable[[bytes], Headers],
        door: Wire | None = None,
    ) -> None:
        """`call` asks for a token, `decode` makes of its answer the headers that calls then have. `door`: the way to
        where tokens are given, if that is another host."""
        self._wire, self._credentials, self._login, self._decode = wire, credentials, call, decode
        self._door = door or wire
        self._lock = threading.Lock()
        self._token: Headers | None = None
        self._refusal: Refused | None = None
        self._refused_at = 0.0
        self._failure: Unreachable | None = None
        self._failed_at = 0.0

    def call(self, call: Call, deadline: Deadline, decode: Callable[[bytes], T], heard: Heard | None = None) -> T:
        """A call with a token. At a 401 the token has expired: it was not acted on, so log in again, once."""
        token = self._token or self._fetch(None, deadline, call.kind)
        try:
            return self._wire.call(_with(call, token), deadline, decode, heard)
        except Unauthorized:
            token = self._fetch(token, deadline, call.kind)
        return self._wire.call(_with(call, token), deadline, decode, heard)

    def _fetch(self, stale: Headers | None, deadline: Deadline, kind: CallKind) -> Headers:
        """A token other than the stale one. Many threads may come at once: the first logs in, the others find it.

        They wait as long as it does, which may have to wait at the gate, and share its failure.
        """
        came = time.monotonic()
        with deadline.stands_still():
            self._lock.acquire()
        try:
            if self._token is not None and self._token is not stale:
                return self._token
            if self._refusal and time.monotonic() - self._refused_at < SULK:
                raise type(self._refusal)(str(self._refusal))
            if self._failure and came <= self._failed_at:
                raise Unreachable(str(self._failure), retry_after=self._failure.retry_after)
            self._token = None
            try:
                self._token = self._new(deadline, kind)
            except Unreachable as failure:
                self._failure, self._failed_at = failure, time.monotonic()
                raise
            return self._token
        finally:
            self._lock.release()

    def _new(self, deadline: Deadline, kind: CallKind) -> Headers:
        """A token, at the gate as the call that needs it.

        Raises Refused or Unreachable, before a change too: nothing is asked yet.
        """
        try:
            token = self._door.call(self._login(kind), deadline, self._decode)
        except Malformed as failure:  # the body may hold a token: it is not to be quarantined
            raise Unreachable(str(failure)) from None
        except Refused as refusal:
            self._refusal, self._refused_at = self._why_refused(refusal), time.monotonic()
            raise self._refusal from refusal
        self._refusal = None
        for value in token.values():
            self._wire.hide(value.split()[-1])
        return token

    def _why_refused(self, refusal: Refused) -> Refused:
        carrier = self._wire.carrier
        if isinstance(refusal, Unauthorized):
            return Unauthorized(f"{carrier} does not accept the {self._credentials}. {refusal}")
        return Refused(f"{carrier} does not let us log in. {refusal}")


def _with(call: Call, token: Headers) -> Call:
    return replace(call, headers={**(call.headers or {}), **token})
