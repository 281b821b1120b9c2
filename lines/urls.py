"""Addresses about lines."""

from django.urls import path, re_path

from lines import actions
from lines.views import listing

urlpatterns = [
    path("", listing.line_list, name="lines"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/$", listing.line_page, name="line"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/activate/$", actions.activate, name="line-activate"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/deactivate/$", actions.deactivate, name="line-deactivate"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/keep/$", actions.keep, name="line-keep"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/notes/$", actions.notes, name="line-notes"),
]
