"""What people do with rules: write them, change them, switch them on and off, delete them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from kit import clock
from kit.countries import countries
from kit.errors import Changed, Invalid, Refusal

from accounts.commands import record
from accounts.models import Account, Membership
from accounts.policy import Actor
from automation import policy, words
from automation.models import Rule
from automation.policy import Action, Then, Trigger
from lines.commands.settings import SPEEDS
from lines.models import CustomField, Line, RatePlan, Tag
from lines.policy.fields import BadValue, FieldKind, read_value
from lines.queries.plans import plans_for

MOST_RULES = 100  # of an account
SECOND_CLICK = dt.timedelta(seconds=10)


class TooManyRules(Refusal):
    """The account has as many rules as it may have."""


class BadRule(Invalid):
    """`problems`: what is wrong, by the field's name."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as somebody wrote it. `limit` is in MB of 1,048,576 bytes or in USD."""

    name: str
    trigger: Trigger
    action: Action
    period: str = ""
    unit: str = ""
    limit: Decimal | None = None
    hours: int | None = None
    word: str = ""
    countries: list[str] = field(default_factory=list)
    holder: Account | None = None  # a sub-account, or the account itself for the lines that it holds
    plan: RatePlan | None = None
    tags: list[str] = field(default_factory=list)
    of_field: CustomField | None = None  # lines that have `field_value` in it
    field_value: str = ""
    only_iccids: list[str] = field(default_factory=list)
    except_iccids: list[str] = field(default_factory=list)
    then: Then = Then.NEVER
    then_hours: int | None = None
    kbps: int | None = None
    to_plan: RatePlan | None = None
    tells: list[Membership] = field(default_factory=list)
    is_shadow: bool = False

    def facts(self) -> dict[str, Any]:
        """The rule's columns; what its trigger and action do not use is empty."""
        with_limit = self.trigger in (Trigger.USAGE, Trigger.COST)
        then = self.then if self.action is not Action.TELL else Then.NEVER
        return {
            "name": " ".join(self.name.split()),
            "trigger": self.trigger.value,
            "period": self.period if with_limit else "",
            "unit": ("usd" if self.trigger is Trigger.COST else self.unit) if with_limit else "",
            "limit": self.limit if with_limit else None,
            "hours": self.hours if self.trigger is Trigger.SILENCE else None,
            "word": " ".join(self.word.split()) if self.trigger is Trigger.SMS else "",
            "countries": sorted(set(self.countries)) if self.trigger is Trigger.COUNTRY else [],
            "holder": self.holder,
            "plan": self.plan,
            "tags": sorted(set(self.tags)),
            "field": self.of_field,
            "field_value": self.kept_value() or "",
            "only_iccids": sorted(set(self.only_iccids)),
            "except_iccids": sorted(set(self.except_iccids)),
            "action": self.action.value,
            "then": then.value,
            "then_hours": self.then_hours if then is Then.HOURS else None,
            "kbps": self.kbps if self.action is Action.THROTTLE else None,
            "to_plan": self.to_plan if self.action is Action.PLAN else None,
            "is_shadow": self.is_shadow,
        }

    def kept_value(self) -> str | None:
        """The field's value as lines have it; None where it can be none of its."""
        if self.of_field is None:
            return ""
        try:
            return read_value(FieldKind(self.of_field.kind), self.of_field.choices, self.field_value) or None
        except BadValue:
            return None


@transaction.atomic
def add_rule(*, account: Account, draft: Draft, by: Actor, at_once: bool = True) -> Rule:
    """`at_once`: it meets all its lines now; otherwise each with its next reading.

    The same within a few seconds is a second click, and one rule. Raises BadRule, TooManyRules.
    """
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    check(account=account, draft=draft)
    just_now = Rule.objects.filter(account=account, deleted_at=None, created_at__gt=clock.now() - SECOND_CLICK)
    if (twin := just_now.filter(**draft.facts()).first()) is not None:
        return twin
    if Rule.objects.filter(account=account, deleted_at=None).count() >= MOST_RULES:
        raise TooManyRules(f"An account has at most {MOST_RULES} rules; delete one that is not needed")
    asked_at = clock.now() if at_once else None
    rule = Rule.objects.create(account=account, check_asked_at=asked_at, saved_at=clock.now(), **draft.facts())
    rule.tells.set(draft.tells)
    _record("rule.added", rule, by)
    return rule


@transaction.atomic
def change_rule(*, account: Account, rule: Rule, draft: Draft, by: Actor, at_once: bool = True) -> Rule:
    """What it did stays, and where it has fired in a period it does not fire again. Raises BadRule.

    `at_once`: it meets all its lines now; otherwise each with its next reading.
    """
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)  # so that its fields stay as they are meanwhile
    locked = _locked(account, rule)
    check(account=account, draft=draft)
    for name, value in draft.facts().items():
        setattr(locked, name, value)
    locked.saved_at = clock.now()
    locked.check_asked_at = clock.now() if at_once else None
    locked.save()
    locked.tells.set(draft.tells)
    _record("rule.changed", locked, by)
    return locked


