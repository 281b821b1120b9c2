"""Every address."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("accounts.urls")),
    path("lines/", include("lines.urls")),
    path("", include("console.urls")),
]
