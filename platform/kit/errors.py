"""Refusals: what a command raises when it will not do what was asked, in words a person can act on."""

from __future__ import annotations

from collections.abc import Callable


class Refusal(Exception):
    """Nothing was changed. The message says what, why and what to do, in one sentence."""

    status = 409

    def __init__(
        self, message: str, *, field: str | None = None, afterwards: Callable[[], object] | None = None
    ) -> None:
        """`field` is the value that is meant, by its name. `afterwards` is what is written in spite of the refusal by
        whoever has undone all else: a wrong guess."""
        super().__init__(message)
        self.message = message
        self.field = field
        self.afterwards = afterwards


class NotFound(Refusal):
    """It does not exist, or is not yours: the two are one answer."""

    status = 404


class Changed(Refusal):
    """Somebody changed it since: what was done before is not undone."""

    def __init__(self, message: str = "Not undone. It was changed again since.") -> None:
        super().__init__(message)


class Forbidden(Refusal):
    """Who asks is known, and may not do this."""

    status = 403


class Invalid(Refusal):
    """A value that was given cannot be used."""

    status = 422
