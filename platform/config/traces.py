"""OpenTelemetry traces, where a collector is named: requests, tasks, calls to carriers and SQL, without any value.

OTEL_EXPORTER_OTLP_ENDPOINT names it; the SDK's other variables (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS…) hold
too. The extra `traces` brings the packages; without the setting none of them is imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.signals import connection_created
from kit import tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
LONGEST_SQL = 2000  # characters of a statement that are kept


def begin() -> None:
    """In each process that works, after it was forked. Raises ImproperlyConfigured where the packages are missing."""
    if not (os.environ.get(ENDPOINT) or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ImproperlyConfigured(
            f"{ENDPOINT} is set and OpenTelemetry is not installed: linekeeper[traces]"
        ) from None
    trace_to(BatchSpanProcessor(OTLPSpanExporter()))


def trace_to(processor: SpanProcessor) -> Callable[[], None]:
    """Traces this process from now on; what it returns ends that."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    name = os.environ.get("OTEL_SERVICE_NAME", "linekeeper")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(processor)
    tracing.tracer = provider.get_tracer("linekeeper")
    connection_created.connect(_watch)
    for connection in connections.all(initialized_only=True):
        _watch(connection)

    def end() -> None:
        connection_created.disconnect(_watch)
        tracing.tracer = None
        provider.shutdown()

    return end


def _watch(connection: Any, **_: object) -> None:
    if _statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_statement)


def _statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    text = str(sql)
    first = (text.split(None, 1) or ["SQL"])[0].upper()
    with tracing.span(first, db__system__name="postgresql", db__query__text=text[:LONGEST_SQL]):  # values stay out
        return execute(sql, params, many, context)
