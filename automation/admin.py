"""The back office's desks about rules: what customers have act by itself, and what it did."""

from __future__ import annotations

from django.contrib import admin
from kit.backoffice import Desk
from unfold.decorators import display

from automation import words
from automation.models import Rule, RuleFire
from automation.policy import Outcome

OUTCOME_LABELS = {
    words.OUTCOMES[Outcome.DEACTIVATED]: "warning",
    words.OUTCOMES[Outcome.SET]: "info",
    words.OUTCOMES[Outcome.REFUSED]: "danger",
    words.OUTCOMES[Outcome.LEFT]: "danger",
}


@admin.register(Rule)
class RuleDesk(Desk):
    """Rules of every account, deleted ones too: they stay for what they did."""

    list_display = ["name", "account", "says", "is_on", "is_shadow", "created_at", "deleted_at"]
    list_filter = ["is_on", "is_shadow", "trigger", "action", ("deleted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["account", "holder", "plan", "to_plan"]
    search_fields = ["=account__name", "name"]
    fields = ["account", "name", "says", "about", "is_on", "is_shadow", "created_at", "since", "deleted_at"]
    readonly_fields = ["says", "about"]

    @display(description="What it does")
    def says(self, rule: Rule) -> str:
        return words.sentence(rule)

    @display(description="For which lines")
    def about(self, rule: Rule) -> str:
        return words.scope(rule)


@admin.register(RuleFire)
class RuleFireDesk(Desk):
    """What rules did, latest first."""

    called = "rule activity"
    list_display = ["fired_at", "rule", "line", "because", "came_of_it", "lifts_at", "account"]
    list_filter = ["outcome", "is_shadow"]
    list_select_related = ["account", "rule", "line"]
    search_fields = ["=line__iccid", "=account__name"]
    exclude = ["mail_due"]
    readonly_fields = ["came_of_it"]

    @display(description="Result", label=OUTCOME_LABELS)
    def came_of_it(self, fire: RuleFire) -> str:
        return words.OUTCOMES.get(fire.outcome, fire.outcome)
