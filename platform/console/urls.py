"""Addresses of the pages that need several apps."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
