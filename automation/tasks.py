"""When rules work: bells that Celery rings. Pages of readings are met at once, where they are applied (apps.py)."""

from __future__ import annotations

import time

from celery import current_app, shared_task
from kit import clock

from automation.commands import sandbox
from automation.commands.erasing import forget_messages
from automation.commands.feed import drop_old_events, publish_troubles
from automation.commands.webhooks import drop_old_deliveries
from automation.work import rules, webhooks

SHIFT = 40.0  # seconds that one bell works at the most: under the tasks' time limit


def _drive(turned: int) -> int:
    """Carriers are driven at once where lines turned."""
    if turned:
        current_app.send_task("lines.tasks.drive_lines")
    return turned


@shared_task
def act() -> int:
    """What is due, and pages that were not met where they were applied."""
    looks = (rules.check_pages, rules.follow_up, rules.check_new_rules, rules.check_events, rules.check_returned)
    turned = _drive(sum(look() for look in looks))
    rules.tell_people()
    rules.tell_news()
    return turned


@shared_task
def watch() -> int:
    """What no page and no event tells."""
    rules.watch_devices()
    publish_troubles()
    return _drive(rules.check_slow())


@shared_task
def settle_test_accounts() -> int:
    """Test accounts go on by their own clocks, as far as their share of time goes."""
    return sandbox.settle_due()


@shared_task
def check_all() -> int:
    """Every night: every rule meets every line."""
    return _drive(rules.check_all())


@shared_task
def send_webhooks() -> int:
    """What happened is told to the addresses that listen."""
    end = time.monotonic() + SHIFT
    webhooks.plan()
    return webhooks.send(stop=lambda: time.monotonic() > end)


@shared_task
def drop_old() -> int:
    """Messages that ended long ago, events that have left the feed, and what rules keep of messages from devices."""
    return drop_old_deliveries() + drop_old_events() + forget_messages(today=clock.today())
