"""Addresses of what one buys."""

from django.urls import path

from lines.views import shop

urlpatterns = [
    path("orders/", shop.order_page, name="orders"),
    path("orders/<uuid:key>/withdraw/", shop.withdraw_order, name="withdraw_order"),
    path("store/", shop.store, name="store"),
    path("coverage/", shop.coverage, name="coverage"),
]
