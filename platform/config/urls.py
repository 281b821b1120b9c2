"""Every address."""

from console.explain import explain
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("accounts.urls")),
    path("api/", include("api.urls")),
    path("lines/", include("lines.urls")),
    path("billing/explain/", explain, name="explain"),
    path("billing/", include("billing.urls")),
    path("", include("console.urls")),
]
