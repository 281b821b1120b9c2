from django.apps import AppConfig


class AutomationConfig(AppConfig):
    name = "automation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Rules listen where pages are applied and where lines are about to be driven."""
        from kit.bells import Bell, listen

        from automation.work import rules

        listen(Bell.PAGE_APPLIED, rules.meet_page)
        listen(Bell.BALANCES_DECIDED, rules.check_rest)
