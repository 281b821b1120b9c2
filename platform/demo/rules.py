"""The demo's rules, what they have done, and its webhooks."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max
from kit import clock

from accounts.models import Account, Membership
from accounts.policy import Actor, Role
from accounts.queries import owner_of
from automation.commands.rules import Draft, add_rule, switch_rule
from automation.commands.webhooks import add_webhook
from automation.kinds import TOPICS
from automation.models import Rule
from automation.policy import Action, Period, Then, Trigger, Unit
from automation.work import rules
from lines.models import LineState
from lines.policy import MEGABYTE

NOBODY = "https://hooks.northwind.example/linekeeper"  # what is sent there shows as failed
CAMERAS, METERS = "Harbour Security", "Water Works"
OVER = 3  # lines that were over the limit yesterday


@transaction.atomic
def furnish(account: Account, simulator: str) -> None:
    """Rules that fired last night, rules that wait for something, a webhook that is heard and one that is not.

    Harmless twice.
    """
    if Rule.objects.filter(account=account).exists():
        return
    by = owner_of(account).actor
    tells = list(Membership.objects.filter(account=account, role=Role.OWNER))
    last_night = dt.datetime.combine(clock.today(), dt.time(), dt.UTC) - dt.timedelta(minutes=2)
    with clock.frozen(last_night):
        for draft in _fired(account, last_night.date()):
            add_rule(account=account, draft=draft, by=by)
        rules.check_new_rules()
    meters = Account.objects.get(parent=account, name=METERS)
    _add(account, by, name="A card sits in another device", trigger=Trigger.IMEI, action=Action.TELL, tells=tells)
    _add(account, by, name="Meters that are silent", trigger=Trigger.SILENCE, hours=48, holder=meters, tells=tells)
    _add(account, by, name="SOS from a device", trigger=Trigger.SMS, word="SOS", tells=tells)
    spent: dict[str, Any] = {"period": Period.MONTH, "limit": Decimal(1000), "tells": tells}
    cost = _add(account, by, name="The month costs over $1,000", trigger=Trigger.COST, **spent)
    switch_rule(account=account, rule=cost, on=False, by=by)
    add_webhook(account=account, url=f"{simulator}/_sim/hook", topics=list(TOPICS), by=by)
    add_webhook(account=account, url=NOBODY, topics=["lines", "rules"], by=by)


def _fired(account: Account, day: dt.date) -> list[Draft]:
    """Limits that a few lines had passed by the end of this day."""
    used = LineState.objects.filter(line__payer=account, day=day).order_by("-day_bytes")
    harbour = Account.objects.get(parent=account, name=CAMERAS)
    cameras = used.filter(line__account=harbour).values_list("day_bytes", flat=True)
    if len(cameras) <= OVER:  # a demo of an earlier day, or midnight has just passed
        return []
    limit = Decimal(int(cameras[OVER] // MEGABYTE))
    usage: dict[str, Any] = {"trigger": Trigger.USAGE, "period": Period.DAY, "unit": Unit.MB}
    most = used.aggregate(most=Max("day_bytes"))["most"] // MEGABYTE
    return [
        Draft(
            name="Cameras: off for the day", action=Action.DEACTIVATE, then=Then.NEXT_DAY, holder=harbour,
            limit=limit, **usage,
        ),
        Draft(name="Try first: any", action=Action.DEACTIVATE, is_shadow=True, limit=Decimal(most * 4 // 5), **usage),
    ]  # fmt: skip


def _add(account: Account, by: Actor, *, action: Action = Action.TELL, **facts: Any) -> Rule:
    return add_rule(account=account, draft=Draft(action=action, **facts), by=by)
