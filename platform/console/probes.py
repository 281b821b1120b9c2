"""What machines ask: /healthz, /readyz, /metrics and /version, before any host, session or redirect.

/readyz: requests can be answered. /healthz: everything is as it should be, work included. /metrics: for Prometheus.
/version: what runs here. /certificate: for Caddy. Whoever asks from this machine, or with METRICS_TOKEN, is told what
is wrong; anybody else whether.
"""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from kit import logs, tracing
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from accounts.branding import hosts
from console import version, vitals

REQUESTS = Counter("linekeeper_http_requests", "Requests by method and status.", ["method", "status"])
SECONDS = Histogram(
    "linekeeper_http_request_seconds",
    "Seconds that requests took.",
    ["method"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
BY_PROXY = frozenset({"HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA"})
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})  # others would be labels without end


class ProbeMiddleware:
    """Answers probes, and counts everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = PROBES.get(request.path_info)
        if answer is not None and request.method in ("GET", "HEAD"):
            response = answer(request)
            response["Cache-Control"] = "no-store"
            return response
        began = time.perf_counter()
        name = logs.new_id(request.headers.get("X-Request-ID", ""))
        method = request.method if request.method in METHODS else "other"
        with logs.doing(request=name), tracing.span(method, http__request__method=method, request=name) as span:
            response = self.get_response(request)
            route = (
                request.resolver_match.route if request.resolver_match else "none"
            )  # no address: it may open something
            tracing.tell(span, http__route=route, http__response__status_code=response.status_code)
        response["X-Request-ID"] = name
        REQUESTS.labels(method, response.status_code).inc()
        SECONDS.labels(method).observe(time.perf_counter() - began)
        return response


def _healthz(request: HttpRequest) -> HttpResponse:
    return _said(request, vitals.vitals(), serving=False)


def _readyz(request: HttpRequest) -> HttpResponse:
    return _said(request, vitals.vitals(only_serving=True), serving=True)


def _said(request: HttpRequest, found: vitals.Vitals, *, serving: bool) -> HttpResponse:
    is_well = found.may_serve if serving else found.may_serve and not found.problems
    said: dict[str, object] = {"status": "ok" if is_well else "failing"}
    if found.problems and _is_trusted(request):
        said["problems"] = found.problems
    return JsonResponse(said, status=200 if is_well else 503)


def _metrics(request: HttpRequest) -> HttpResponse:
    if not _is_trusted(request):
        return HttpResponse(status=404)
    registry = CollectorRegistry()
    registry.register(_Installation())
    if settings.METRICS_FOLDER:
        MultiProcessCollector(registry, settings.METRICS_FOLDER)  # type: ignore[no-untyped-call]
    else:
        for counted in (REQUESTS, SECONDS):
            registry.register(counted)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _version(request: HttpRequest) -> HttpResponse:
    if not _is_trusted(request):
        return HttpResponse(status=404)  # which holes a version has is nobody's business
    return JsonResponse(version.told())


def _certificate(request: HttpRequest) -> HttpResponse:
    """Whether Caddy may get a certificate for ?domain=: it is ours, or the operator said yes to it. Caddy alone stands
    beside us; what comes over it names who it comes from, and is told nothing."""
    if any(name.startswith("HTTP_X_FORWARDED_") or name in BY_PROXY for name in request.META):
        return HttpResponse(status=404)
    domain = request.GET.get("domain", "").lower()
    try:
        is_known = hosts.is_own(domain) or domain in hosts.live_domains()
    except DatabaseError:
        return HttpResponse(status=503)
    return HttpResponse(status=200 if is_known else 404)


class _Installation:
    """The figures, or that they cannot be had."""

    def collect(self) -> list[Metric]:
        try:
            return list(vitals.families())
        except DatabaseError:
            return [vitals._gauge("up", "Whether the database answers and is migrated.", [((), 0.0)])]


def _is_trusted(request: HttpRequest) -> bool:
    """By the token; or from this machine itself, where no proxy stands between that speaks for others."""
    token, given = settings.METRICS_TOKEN, request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    if any(name.startswith("HTTP_X_FORWARDED_") or name in BY_PROXY for name in request.META):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": _healthz,
    "/readyz": _readyz,
    "/metrics": _metrics,
    "/version": _version,
    "/certificate": _certificate,
}
