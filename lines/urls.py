"""Addresses about lines."""

from django.urls import path, re_path

from lines import views

urlpatterns = [
    path("", views.line_list, name="lines"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/$", views.line_page, name="line"),
]
