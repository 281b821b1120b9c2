"""What people fill in about rules, and what they ask of their activity."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.urls import reverse
from kit import clock
from kit.amounts import AmountField
from kit.countries import countries
from kit.identifiers import NotAnIccid, iccids_in, read_iccids

from accounts.models import Account, Membership
from automation.commands.rules import BadRule, Draft, check
from automation.models import Rule
from automation.policy import LONGEST_NAME, LONGEST_WORD, Action, Outcome, Period, Then, Trigger, Unit
from automation.queries.activity import AskedActivity
from automation.queries.scope import Scope
from lines.commands.settings import SPEEDS
from lines.models import RatePlan, Tag
from lines.policy.fields import LONGEST_VALUE
from lines.queries import plans_of, subaccounts_of
from lines.queries.fields import fields_of
from lines.queries.plans import plans_for
from lines.queries.scope import iccids_kept

TRIGGERS = (
    (Trigger.USAGE, "a line uses more than"),
    (Trigger.IMEI, "a line's IMEI changes"),
    (Trigger.SILENCE, "a line that is on moves no data for"),
    (Trigger.COUNTRY, "a line connects outside"),
    (Trigger.SMS, "a device sends a message with"),
    (Trigger.COST, "all of them together cost more than"),
)
PERIODS = ((Period.DAY, "day"), (Period.MONTH, "month"))
UNITS = ((Unit.MB, "MB"), (Unit.USD, "$"))
ACTIONS = (
    (Action.DEACTIVATE, "deactivate it at once"),
    (Action.THROTTLE, "slow it to"),
    (Action.PLAN, "put it on the rate plan"),
    (Action.TELL, "only tell people"),
)
THENS = (
    (Then.NEVER, "leave it so until somebody changes it"),
    (Then.NEXT_DAY, "put it back at the start of the next day"),
    (Then.NEXT_MONTH, "put it back at the start of the next month"),
    (Then.HOURS, "put it back after some hours"),
)
# The tutorial's examples, to begin with.
EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "daily": (
        "512 MB a day, on again the next day",
        {"name": "512 MB a day", "limit": "512", "period": "day", "unit": "mb", "then": Then.NEXT_DAY},
    ),
    "monthly": (
        "$200 a month, on again the next month",
        {"name": "$200 a month", "limit": "200", "period": "month", "unit": "usd", "then": Then.NEXT_MONTH},
    ),
    "imei": ("Off when the SIM is in another device", {"name": "Another device", "trigger": Trigger.IMEI}),
}
MOST_ICCIDS = 1_000
# Which field is used only with which answers of another.
USED_WITH: dict[str, tuple[str, tuple[str, ...]]] = {
    "limit": ("trigger", (Trigger.USAGE, Trigger.COST)),
    "period": ("trigger", (Trigger.USAGE, Trigger.COST)),
    "unit": ("trigger", (Trigger.USAGE,)),
    "hours": ("trigger", (Trigger.SILENCE,)),
    "word": ("trigger", (Trigger.SMS,)),
    "countries": ("trigger", (Trigger.COUNTRY,)),
    "then": ("action", (Action.DEACTIVATE, Action.THROTTLE, Action.PLAN)),
    "then_hours": ("then", (Then.HOURS,)),
    "kbps": ("action", (Action.THROTTLE,)),
    "to_plan": ("action", (Action.PLAN,)),
}


def _select(choices: Any, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=[(getattr(value, "value", value), label) for value, label in choices],
        widget=forms.Select(attrs={"class": "form-select"}),
        **more,
    )


class IccidsField(forms.CharField):
    """ICCIDs, however they are parted."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}), **options)

    def clean(self, value: Any) -> Any:
        try:
            iccids = read_iccids(super().clean(value) or "")
        except NotAnIccid as bad:
            raise forms.ValidationError(bad.message) from None
        if len(iccids) > MOST_ICCIDS:
            raise forms.ValidationError(f"Give at most {MOST_ICCIDS:,} ICCIDs; put a tag on the lines instead")
        return iccids


