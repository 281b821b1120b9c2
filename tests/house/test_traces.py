"""Traces, where they are collected: who did what in which order, and no value, address, secret or text of an error."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from config import traces
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from kit import tracing
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from lines.tasks import keep_books


@pytest.fixture
def collected(db: None) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    end = traces.trace_to(SimpleSpanProcessor(exporter))
    yield exporter
    end()


def spans(exporter: InMemorySpanExporter) -> list[dict[str, Any]]:
    return [json.loads(span.to_json()) for span in exporter.get_finished_spans()]


def test_a_request_is_a_span_by_its_route_with_its_statements_inside(collected: InMemorySpanExporter) -> None:
    token = "a-token-that-opens-a-door"
    assert Client().get(f"/accounts/password/reset/key/{token}/?q=ann@acme.example").status_code in (200, 302, 404)
    Client().post("/accounts/login/", {"login": "ann@acme.example", "password": "hunter2hunter2"})
    found = spans(collected)
    request = next(one for one in found if one["name"] == "POST")
    assert request["attributes"]["http.route"].startswith("accounts/login")
    assert request["attributes"]["http.response.status_code"] == 200
    inside = [one for one in found if one["parent_id"] == request["context"]["span_id"]]
    assert any("SELECT" in one["attributes"].get("db.query.text", "") for one in inside)
    for secret in (token, "ann@acme.example", "hunter2"):
        assert secret not in json.dumps(found)


def test_a_task_is_a_span_and_an_error_is_its_type_alone(collected: InMemorySpanExporter) -> None:
    keep_books()
    assert "lines.tasks.keep_books" in [one["name"] for one in spans(collected)]
    with pytest.raises(ValueError, match="4711"), tracing.span("work"):
        raise ValueError("the code is 4711")
    last = spans(collected)[-1]
    assert last["attributes"]["error.type"] == "ValueError"
    assert "4711" not in json.dumps(last)


def test_the_setting_alone_starts_it_and_needs_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    traces.begin()
    assert tracing.tracer is None
    monkeypatch.setenv(traces.ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    with pytest.raises(ImproperlyConfigured, match="traces"):
        traces.begin()


def test_without_the_setting_nothing_of_it_is_imported() -> None:
    code = "import config.wsgi, sys; print([name for name in sys.modules if name.startswith('opentelemetry.exporter')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