@transaction.atomic
def switch_rule(*, account: Account, rule: Rule, on: bool, by: Actor, only_from: bool | None = None) -> Rule:
    """Switching off undoes nothing, and open follow-ups still run. Harmless twice. `only_from`: what it must be by now;
    raises Changed where it is not."""
    locked = _locked(account, rule)
    if only_from is not None and locked.is_on is not only_from:
        raise Changed
    if locked.is_on != on:
        locked.is_on = on
        if on:
            locked.since = locked.check_asked_at = locked.saved_at = clock.now()
        locked.save(update_fields=["is_on", "since", "check_asked_at", "saved_at"])
        _record("rule.switched_on" if on else "rule.switched_off", locked, by)
    return locked


@transaction.atomic
def delete_rule(*, account: Account, rule: Rule, by: Actor) -> None:
    """Its activity stays, and its open follow-ups still run. Harmless twice."""
    locked = _locked(account, rule)
    if locked.deleted_at is None:
        locked.deleted_at = clock.now()
        locked.field = None  # the field may be removed now
        locked.save(update_fields=["deleted_at", "field"])
        _record("rule.deleted", locked, by)


def _locked(account: Account, rule: Rule) -> Rule:
    return Rule.objects.select_for_update().get(pk=rule.pk, account=account)


def check(*, account: Account, draft: Draft) -> None:
    """Raises BadRule with what is wrong at which field; what is not the account's is unknown here."""
    problems = policy.problems(
        name=draft.name,
        trigger=draft.trigger,
        period=draft.period,
        unit=draft.unit,
        limit=draft.limit,
        hours=draft.hours,
        word=draft.word,
        countries=draft.countries,
        action=draft.action,
        then=draft.then,
        then_hours=draft.then_hours,
        tells=len(draft.tells),
        kbps=draft.kbps,
        speeds=SPEEDS,
        has_plan=draft.to_plan is not None,
    )
    if unknown := [code for code in draft.countries if code not in countries()]:
        problems["countries"] = f"No country has these two letters: {', '.join(unknown[:3])}"
    holder = draft.holder
    if holder is not None and account.pk not in (holder.pk, holder.parent_id):
        problems["holder"] = "Choose one of your sub-accounts"
    for name, plan in (("plan", draft.plan), ("to_plan", draft.to_plan)):
        if plan is not None and not Line.objects.filter(payer=account, plan=plan).exists():
            problems[name] = "Choose a rate plan of your lines"
    if draft.to_plan is not None and not plans_for(account).filter(pk=draft.to_plan.pk).exists():
        problems["to_plan"] = "Choose a rate plan of your lines"
    known_tags = set(Tag.objects.filter(account=account, name__in=draft.tags).values_list("name", flat=True))
    if unknown := [tag for tag in draft.tags if tag not in known_tags]:
        problems["tags"] = f"Not among your tags: {', '.join(unknown)}"
    if draft.of_field is not None and not _is_there(account, draft.of_field):
        problems["field"] = "Choose one of your custom fields"
    elif draft.kept_value() is None:
        problems["field_value"] = "Enter a value that the field can have"
    if any(place.account_id != account.pk or not place.is_active for place in draft.tells):
        problems["tells"] = "Choose people of this account"
    for name, iccids in (("only_iccids", draft.only_iccids), ("except_iccids", draft.except_iccids)):
        known = set(Line.objects.filter(payer=account, iccid__in=iccids).values_list("iccid", flat=True))
        if unknown := [iccid for iccid in iccids if iccid not in known]:
            more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
            problems[name] = f"Not among your lines: {', '.join(unknown[:3])}{more}"
    if problems:
        raise BadRule(problems)


def _is_there(account: Account, field: CustomField) -> bool:
    """Whether it is the account's; its choices are then what they are now."""
    now = CustomField.objects.filter(pk=field.pk, account=account).values_list("choices", flat=True).first()
    field.choices = field.choices if now is None else now
    return now is not None


def checked(*, rule: Rule) -> None:
    """All its lines were looked at, as the rule was when it was read; one that was changed meanwhile is due again."""
    Rule.objects.filter(pk=rule.pk, check_asked_at=rule.check_asked_at).update(check_asked_at=None)


def _record(verb: str, rule: Rule, by: Actor) -> None:
    record(
        by=by,
        verb=verb,
        account_id=rule.account_id,
        subject=f"rule:{rule.uuid.hex}",
        detail={"name": rule.name, "does": words.sentence(rule)},
    )