class RuleForm(forms.Form):
    """A rule as a sentence: when this happens, do that, then, for these lines, and tell these people."""

    name = forms.CharField(label="Name", max_length=LONGEST_NAME)
    trigger = _select(TRIGGERS, label="What happens", initial=Trigger.USAGE)
    limit = AmountField(
        places=6,
        label="Limit",
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "size": 7}),
    )
    unit = _select(UNITS, label="Unit", initial=Unit.MB)
    period = _select(PERIODS, label="Period", initial=Period.DAY)
    hours = forms.IntegerField(
        label="Hours", required=False, widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 4})
    )
    word = forms.CharField(label="Word", required=False, max_length=LONGEST_WORD)
    countries = forms.MultipleChoiceField(
        label="Countries where the lines may be", required=False, widget=forms.CheckboxSelectMultiple
    )
    action = _select(ACTIONS, label="What is done", initial=Action.DEACTIVATE)
    then = _select(THENS, label="Afterwards", required=False)
    then_hours = forms.IntegerField(
        label="After how many hours", required=False, widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 4})
    )
    kbps = _select([("", "choose"), *((str(kbps), f"{kbps:,}") for kbps in SPEEDS)], label="Speed", required=False)
    to_plan = _select([], label="To which rate plan", required=False)
    holder = _select([], label="Sub-account", required=False)
    plan = _select([], label="Rate plan", required=False)
    tags = forms.MultipleChoiceField(label="Tags, any of", required=False, widget=forms.CheckboxSelectMultiple)
    field = _select([], label="Custom field", required=False)
    field_value = forms.CharField(label="Field value", required=False, max_length=LONGEST_VALUE)
    only_iccids = IccidsField(label="Only these ICCIDs")
    except_iccids = IccidsField(label="Never these ICCIDs")
    tells = forms.MultipleChoiceField(label="Tell by mail", required=False, widget=forms.CheckboxSelectMultiple)
    is_shadow = forms.BooleanField(label="Shadow mode: record what it would do, and do nothing", required=False)

    def __init__(self, *args: Any, membership: Membership, **more: Any) -> None:
        super().__init__(*args, **more)
        self.account: Account = membership.account
        self.holders = {one.uuid.hex: one for one in subaccounts_of(membership)}
        self.plans: dict[str, RatePlan] = {str(plan.pk): plan for plan in plans_of(membership)}
        people = Membership.objects.filter(account=self.account, is_active=True, user__is_active=True)
        self.people = {str(place.pk): place for place in people.select_related("user").order_by("user__email")}
        own = [(self.account.uuid.hex, f"{self.account.name}'s own lines")] if self.holders else []
        self._choose("holder", [("", "all lines"), *own, *((key, one.name) for key, one in self.holders.items())])
        self._choose("plan", [("", "any"), *((key, plan.name) for key, plan in self.plans.items())])
        offered = set(plans_for(self.account).values_list("pk", flat=True))
        self.to_plans = {key: plan for key, plan in self.plans.items() if plan.pk in offered}
        self._choose("to_plan", [("", "choose"), *((key, plan.name) for key, plan in self.to_plans.items())])
        self._choose("countries", self._countries())
        tags = Tag.objects.filter(account=self.account).order_by("name").values_list("name", flat=True)
        self._choose("tags", [(name, name) for name in tags])
        self.custom = {str(one.pk): one for one in fields_of(membership)}
        self._choose("field", [("", "any"), *((key, one.name) for key, one in self.custom.items())])
        self._choose("tells", [(key, place.user.email) for key, place in self.people.items()])
        self.holders[self.account.uuid.hex] = self.account

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _countries(self) -> list[tuple[str, str]]:
        """Those that are chosen come first."""
        chosen = set(self["countries"].value() or [])
        return sorted(countries().items(), key=lambda one: one[0] not in chosen)

    def draft(self) -> Draft:
        """What is written so far; call it after `is_valid`, whatever that said."""
        data = self.cleaned_data
        return Draft(
            name=data.get("name", ""),
            trigger=Trigger(data.get("trigger") or Trigger.USAGE),
            action=Action(data.get("action") or Action.DEACTIVATE),
            period=data.get("period", ""),
            unit=data.get("unit", ""),
            limit=data.get("limit"),
            hours=data.get("hours"),
            word=data.get("word", ""),
            countries=data.get("countries") or [],
            holder=self.holders.get(data.get("holder") or ""),
            plan=self.plans.get(data.get("plan") or ""),
            tags=data.get("tags") or [],
            of_field=self.custom.get(data.get("field") or ""),
            field_value=data.get("field_value") or "",
            only_iccids=iccids_kept(self.account, data.get("only_iccids") or []),
            except_iccids=iccids_kept(self.account, data.get("except_iccids") or []),
            then=Then(data.get("then") or ""),
            then_hours=data.get("then_hours"),
            kbps=int(data["kbps"]) if data.get("kbps") else None,
            to_plan=self.to_plans.get(data.get("to_plan") or ""),
            tells=[self.people[key] for key in data.get("tells") or []],
            is_shadow=bool(data.get("is_shadow")),
        )

    def scope(self) -> Scope:
        draft = self.draft()
        return Scope(
            self.account.pk,
            draft.holder.pk if draft.holder else None,
            draft.plan.pk if draft.plan else None,
            draft.tags,
            draft.only_iccids,
            draft.except_iccids,
            draft.of_field.pk if draft.of_field else None,
            draft.kept_value() or "",
        )

    def clean(self) -> dict[str, Any]:
        """The same check as the command's, at the fields that have no error of their own. What the rule does not use
        is not looked at: nobody sees it."""
        data: dict[str, Any] = super().clean() or {}
        for name, (of, uses) in USED_WITH.items():
            if of not in self.errors and data.get(of) not in uses:
                self.errors.pop(name, None)
                data.pop(name, None)
        self.cleaned_data = data
        try:
            check(account=self.account, draft=self.draft())
        except BadRule as bad:
            for name, problem in bad.problems.items():
                if name not in self.errors:
                    self.add_error(name, problem)
        return self.cleaned_data


