"""Addresses of sub-accounts and white labels."""

from django.urls import include, path, re_path

from subaccounts import people, reselling, views, white_label

of_one = [
    path("", views.subaccount_page, name="subaccount"),
    path("rename/", views.rename, name="subaccount_rename"),
    path("switch/", views.switch, name="subaccount_switch"),
    path("all/", views.act_on_all, name="subaccount_all"),
    path("assign/", views.assign, name="subaccount_assign"),
    path("invite/", people.invite, name="subaccount_invite"),
    path("invitations/<int:number>/", people.invitation, name="subaccount_invitation"),
    path("people/<int:number>/", people.person, name="subaccount_person"),
    path("balance/", reselling.wallet_page, name="subaccount_wallet"),
    path("balance/terms/", reselling.charge, name="subaccount_terms"),
    path("balance/credit/", reselling.credit, name="subaccount_credit"),
    path("balance/stop/", reselling.stop, name="subaccount_stop_charging"),
    path("white-label/", white_label.white_label, name="white_label"),
]
urlpatterns = [
    path("", views.subaccount_list, name="subaccounts"),
    path("new/", views.new, name="subaccount_new"),
    path("prices/", reselling.price_lists, name="price_lists"),
    path("prices/new/", reselling.new_price_list, name="price_list_new"),
    re_path(r"^prices/(?P<key>[0-9a-f]{32})/$", reselling.price_list, name="price_list"),
    re_path(r"^prices/(?P<key>[0-9a-f]{32})/set/$", reselling.set_price, name="price_list_set"),
    path("margins/", reselling.margins, name="margins"),
    re_path(r"^(?P<key>[0-9a-f]{32})/", include(of_one)),
]
