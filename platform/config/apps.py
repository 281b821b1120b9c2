from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    """Every app's admin.py registers its tables with the one back office."""

    default_site = "kit.backoffice.BackOffice"
