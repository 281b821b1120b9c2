"""Spans of what is being done, where somebody collects traces (config.traces); else nothing happens here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

tracer: Any = None  # of OpenTelemetry, once this process is traced


@contextlib.contextmanager
def span(name: str, **facts: str | int) -> Iterator[Any]:
    """While this lasts, what is done inside belongs to it. Gives the span, or None. Facts name no person and no secret.

    `__` in a fact's name is a point: http__route is http.route.
    """
    if tracer is None:
        yield None
        return
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as made:
        tell(made, **facts)
        try:
            yield made
        except BaseException as error:
            made.set_attribute("error.type", type(error).__name__)  # its text may hold anything
            raise


def tell(made: Any, **facts: str | int) -> None:
    """Adds facts to a span, or to None."""
    if made is not None:
        made.set_attributes({key.replace("__", "."): value for key, value in facts.items()})
