"""Which tasks there are, which of them share a queue, and how often each is looked at."""

from __future__ import annotations

from celery.schedules import crontab

# Which tasks share a queue: a queue has slots of a worker that no other takes (config.shares).
WORK = {
    "driving": ["lines.tasks.drive_lines", "lines.tasks.handle_messages", "automation.tasks.act"],
    "reading": [
        "lines.tasks.plan_passes",
        "lines.tasks.read_usage",
        "lines.tasks.read_told_lines",
    ],
    "devices": [  # a carrier that hangs holds each call for long: readings do not wait for it
        "lines.tasks.look_at_devices",
        "lines.tasks.find_differences",
        "lines.tasks.read_funds",
        "lines.tasks.move_lines",
    ],
    "jobs": [
        "lines.tasks.work_jobs",
        "automation.tasks.watch",
        "automation.tasks.settle_test_accounts",
        "automation.tasks.check_all",
        "billing.tasks.compare_payments",  # asks Stripe for long: refills do not wait for it
    ],
    "money": ["lines.tasks.keep_books", "billing.tasks.*", "accounts.tasks.seal_events"],
    "mail": ["billing.tasks.send_notices", "accounts.tasks.mail_invitations"],
    "webhooks": ["automation.tasks.send_webhooks", "automation.tasks.drop_old"],
    "exports": [
        "lines.tasks.write_statements",
        "lines.tasks.write_usage_exports",
        "console.tasks.write_account_exports",
        "lines.tasks.prove_books",
        "lines.tasks.forget_unused",
        "lines.tasks.forget_old",
        "lines.tasks.keep_readings",
        "accounts.tasks.sweep_calls",
        "accounts.tasks.clear_sessions",
        "accounts.tasks.anchor_audit",
    ],
}
CELERY_TASK_ROUTES = (
    # The first that fits counts: whole names before patterns.
    sorted(
        ((task, {"queue": queue}) for queue, tasks in WORK.items() for task in tasks),
        key=lambda one: "*" in one[0],
    ),
)

# What is due is a row in PostgreSQL; Celery only says when to look (docs/architecture.md).
CELERY_BEAT_SCHEDULE = {
    "sweep-calls": {"task": "accounts.tasks.sweep_calls", "schedule": 60.0},
    "seal-events": {"task": "accounts.tasks.seal_events", "schedule": 10.0},
    "clear-sessions": {"task": "accounts.tasks.clear_sessions", "schedule": 3600.0},
    "anchor-audit": {"task": "accounts.tasks.anchor_audit", "schedule": crontab(hour="0", minute="40")},
    "mail-invitations": {"task": "accounts.tasks.mail_invitations", "schedule": 5.0},
    "plan-passes": {"task": "lines.tasks.plan_passes", "schedule": 5.0},
    "read-usage": {"task": "lines.tasks.read_usage", "schedule": 5.0},
    "read-told-lines": {"task": "lines.tasks.read_told_lines", "schedule": 5.0},
    "drive-lines": {"task": "lines.tasks.drive_lines", "schedule": 5.0},
    "move-lines": {"task": "lines.tasks.move_lines", "schedule": 5.0},
    "work-jobs": {"task": "lines.tasks.work_jobs", "schedule": 2.0},
    "forget-unused": {"task": "lines.tasks.forget_unused", "schedule": 3600.0},
    "handle-messages": {"task": "lines.tasks.handle_messages", "schedule": 5.0},
    "look-at-devices": {"task": "lines.tasks.look_at_devices", "schedule": 60.0},
    "read-funds": {"task": "lines.tasks.read_funds", "schedule": 600.0},
    "find-differences": {"task": "lines.tasks.find_differences", "schedule": 600.0},
    "keep-books": {"task": "lines.tasks.keep_books", "schedule": 10.0},
    "ask-stripe": {"task": "billing.tasks.ask_stripe", "schedule": 5.0},
    "compare-payments": {"task": "billing.tasks.compare_payments", "schedule": 600.0},
    "refill-balances": {"task": "billing.tasks.refill_balances", "schedule": 10.0},
    "write-statements": {"task": "lines.tasks.write_statements", "schedule": 5.0},
    "write-usage-exports": {"task": "lines.tasks.write_usage_exports", "schedule": 5.0},
    "write-account-exports": {"task": "console.tasks.write_account_exports", "schedule": 20.0},
    "keep-readings": {"task": "lines.tasks.keep_readings", "schedule": 3600.0},
    "forget-old": {"task": "lines.tasks.forget_old", "schedule": crontab(minute="25")},
    "prove-books": {"task": "lines.tasks.prove_books", "schedule": 60.0},
    "warn-of-cards": {"task": "billing.tasks.warn_of_cards", "schedule": crontab(minute="35")},
    "close-statements": {"task": "billing.tasks.close_statements", "schedule": crontab(minute="45")},
    "watch-balances": {"task": "billing.tasks.watch_balances", "schedule": 30.0},
    "act-on-rules": {"task": "automation.tasks.act", "schedule": 5.0},
    "settle-test-accounts": {"task": "automation.tasks.settle_test_accounts", "schedule": 5.0},
    "watch-for-rules": {"task": "automation.tasks.watch", "schedule": 60.0},
    "check-all-rules": {"task": "automation.tasks.check_all", "schedule": crontab(hour="0", minute="20")},
    "send-webhooks": {"task": "automation.tasks.send_webhooks", "schedule": 5.0},
    "drop-old-webhooks": {"task": "automation.tasks.drop_old", "schedule": 3600.0},
    "send-notices": {"task": "billing.tasks.send_notices", "schedule": 5.0},
}
