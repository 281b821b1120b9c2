"""Fields that an account adds to its lines: defined, renamed, removed; and what lines have in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from kit.errors import Invalid, Refusal

from accounts.commands import Happened, record, record_many
from accounts.models import Account
from accounts.policy import Actor
from lines.models import CustomField, FieldValue, Line
from lines.policy import Verdict
from lines.policy.fields import MOST_FIELDS, BadValue, FieldKind, checked_choices, checked_name, read_value

# Headings that mean something else in a file of lines.
TAKEN = frozenset({"iccid", "rate plan", "notes", "tags", "code", "status", "field", "custom fields"})


class FieldInUse(Refusal):
    """Something else needs the field, or a choice of it, as it is."""


@transaction.atomic
def add_field(
    *, account: Account, name: str, kind: FieldKind, choices: Sequence[str] = (), shown: bool = False, by: Actor
) -> CustomField:
    """`shown`: to sub-accounts, of their lines. Raises Invalid."""
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if account.is_subaccount:
        raise Invalid("A sub-account has the fields that its provider shows to it")
    name = _name(account, name, instead_of=None)
    if CustomField.objects.filter(account=account).count() >= MOST_FIELDS:
        raise Invalid(f"An account has at most {MOST_FIELDS} fields; remove one first")
    field = CustomField.objects.create(
        account=account, name=name, kind=kind, choices=_choices(kind, choices), shown_to_subaccounts=shown
    )
    record(by=by, verb="field.added", account_id=account.pk, detail={"name": name, "after": _of(field)})
    return field


@transaction.atomic
def change_field(*, field: CustomField, name: str, choices: Sequence[str] = (), shown: bool, by: Actor) -> CustomField:
    """Its values stay; its kind does not change. Harmless twice. Raises Invalid, FieldInUse for a choice that lines
    have."""
    account = Account.objects.select_for_update(no_key=True).get(pk=field.account_id)
    field = CustomField.objects.select_for_update().get(pk=field.pk)
    before = _of(field)
    field.name = _name(account, name, instead_of=field)
    field.choices = _choices(FieldKind(field.kind), choices)
    field.shown_to_subaccounts = shown
    if field.kind == FieldKind.CHOICE:
        _keep_choices(field)
    if _of(field) == before:
        return field
    field.save(update_fields=["name", "choices", "shown_to_subaccounts"])
    detail = {"name": before["name"], "before": before, "after": _of(field)}
    record(by=by, verb="field.changed", account_id=account.pk, detail=detail)
    return field


@transaction.atomic
def remove_field(*, field: CustomField, by: Actor) -> int:
    """With what lines have in it; says how many had something. Raises FieldInUse where a rule is narrowed by it."""
    CustomField.objects.select_for_update().get(pk=field.pk)
    count = field.values.count()
    try:
        field.delete()
    except ProtectedError:
        raise FieldInUse(f"A rule is narrowed by {field.name}. Change or delete the rule first.") from None
    detail = {"name": field.name, "before": _of(field), "lines": count}
    record(by=by, verb="field.removed", account_id=field.account_id, detail=detail)
    return count


def read_values(*, account: Account, given: Mapping[str, object]) -> dict[int, str]:
    """By fields' ids what somebody gave by their names, as it is kept; empty for what is to go. Raises Invalid."""
    return read_by(fields=CustomField.objects.filter(account=account), given=given)


def read_by(*, fields: Iterable[CustomField], given: Mapping[str, object]) -> dict[int, str]:
    """The same with these fields. Raises Invalid."""
    known = {field.name.lower(): field for field in fields}
    found: dict[int, str] = {}
    for name, value in given.items():
        field = known.get(name.strip().lower())
        if field is None:
            names = ", ".join(sorted(one.name for one in known.values())) or "none yet"
            raise Invalid(f"There is no field “{name[:40]}”; there are: {names}", field="custom_fields")
        if field.pk in found:
            raise Invalid(f"{field.name} is given twice", field="custom_fields")
        try:
            found[field.pk] = read_value(FieldKind(field.kind), field.choices, "" if value is None else str(value))
        except BadValue as bad:
            raise Invalid(f"{field.name}: {bad}", field="custom_fields") from None
    return found


