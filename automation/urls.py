"""Addresses of automation."""

from django.urls import path, re_path

from automation.views import activity, caps, rules, webhooks

KEY = r"(?P<key>[0-9a-f]{32})"

urlpatterns = [
    path("rules/", rules.rule_list, name="rules"),
    path("rules/new/", rules.new_rule, name="new_rule"),
    re_path(rf"^rules/{KEY}/$", rules.change_rule, name="rule"),
    re_path(rf"^rules/{KEY}/switch/$", rules.switch_rule, name="rule-switch"),
    re_path(rf"^rules/{KEY}/delete/$", rules.delete_rule, name="rule-delete"),
    path("caps/", caps.cap_list, name="caps"),
    path("caps/new/", caps.new_cap, name="cap_new"),
    re_path(rf"^caps/{KEY}/change/$", caps.change_cap, name="cap_change"),
    re_path(rf"^caps/{KEY}/delete/$", caps.delete_cap, name="cap_delete"),
    path("activity/", activity.activity_list, name="rule_activity"),
    path("activity.csv", activity.activity_csv, name="rule_activity_csv"),
    path("follow-ups/<int:number>/cancel/", activity.cancel, name="follow-up-cancel"),
    path("follow-ups/<int:number>/run/", activity.run_now, name="follow-up-run"),
    path("webhooks/", webhooks.webhook_list, name="webhooks"),
    re_path(rf"^webhooks/{KEY}/$", webhooks.webhook_page, name="webhook"),
    re_path(rf"^webhooks/{KEY}/(?P<do>switch|delete|secret|test)/$", webhooks.webhook_act, name="webhook-act"),
    path("webhooks/deliveries/<int:number>/again/", webhooks.send_again, name="webhook-again"),
]