def initial_of(rule: Rule) -> dict[str, Any]:
    """A rule as its form shows it."""
    return {
        "name": rule.name,
        "trigger": rule.trigger,
        "limit": _plain(rule.limit),
        "unit": rule.unit or Unit.MB,
        "period": rule.period or Period.DAY,
        "hours": rule.hours,
        "word": rule.word,
        "countries": rule.countries,
        "action": rule.action,
        "then": rule.then,
        "then_hours": rule.then_hours,
        "kbps": rule.kbps,
        "to_plan": str(rule.to_plan_id or ""),
        "holder": rule.holder.uuid.hex if rule.holder else "",
        "plan": str(rule.plan_id or ""),
        "tags": rule.tags,
        "field": str(rule.field_id or ""),
        "field_value": rule.field_value,
        "only_iccids": "\n".join(rule.only_iccids),
        "except_iccids": "\n".join(rule.except_iccids),
        "tells": [str(pk) for pk in rule.tells.values_list("pk", flat=True)],
        "is_shadow": rule.is_shadow,
    }


def _plain(limit: Decimal | None) -> str:
    return "" if limit is None else f"{limit:f}".rstrip("0").rstrip(".")


def activity_from(data: QueryDict) -> AskedActivity:
    """What makes no sense is left out."""
    before = data.get("before", "")
    return AskedActivity(
        line=(iccids_in(data.get("line", "")) or [re.sub(r"[^0-9A-F]", "", data.get("line", "").upper())[:22]])[0],
        rule=_hex(data.get("rule", "")),
        outcome=data.get("outcome", "") if data.get("outcome", "") in set(Outcome) else "",
        start=clock.day_from(data.get("from", "")),
        end=clock.day_from(data.get("to", "")),
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )


def activity_filters(asked: AskedActivity) -> dict[str, object]:
    """What was read of each filter, by its name in the address."""
    return {
        "line": asked.line,
        "rule": asked.rule,
        "outcome": asked.outcome,
        "from": asked.start,
        "to": asked.end,
    }


def activity_query(asked: AskedActivity, *, before: int | None = None) -> str:
    """The query of an address, without what is not asked."""
    values = activity_filters(asked) | {"before": before}
    return urlencode({name: value for name, value in values.items() if value})


def activity_address(asked: AskedActivity, *, before: int | None = None) -> str:
    query = activity_query(asked, before=before)
    return reverse("rule_activity") + (f"?{query}" if query else "")


def _hex(text: str) -> str:
    try:
        return uuid.UUID(text).hex
    except ValueError:
        return ""
