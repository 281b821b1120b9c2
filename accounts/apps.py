from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import security
        from accounts.login import recovery_codes

        security.listen()
        recovery_codes.install()
