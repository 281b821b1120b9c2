"""What people fill in about caps; the commands check what they are given."""

from __future__ import annotations

from typing import Any

from django import forms
from kit.amounts import AmountField
from kit.identifiers import asked

from accounts.models import Account
from lines.commands.caps import Draft
from lines.models import Line, RatePlan, Tag
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit
from lines.queries.plans import plans_known_to

KINDS = [
    (CapKind.ACCOUNT.value, "The whole account"),
    (CapKind.SUBACCOUNT.value, "One sub-account"),
    (CapKind.TAG.value, "Lines with one tag"),
    (CapKind.PLAN.value, "Lines on one rate plan"),
    (CapKind.LINE.value, "One line"),
]
ACTIONS = [(CapAction.STOP.value, "Stop its lines"), (CapAction.NOTIFY.value, "Notify only")]
_MISSING = "Choose one"


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


class ChangeCapForm(forms.Form):
    limit = AmountField(label="Limit", places=6)
    action = forms.ChoiceField(label="When it is full", choices=ACTIONS, widget=_select())


class CapForm(forms.Form):
    kind = forms.ChoiceField(label="Count together", choices=KINDS, widget=_select())
    holder = forms.ModelChoiceField(Account.objects.none(), label="Sub-account", required=False, widget=_select())
    tag = forms.ModelChoiceField(Tag.objects.none(), label="Tag", required=False, widget=_select())
    plan = forms.ModelChoiceField(RatePlan.objects.none(), label="Rate plan", required=False, widget=_select())
    line = forms.CharField(label="ICCID", required=False, max_length=40)
    limit = AmountField(label="Limit", places=6)
    unit = forms.ChoiceField(
        label="Unit", choices=[(CapUnit.MB.value, "MB"), (CapUnit.USD.value, "$")], widget=_select()
    )
    period = forms.ChoiceField(
        label="In a",
        choices=[(CapPeriod.MONTH.value, "month"), (CapPeriod.DAY.value, "day")],
        widget=_select(),
        help_text="Days and months are in UTC.",
    )
    action = forms.ChoiceField(label="When it is full", choices=ACTIONS, widget=_select())

    def __init__(self, *given: Any, account: Account, **named: Any) -> None:
        super().__init__(*given, **named)
        self.account = account
        choices = {
            "holder": Account.objects.filter(parent=account).order_by("name", "pk"),
            "tag": Tag.objects.filter(account=account).order_by("name"),
            "plan": plans_known_to(account).order_by("name"),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        field = {CapKind.SUBACCOUNT: "holder", CapKind.TAG: "tag", CapKind.PLAN: "plan", CapKind.LINE: "line"}
        wanted = field.get(given.get("kind", ""))
        if wanted and not given.get(wanted) and wanted not in self.errors:
            self.add_error(wanted, _MISSING if wanted != "line" else "Give the ICCID of one of your lines")
        elif wanted == "line":
            given["line"] = self._line(given["line"])
        return given

    def _line(self, text: str) -> Line | None:
        found = Line.objects.filter(payer=self.account, iccid__in=asked(text)).first()
        if found is None:
            self.add_error("line", "No such line is yours. Give the ICCID of one of your lines.")
        return found

    def draft(self) -> Draft:
        """Of what was chosen only what its kind is about."""
        given = self.cleaned_data
        kind = CapKind(given["kind"])
        return Draft(
            kind=kind,
            unit=CapUnit(given["unit"]),
            period=CapPeriod(given["period"]),
            limit=given["limit"],
            action=CapAction(given["action"]),
            holder=given["holder"] if kind is CapKind.SUBACCOUNT else None,
            tag=given["tag"] if kind is CapKind.TAG else None,
            plan=given["plan"] if kind is CapKind.PLAN else None,
            line=given["line"] if kind is CapKind.LINE else None,
        )
