"""Telling staff what rules did: gathered, so that a rule that fires for a thousand lines is one mail."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from kit import clock

from automation import words
from automation.models import Rule, RuleFire
from billing.commands.notices import tell
from billing.policy.notices import Kind
from billing.words import Told

PAUSE = dt.timedelta(minutes=15)  # between two mails of a rule
MOST_NAMED = 20  # lines in a mail


@transaction.atomic
def tell_of(*, rule_id: int) -> bool:
    """Tells a rule's people what it did since they were last told; False where it is too soon, or nothing is new."""
    rule = Rule.objects.select_for_update().get(pk=rule_id)
    now = clock.now()
    if rule.mailed_at is not None and now < rule.mailed_at + PAUSE:
        return False
    fires = list(RuleFire.objects.filter(rule=rule, mail_due=True).select_related("line").order_by("pk"))
    if not fires:
        return False
    RuleFire.objects.filter(pk__in=[fire.pk for fire in fires]).update(mail_due=False)
    people = rule.tells.filter(is_active=True, user__is_active=True).values_list("user__email", flat=True)
    if to := sorted(people):
        tell(
            account_id=rule.account_id,
            key=f"rule:{rule.pk}:{fires[0].pk}:{fires[0].fired_at.isoformat()}",
            told=_told(rule, fires),
            to=to,
            page=f"/automation/activity/?rule={rule.uuid.hex}",
            kind=Kind.RULES,
        )
    rule.mailed_at = now
    rule.save(update_fields=["mailed_at"])
    return bool(to)


def _told(rule: Rule, fires: list[RuleFire]) -> Told:
    lines = "1 line" if len(fires) == 1 else f"{len(fires):,} lines"
    about = "your account" if fires[0].line is None else lines
    said = [
        f"{fire.line.iccid if fire.line else rule.account.name}: {fire.because}. {words.OUTCOMES[fire.outcome]}."
        for fire in fires[:MOST_NAMED]
    ]
    if len(fires) > MOST_NAMED:
        said.append(f"And {len(fires) - MOST_NAMED:,} more: Rule Activity lists them all.")
    return Told(f"The rule “{rule.name}” fired for {about}", "\n\n".join([words.sentence(rule), *said]))
