"""Addresses of the pages that need several apps."""

from django.urls import path

from console import views, views_app, views_data, views_notifications

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("balance/", views.balance, name="balance"),
    path("tutorial/", views.tutorial, name="tutorial"),
    path("account-data/", views_data.account_data, name="account_data"),
    path("account-data/export/", views_data.export_account, name="export_account"),
    path("account-data/<uuid:key>.zip", views_data.account_file, name="account_file"),
    path("notifications/", views_notifications.notifications, name="notifications"),
    path("notifications/bell/", views_notifications.bell, name="notification-bell"),
    path("notifications/read/", views_notifications.read, name="notifications-read"),
    path("notifications/choose/", views_notifications.choose, name="notifications-choose"),
    path("undo/", views_notifications.undo, name="undo"),
    path("manifest.webmanifest", views_app.manifest, name="manifest"),
    path("worker.js", views_app.worker, name="worker"),
    path("offline/", views_app.offline, name="offline"),
    path("theme/", views.theme, name="theme"),
]
