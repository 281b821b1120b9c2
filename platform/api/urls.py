"""The API's addresses: below an account's UUID everything is the door's."""

from django.urls import path, re_path

from api.door import door
from api.office import office_door
from api.openapi import openapi
from api.pages import changes, problem

urlpatterns = [
    path("openapi.json", openapi, name="openapi"),
    path("problems/<slug:code>", problem, name="api_problem"),
    path("changes", changes, name="api_changes"),
    re_path(r"^back-office(?:/(?P<path>[\s\S]*))?$", office_door, name="office_api"),
    re_path(r"^(?P<account_uuid>[^/]*)(?:/(?P<path>[\s\S]*))?$", door, name="api"),
]
