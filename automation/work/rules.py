"""Rules look at what changed, and act. Each of these is harmless twice."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from kit import clock

from automation.commands.fires import fire
from automation.commands.follow_ups import run_due_follow_ups
from automation.commands.rules import checked
from automation.commands.standing_by import end_standing_by, fire_for_lines_that_came_on
from automation.commands.telling import tell_of
from automation.models import Rule, RuleFire
from automation.policy import Trigger
from automation.queries import due, news
from automation.queries.due import Found
from automation.queries.scope import lines_in_scope, scope_of
from automation.work.events import new_events
from billing.commands.notifying import tell_many
from lines.commands.changes import take_changed_lines
from lines.commands.devices import watch_lines

PAGES = 8
AT_ONCE = 2_000  # lines in one transaction


def check_pages() -> int:
    """Meets the lines that pages of readings moved with all rules about usage; says how many lines turned.

    The pages and what the rules do about them are one transaction: they come again where it fails.
    """
    turned = 0
    while True:
        with transaction.atomic():
            changed = take_changed_lines(pages=PAGES)
            if changed is None:
                return turned
            turned += fire(found=due.usage_of_lines(changed.line_ids, since=changed.since.date())).turned


def meet_page() -> int:
    """What a page of readings brought: usage, and cards that sit in another device."""
    return check_pages() + check_events()


def check_rest() -> int:
    """Everything that is not a page: follow-ups, new rules, events, silence, costs; says how many lines turned."""
    turned = check_pages() + follow_up() + check_new_rules() + check_events() + check_slow() + check_returned()
    tell_people()
    return turned


def tell_news() -> int:
    """What happened below is told to people; says how much."""
    told = 0
    with new_events("news") as after:
        while found := news.untold(after=after, now=clock.now()):
            for kind in sorted({kind for kind, _ in found}):
                tell_many(kind=kind, tellings=[telling for other, telling in found if other is kind])
            told += len(found)
    return told


def follow_up() -> int:
    turned = 0
    while done := run_due_follow_ups():
        turned += done
    return turned


def check_returned() -> int:
    """Lines that were off when a rule met them, and have come on."""
    end_standing_by(today=clock.today())
    turned = 0
    while done := fire_for_lines_that_came_on():
        turned += done
    return turned


def check_new_rules() -> int:
    """A rule that was written, changed or switched on meets all its lines at once."""
    turned = 0
    for rule in Rule.objects.exclude(check_asked_at=None).order_by("pk"):
        turned += _fire(due.usage_of_all(today=clock.today(), rule_id=rule.pk))
        checked(rule=rule)
    return turned


def check_all() -> int:
    """The net: every rule about usage meets every line."""
    return _fire(due.usage_of_all(today=clock.today()))


def check_events() -> int:
    """IMEIs that changed and messages that came."""
    if not Rule.objects.filter(is_on=True, deleted_at=None, trigger__in=[Trigger.IMEI, Trigger.SMS]).exists():
        return 0
    with new_events("rules") as after:
        return _fire(due.imei_changes(after=after) + due.messages(after=after))


def watch_devices() -> None:
    """Lines in scope of rules about devices and countries are looked at before others."""
    rules = Rule.objects.filter(
        is_on=True, deleted_at=None, trigger__in=[Trigger.IMEI, Trigger.COUNTRY]
    ).select_related("holder", "plan")
    watch_lines(line_ids=sorted({line_id for rule in rules for line_id in lines_in_scope(scope_of(rule))}))


def check_slow() -> int:
    """What no page tells: lines that are silent or abroad, and what accounts cost."""
    today = clock.today()
    return _fire(due.silence(today=today) + due.abroad(today=today) + due.costs(today=today))


def tell_people() -> int:
    """Tells who is to be told what rules did; says of how many rules."""
    rule_ids = RuleFire.objects.filter(mail_due=True).order_by("rule").values_list("rule", flat=True).distinct()
    return sum(tell_of(rule_id=rule_id) for rule_id in rule_ids)


def _fire(found: Sequence[Found]) -> int:
    return sum(fire(found=found[start : start + AT_ONCE]).turned for start in range(0, len(found), AT_ONCE))
