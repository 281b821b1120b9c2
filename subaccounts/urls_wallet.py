"""Addresses of a sub-account's own balance."""

from django.urls import path

from subaccounts import wallet

urlpatterns = [
    path("", wallet.own, name="own_wallet"),
    path("<str:month>/", wallet.statement, name="own_statement"),
]
