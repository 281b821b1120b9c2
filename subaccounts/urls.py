"""Addresses of sub-accounts and white labels."""

from django.urls import include, path, re_path

from subaccounts import people, views, white_label

of_one = [
    path("", views.subaccount_page, name="subaccount"),
    path("rename/", views.rename, name="subaccount_rename"),
    path("switch/", views.switch, name="subaccount_switch"),
    path("all/", views.act_on_all, name="subaccount_all"),
    path("assign/", views.assign, name="subaccount_assign"),
    path("invite/", people.invite, name="subaccount_invite"),
    path("invitations/<int:number>/", people.invitation, name="subaccount_invitation"),
    path("people/<int:number>/", people.person, name="subaccount_person"),
    path("white-label/", white_label.white_label, name="white_label"),
]
urlpatterns = [
    path("", views.subaccount_list, name="subaccounts"),
    path("new/", views.new, name="subaccount_new"),
    re_path(r"^(?P<key>[0-9a-f]{32})/", include(of_one)),
]
