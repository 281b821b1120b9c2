"""Fields that an account adds to its lines: defined, renamed, removed; and what lines have in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from kit.errors import Invalid, Refusal
from kit.tables import Column, plain_heading

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
    have, or that a rule is narrowed by."""
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
    try:
        with transaction.atomic():
            field.save(update_fields=["name", "choices", "shown_to_subaccounts"])
    except IntegrityError as error:
        raise _named_by_a_rule(field, before["choices"], error) from None
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
    """Gives lines that the account pays for these values, as read_values gives them. Harmless twice. Raises
    FieldInUse where a field of them, or a choice, went meanwhile."""
    verdicts = set_each(values=dict.fromkeys(line_ids, values), account=account, by=by)
    refuse_lost(verdicts=verdicts)
    return verdicts


def refuse_lost(*, verdicts: Mapping[int, Verdict]) -> None:
    """Raises FieldInUse where lines could not have what they were to have."""
    if Verdict.NO_FIELD in verdicts.values():
        raise FieldInUse("A custom field was changed or removed meanwhile. Look at the fields, then try again.")


@transaction.atomic
def set_each(*, values: Mapping[int, Mapping[int, str]], account: Account, by: Actor) -> dict[int, Verdict]:
    """The same, other values for each line. One that is to have a value in a field that is gone, or a choice that is,
    stays as it is (NO_FIELD)."""
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
    lost: set[int] = set()
    for line_id, iccid in iccids.items():
        wanted = {pk: _now(fields.get(pk), value) for pk, value in values[line_id].items()}
        if None in wanted.values():
            lost.add(line_id)
            continue
        changed = {pk: value or "" for pk, value in wanted.items() if has[line_id].get(pk, "") != value}
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
    return {pk: _verdict(iccids.get(pk), did, is_lost=pk in lost) for pk in values}


def _verdict(iccid: str | None, did: set[str], *, is_lost: bool) -> Verdict:
    if iccid is None:
        return Verdict.GONE
    if is_lost:
        return Verdict.NO_FIELD
    return Verdict.DO if f"line:{iccid}" in did else Verdict.SAME


def _now(field: CustomField | None, value: str) -> str | None:
    """A kept value as the field has it now, a choice in its present spelling; None where it has it no more."""
    if not value:
        return value
    try:
        return read_value(FieldKind(field.kind), field.choices, value) if field else None
    except BadValue:
        return None


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
    heading = plain_heading(name)
    if heading in TAKEN:
        raise Invalid(f"“{name}” names something else already; choose another name", field="name")
    others = CustomField.objects.filter(account=account).exclude(pk=instead_of.pk if instead_of else 0)
    for other in others.order_by("pk").values_list("name", flat=True):
        if other.lower() == name.lower() or plain_heading(other) == heading:  # one column of a file
            raise Invalid(f"There is a field “{other}” already", field="name")
    return name


def _choices(kind: FieldKind, choices: Sequence[str]) -> list[str]:
    try:
        return checked_choices(kind, choices)
    except BadValue as bad:
        raise Invalid(str(bad), field="choices") from None


def columns_of(*, fields: Iterable[CustomField]) -> list[Column]:
    """What a file's columns are called; a name that means something else is that."""
    return [Column(one.name) for one in fields if plain_heading(one.name) not in TAKEN]


NAMED = "rule_names_a_choice_of_its_field"  # of the database: rules are above us


def _named_by_a_rule(field: CustomField, before: Sequence[str], error: IntegrityError) -> Exception:
    """A refusal where it is that, else what went wrong."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is None or diagnosis.constraint_name != NAMED:
        return error
    kept = {one.lower() for one in field.choices}
    gone = ", ".join(f"“{one}”" for one in before if one.lower() not in kept)
    return FieldInUse(f"A rule is narrowed by {field.name}: {gone}. Change or delete the rule first.")


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