@transaction.atomic
def set_fields(
    *, line_ids: Sequence[int], account: Account, values: Mapping[int, str], by: Actor
) -> dict[int, Verdict]:
    """Gives lines that the account pays for these values, as read_values gives them. Harmless twice."""
    return set_each(values=dict.fromkeys(line_ids, values), account=account, by=by)


@transaction.atomic
def set_each(*, values: Mapping[int, Mapping[int, str]], account: Account, by: Actor) -> dict[int, Verdict]:
    """The same, other values for each line."""
    lines = Line.objects.select_for_update(no_key=True).filter(pk__in=values, payer=account).order_by("pk")
    iccids = dict(lines.values_list("pk", "iccid"))
    asked = {pk for given in values.values() for pk in given}
    fields = {field.pk: field for field in CustomField.objects.select_for_update(no_key=True).filter(
        account=account, pk__in=asked).order_by("pk")}  # fmt: skip
    has: dict[int, dict[int, str]] = defaultdict(dict)
    for line_id, field_id, value in FieldValue.objects.filter(line__in=iccids, field__in=fields).values_list(
        "line_id", "field_id", "value"
    ):
        has[line_id][field_id] = value
    new: list[FieldValue] = []
    gone: dict[int, list[int]] = defaultdict(list)
    things: list[Happened] = []
    for line_id, iccid in iccids.items():
        changed = {
            pk: value for pk, value in values[line_id].items() if pk in fields and has[line_id].get(pk, "") != value
        }
        for pk, value in changed.items():
            if value:
                new.append(FieldValue(account=account, field=fields[pk], line_id=line_id, value=value))
            else:
                gone[pk].append(line_id)
        if changed:
            before = {fields[pk].name: has[line_id].get(pk, "") for pk in changed}
            after = {fields[pk].name: value for pk, value in changed.items()}
            things.append(Happened(account.pk, f"line:{iccid}", {"before": before, "after": after}))
    FieldValue.objects.bulk_create(
        new, update_conflicts=True, unique_fields=["line", "field"], update_fields=["value"], batch_size=2000
    )
    for pk, ids in gone.items():
        FieldValue.objects.filter(field=pk, line__in=ids).delete()
    record_many(by=by, verb="line.fields_set", things=things)
    did = {thing.subject for thing in things}
    return {
        pk: Verdict.GONE if pk not in iccids else Verdict.DO if f"line:{iccids[pk]}" in did else Verdict.SAME
        for pk in values
    }


def _of(field: CustomField) -> dict[str, Any]:
    return {
        "name": field.name,
        "kind": field.kind,
        "choices": list(field.choices),
        "shown_to_sub_accounts": field.shown_to_subaccounts,
    }


def _name(account: Account, text: str, *, instead_of: CustomField | None) -> str:
    try:
        name = checked_name(text)
    except BadValue as bad:
        raise Invalid(str(bad), field="name") from None
    if name.lower() in TAKEN:
        raise Invalid(f"“{name}” names something else already; choose another name", field="name")
    others = CustomField.objects.filter(account=account, name__iexact=name)
    if others.exclude(pk=instead_of.pk if instead_of else 0).exists():
        raise Invalid(f"There is a field “{name}” already", field="name")
    return name


def _choices(kind: FieldKind, choices: Sequence[str]) -> list[str]:
    try:
        return checked_choices(kind, choices)
    except BadValue as bad:
        raise Invalid(str(bad), field="choices") from None


def _keep_choices(field: CustomField) -> None:
    """A choice that lines have stays; spelled in other capitals, it is so on its lines too."""
    by_lower = {one.lower(): one for one in field.choices}
    for value in field.values.order_by("value").values_list("value", flat=True).distinct():
        if value.lower() not in by_lower:
            used = field.values.filter(value=value).count()
            have, them = ("s have", "them") if used > 1 else (" has", "it")
            raise FieldInUse(f"{used:,} line{have} “{value}”. Change {them} first.")
        if by_lower[value.lower()] != value:
            field.values.filter(value=value).update(value=by_lower[value.lower()])
