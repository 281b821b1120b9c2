import sys
from pathlib import Path

from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    """Every app's admin.py registers its tables with the one back office."""

    default_site = "kit.backoffice.BackOffice"

    def ready(self) -> None:
        """Workers and beat show no desks: without them they start sooner and are smaller."""
        if Path(sys.argv[0]).parent.name != "celery":
            super().ready()
