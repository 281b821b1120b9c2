from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConsoleConfig(AppConfig):
    name = "console"

    def ready(self) -> None:
        from kit import pooled

        from console import roles

        pooled.begin()

        # Once, when all is migrated; an app without tables hears nothing of it.
        post_migrate.connect(roles.apply, sender=apps.get_app_config("accounts"), dispatch_uid="console.roles")
