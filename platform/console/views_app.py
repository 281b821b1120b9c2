"""What makes the console an app on a phone: its manifest, its service worker, and the page without a network.

The worker keeps that page and the files that it is drawn with, and nothing else: no answer about a customer is kept.
"""

from __future__ import annotations

import hashlib
import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.branding.requests import branding_for

# The ground of tokens.css, light; a phone shows it while the console begins.
GROUND = "#f6f7f8"
DRAWN_WITH = ("vendor/tabler.min.css", "vendor/inter.woff2", "tokens.css", "console.css")


@require_GET
def manifest(request: HttpRequest) -> HttpResponse:
    """How a phone installs the console, in the branding of who asks."""
    branding = branding_for(request)
    icons = [
        {"src": static(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any maskable"}
        for size in (192, 512)
    ]
    if not branding.is_ours:
        icons = []
    if branding.logo_version:
        address = f"{reverse('brand_logo', args=[branding.key])}?v={branding.logo_version}"
        icons = [{"src": address, "sizes": "any", "type": "image/png", "purpose": "any"}]
    told = {
        "name": branding.name,
        "short_name": branding.name[:12],
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": GROUND,
        "icons": icons,
        "shortcuts": [
            {"name": "Scan a SIM", "url": reverse("line-scan")},
            {"name": "Lines", "url": reverse("lines")},
        ],
    }
    return JsonResponse(told, content_type="application/manifest+json")


@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker; another version of the files is another worker."""
    files = [reverse("offline"), *(static(name) for name in DRAWN_WITH)]
    version = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12]
    context = {"version": f"offline-{version}", "files": json.dumps(files)}
    answer = render(request, "console/worker.js", context, content_type="text/javascript")
    answer["Cache-Control"] = "no-cache"
    return answer


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """What is shown without a network; the same for everybody."""
    return render(request, "console/offline.html")
