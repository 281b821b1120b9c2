"""Addresses about lines."""

from django.urls import path, re_path

from lines import actions
from lines.views import line, listing, messages

urlpatterns = [
    path("", listing.line_list, name="lines"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/$", line.line_page, name="line"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/activate/$", actions.activate, name="line-activate"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/deactivate/$", actions.deactivate, name="line-deactivate"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/keep/$", actions.keep, name="line-keep"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/notes/$", actions.notes, name="line-notes"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/sms/$", messages.line_sms, name="line-sms"),
    re_path(r"^(?P<iccid>[0-9]{19,20})/sms/send/$", messages.sms_send, name="line-sms-send"),
]

sms_urlpatterns = [
    path("", messages.sms_list, name="sms"),
    path("seen/", messages.sms_seen, name="sms-seen"),
]
