"""Addresses of automation."""

from django.urls import path, re_path

from automation.views import activity, rules, webhooks

KEY = r"(?P<key>[0-9a-f]{32})"

urlpatterns = [
    path("rules/", rules.rule_list, name="rules"),
    path("rules/new/", rules.new_rule, name="new_rule"),
    re_path(rf"^rules/{KEY}/$", rules.change_rule, name="rule"),
    re_path(rf"^rules/{KEY}/switch/$", rules.switch_rule, name="rule-switch"),
    re_path(rf"^rules/{KEY}/delete/$", rules.delete_rule, name="rule-delete"),
    re_path(rf"^rules/{KEY}/undo/$", rules.undo_rule, name="rule-undo"),
    path("activity/", activity.activity_list, name="rule_activity"),
    path("activity.csv", activity.activity_csv, name="rule_activity_csv"),
    path("follow-ups/<int:number>/cancel/", activity.cancel, name="follow-up-cancel"),
    path("follow-ups/<int:number>/run/", activity.run_now, name="follow-up-run"),
    path("webhooks/", webhooks.webhook_list, name="webhooks"),
    re_path(rf"^webhooks/{KEY}/$", webhooks.webhook_page, name="webhook"),
    re_path(rf"^webhooks/{KEY}/(?P<do>switch|delete|secret|test)/$", webhooks.webhook_act, name="webhook-act"),
    path("webhooks/deliveries/<int:number>/again/", webhooks.send_again, name="webhook-again"),
]
