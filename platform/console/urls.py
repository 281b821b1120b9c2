"""Addresses of the pages that need several apps."""

from django.urls import path

from console import views

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("balance/", views.balance, name="balance"),
    path("tutorial/", views.tutorial, name="tutorial"),
    path("theme/", views.theme, name="theme"),
]
